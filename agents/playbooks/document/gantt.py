"""The Gantt chart of a schedule as SVG: phases, tasks, steps, what waits for what, the critical path, a scale of time.

Pure. What is critical is hatched and outlined besides its colour, so it is read in print and without colours, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from agents.playbooks.document.drawing import fitted, hatch, line, number, rect, safe, signs_wide, svg, text
from agents.playbooks.document.schedule import ScheduleEntry

ROW = 24
HEAD = 46
FOOT = 34
LABELS = 280
CHART = 610
BESIDE = 44  # room for the words behind the last bar
WIDTH = LABELS + CHART + BESIDE
LETTER = 6.4  # pixels of an average letter at 12 px
ROWS_A_PAGE = 30
MOST_OVER = 4


@dataclass(frozen=True)
class Scale:
    """From days to pixels."""

    first: date
    days: int

    def x(self, day: date) -> float:
        """Where a day begins."""
        return LABELS + CHART * (day - self.first).days / self.days


def gantt(
    entries: Sequence[ScheduleEntry],
    title: str,
    *,
    name: str = "gantt",
    with_style: bool = True,
    whole: Scale | None = None,
) -> str:
    """One chart of these entries, in their order. `whole`: the time it covers, that of the entries where not given."""
    if not entries:
        body = [text(12, 30, "There is nothing in the schedule.", "soft")]
        return svg(name, title, "An empty schedule.", WIDTH, 50, body, with_style=with_style)
    scale = whole or scale_of(entries)
    rows = {entry.id: number_ for number_, entry in enumerate(entries)}
    height = HEAD + ROW * len(entries) + FOOT
    body = [
        f"<defs>{hatch(f'{name}-hatch')}{_tips(name)}</defs>",
        *(rect(0, HEAD + ROW * row, WIDTH, ROW, "band") for row in range(0, len(entries), 2)),
        *_scale(scale, height - FOOT),
        *(_label(entry, row, entries) for row, entry in enumerate(entries)),
        *_edges(entries, rows, scale, name),
        *(_bar(entry, row, scale, name) for row, entry in enumerate(entries)),
        *_legend(height, name),
    ]
    return svg(name, title, _words(entries), WIDTH, height, body, with_style=with_style)


def gantt_pages(entries: Sequence[ScheduleEntry], title: str, rows: int = ROWS_A_PAGE) -> list[str]:
    """The same in charts of so many rows at most, each with the scale of the whole: for pages. They bring no style."""
    if not entries:
        return []
    scale = scale_of(entries)
    pages = list(_paged(entries, rows))
    return [
        gantt(
            page,
            title if len(pages) == 1 else f"{title}, part {place} of {len(pages)}",
            name=f"gantt-{place}",
            with_style=False,
            whole=scale,
        )
        for place, page in enumerate(pages, start=1)
    ]


def scale_of(entries: Sequence[ScheduleEntry]) -> Scale:
    """The time that entries cover."""
    first, last = min(entry.starts_on for entry in entries), max(entry.ends_on for entry in entries)
    return Scale(first, (last - first).days + 1)


def _paged(entries: Sequence[ScheduleEntry], rows: int) -> Iterator[list[ScheduleEntry]]:
    """Pages of about so many rows: a phase does not begin on the last rows of one, nor leave its last rows to the next."""
    heads = [place for place, entry in enumerate(entries) if entry.parent_id is None] + [len(entries)]
    page: list[ScheduleEntry] = []
    for place, entry in enumerate(entries):
        is_head = entry.parent_id is None
        left_of_phase = next(head for head in heads if head > place) - place
        is_full = len(page) >= rows and left_of_phase > MOST_OVER
        if page and (is_full or (is_head and len(page) >= rows - MOST_OVER)):
            yield page
            page = []
        page.append(entry)
    if page:
        yield page


def _words(entries: Sequence[ScheduleEntry]) -> str:
    scale = scale_of(entries)
    last = scale.first + timedelta(days=scale.days - 1)
    critical = [
        entry.id for entry in entries if entry.is_critical and not any(o.parent_id == entry.id for o in entries)
    ]
    named = ", ".join(critical[:40]) or "none"
    return f"{len(entries)} entries from {scale.first} to {last}. Critical: {named}."


# ---------------------------------------------------------------- time


def _scale(scale: Scale, bottom: float) -> list[str]:
    found: list[str] = [line(LABELS, HEAD, LABELS + CHART, HEAD), line(LABELS, HEAD, LABELS, bottom)]
    heads = [(scale.x(max(begin, scale.first)), label) for begin, label in _heads(scale)]
    if len(heads) > 1 and heads[1][0] - heads[0][0] <= signs_wide(heads[1][1]) * LETTER + 10:
        del heads[0]  # a few days of a month leave the name's room to the next one
    last = -999.0
    for x, label in heads:
        if x - last > signs_wide(label) * LETTER + 10 and x + signs_wide(label) * LETTER < WIDTH:
            found.append(text(x + 3, 17, label, "strong small"))
            last = x
    last = -999.0
    for begin, label in _ticks(scale):
        x = scale.x(begin)
        found.append(line(x, HEAD - 6, x, bottom))
        if x - last > signs_wide(label) * LETTER + 8 and x + signs_wide(label) * LETTER < WIDTH:
            found.append(text(x + 3, HEAD - 12, label, "soft small"))
            last = x
    return found


def _heads(scale: Scale) -> Iterator[tuple[date, str]]:
    """Months, or years where there are too many of them."""
    if scale.days > 190:
        yield from ((day, str(day.year)) for day in _firsts(scale, 12))
    else:
        yield from ((day, f"{day:%b %Y}") for day in _firsts(scale, 1))


def _ticks(scale: Scale) -> Iterator[tuple[date, str]]:
    """Days, weeks, months or quarters, years at last: about as many as have room."""
    if scale.days <= 31:
        yield from (
            (scale.first + timedelta(days=n), str((scale.first + timedelta(days=n)).day)) for n in range(scale.days)
        )
    elif scale.days <= 190:
        to_monday = -scale.first.weekday() % 7
        days = (scale.first + timedelta(days=n) for n in range(to_monday, scale.days, 7))
        yield from ((day, str(day.day)) for day in days)
    else:
        months = 1 if scale.days <= 1200 else 3 if scale.days <= 4000 else 12 * max(1, scale.days // 365 // 25)
        for day in _firsts(scale, months):
            if day >= scale.first:
                yield day, str(day.year) if months >= 12 else f"{day:%b}"


def _firsts(scale: Scale, months: int) -> Iterator[date]:
    """First days of months (of each so many) in this time, the first one perhaps before it."""
    end = scale.first + timedelta(days=scale.days - 1)
    month = scale.first.year * 12 + scale.first.month - 1
    month = max(month - month % months, 12)
    while True:
        day = date(month // 12, month % 12 + 1, 1)
        if day > end:
            return
        yield day
        month += months
        if month // 12 > 9999:
            return


# ---------------------------------------------------------------- rows


def _depth(entry: ScheduleEntry, entries: Sequence[ScheduleEntry]) -> int:
    if entry.parent_id is None:
        return 0
    return 1 + entry.parent_id.count(".") if entry.parent_id.startswith("T") else 1


def _label(entry: ScheduleEntry, row: int, entries: Sequence[ScheduleEntry]) -> str:
    depth = _depth(entry, entries)
    indent = 8 + 14 * depth
    words = fitted(f"{entry.id} {entry.name}", (LABELS - indent - 10) / (LETTER + 0.4 * (depth == 0)))
    kind = "strong" if depth == 0 else "soft small" if depth > 1 else ""
    return f"<g><title>{safe(_told(entry))}</title>{text(indent, HEAD + ROW * row + 16, words, kind)}</g>"


def _told(entry: ScheduleEntry) -> str:
    waits = f"; waits for {', '.join(entry.depends_on)}" if entry.depends_on else ""
    critical = "critical" if entry.is_critical else f"{entry.slack_days} days to spare"
    return f"{entry.id} {entry.name}: {entry.starts_on} to {entry.ends_on}, {entry.days} days, {critical}{waits}"


def _bar(entry: ScheduleEntry, row: int, scale: Scale, name: str) -> str:
    x, top = scale.x(entry.starts_on), HEAD + ROW * row
    width = max(scale.x(entry.ends_on + timedelta(days=1)) - x if entry.ends_on < date.max else 2, 2)
    parts = [f"<title>{safe(_told(entry))}</title>"]
    depth = _depth(entry, [])
    if depth == 0:
        parts += _bracket(x, top, width, "hot" if entry.is_critical else "phase")
    else:
        height = 14 if depth == 1 else 7
        y = top + (ROW - height) / 2
        kind = ("hot" if entry.is_critical else "bar") if depth == 1 else "step"
        parts.append(rect(x, y, width, height, kind, 2))
        if entry.is_critical:
            parts += [rect(x, y, width, height, "hatched", 2, f"{name}-hatch"), rect(x, y, width, height, "outline", 2)]
    if depth <= 1:
        label = f"{entry.days} d"
        ground = "paper" if row % 2 else "band"  # what waits for what passes behind the words
        parts.append(rect(x + width + 6, top + 5, signs_wide(label) * LETTER + 4, ROW - 10, ground))
        parts.append(text(x + width + 8, top + 16, label, "soft small halo"))
    return f"<g>{''.join(parts)}</g>"


def _bracket(x: float, top: float, width: float, kind: str) -> list[str]:
    """The bar of a phase: a beam with a point at each end."""
    y, tip = top + 7, min(5.0, width / 2)
    points = [(x, y), (x + width, y), (x + width, y + 12), (x + width - tip, y + 6), (x + tip, y + 6), (x, y + 12)]
    return [f'<polygon class="{kind}" points="{" ".join(f"{number(a)},{number(b)}" for a, b in points)}"/>']


# ---------------------------------------------------------------- edges


def _tips(name: str) -> str:
    marker = 'viewBox="0 0 6 6" refX="5.5" refY="3" markerWidth="6" markerHeight="6" orient="auto"'
    return "".join(
        f'<marker id="{name}-{kind}" {marker}><path class="{kind}" d="M0,0 L6,3 L0,6 z"/></marker>'
        for kind in ("tip", "tip-hot")
    )


def _edges(entries: Sequence[ScheduleEntry], rows: Mapping[str, int], scale: Scale, name: str) -> Iterator[str]:
    by_id = {entry.id: entry for entry in entries}
    for entry in entries:
        for need in entry.depends_on:
            before = by_id.get(need)
            if before is None or before.ends_on == date.max:
                continue
            end = scale.x(before.ends_on + timedelta(days=1))
            follows = before.ends_on + timedelta(days=1) == entry.starts_on
            is_hot = before.is_critical and entry.is_critical and follows
            yield _edge((end, rows[need]), (scale.x(entry.starts_on), rows[entry.id]), name, is_hot=is_hot)


def _edge(start: tuple[float, int], end: tuple[float, int], name: str, *, is_hot: bool) -> str:
    """From the end of a bar down (or up) to the beginning of another, along the edges of rows: the middle of a row holds words."""
    x1, y1 = start[0], HEAD + ROW * start[1] + ROW / 2
    x2, y2 = end[0], HEAD + ROW * end[1] + ROW / 2
    kind, tip = ("edge-hot", "tip-hot") if is_hot else ("edge", "tip")
    between = y1 + ROW / 2 if y2 > y1 else y1 - ROW / 2  # the row is left at once, before its words
    way = f"M{number(x1)},{number(y1)} H{number(x1 + 4)} V{number(between)} H{number(x2 - 7)} V{number(y2)} H{number(x2 - 1)}"
    return f'<path class="{kind}" d="{way}" marker-end="url(#{name}-{tip})"/>'


def _legend(height: float, name: str) -> list[str]:
    y = height - FOOT + 12
    return [
        *_bracket(12, y - 7, 26, "phase"),
        text(44, y + 9, "Phase", "small"),
        rect(104, y - 2, 26, 12, "bar", 2),
        text(136, y + 9, "Task", "small"),
        rect(186, y + 1, 26, 7, "step", 2),
        text(218, y + 9, "Step", "small"),
        rect(268, y - 2, 26, 12, "hot", 2),
        rect(268, y - 2, 26, 12, "hatched", 2, f"{name}-hatch"),
        rect(268, y - 2, 26, 12, "outline", 2),
        text(300, y + 9, "Critical: a day lost here is lost for the whole", "small"),
    ]
