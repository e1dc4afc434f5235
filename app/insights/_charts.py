"""Charts of the insights as SVG: columns over time, and the reliability diagram. Pure; each names and describes itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from agents.playbooks.document.drawing import line, nice_step, number, rect, svg, text
from tasks.thresholds import StoredCalibration

WIDTH, HEIGHT = 440, 210
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 14, 34
ROOM, RISE = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
LABEL_WIDTH = 54  # of a date under a column
SIDE = 260


@dataclass(frozen=True)
class Column:
    """What stands over one place of time: a label, and values of parts from the bottom up."""

    label: str
    values: tuple[float, ...]

    @property
    def height(self) -> float:
        return sum(self.values)


def columns(name: str, title: str, given: Sequence[Column], parts: Sequence[str], unit: str = "") -> Markup:
    """Columns over time, each stacked of its parts. `parts` name them; "$" stands before a number, other units after it."""
    most = max((one.height for one in given), default=0)
    step = nice_step(most, 4)
    top = max(step * -(-most // step), step)
    body = _rules(top, step, unit)
    wide = ROOM / max(len(given), 1)
    bar = min(max(wide * 0.72, 1.5), 34)
    every = max(1, -(-int(LABEL_WIDTH * len(given)) // ROOM))
    for place, one in enumerate(given):
        middle = LEFT + wide * (place + 0.5)
        low = TOP + RISE
        for number_of_part, value in enumerate(one.values):
            high = RISE * value / top
            if high > 0:
                body.append(rect(middle - bar / 2, low - high, bar, high, f"part{number_of_part + 1}", 1.5))
            low -= high
        if (len(given) - 1 - place) % every == 0:
            is_last = place == len(given) - 1 and wide < LABEL_WIDTH
            body.append(
                text(WIDTH - 2 if is_last else middle, HEIGHT - 14, one.label, "soft", "end" if is_last else "middle")
            )
    return _drawn(svg(name, title, _told(given, parts, unit), WIDTH, HEIGHT, body, with_style=False))


def _rules(top: float, step: float, unit: str) -> list[str]:
    body: list[str] = []
    tick = 0.0
    while tick <= top + step / 2:
        y = TOP + RISE * (1 - tick / top)
        body += [line(LEFT, y, WIDTH - RIGHT, y, "rule"), text(LEFT - 6, y + 4, amount(tick, unit), "soft", "end")]
        tick += step
    return body


def amount(value: float, unit: str = "") -> str:
    """A number with its unit: $0.25, 3 min, 12."""
    if unit == "$":
        return f"${value:.2f}" if value < 10 else f"${value:.0f}"
    short = f"{value:.2f}".rstrip("0").rstrip(".") if value < 10 else f"{value:.0f}"
    return f"{short} {unit}".rstrip()


def _told(given: Sequence[Column], parts: Sequence[str], unit: str) -> str:
    shown = [one for one in given if one.height][-60:]
    words = (
        f"{one.label}: "
        + ", ".join(f"{amount(value, unit)} {part}" for value, part in zip(one.values, parts, strict=True) if value)
        for one in shown
    )
    return "; ".join(words) or "Nothing is in it."


def reliability(name: str, calibration: StoredCalibration, title: str) -> Markup:
    """How often it was right, against how sure it was: dots on the diagonal are honest. Bigger dots are more cases."""
    side = SIDE - 60

    def x(share: float) -> float:
        return 44 + side * share

    def y(share: float) -> float:
        return 12 + side * (1 - share)

    body = [rect(x(0), y(1), side, side, "field")]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        body += [
            line(x(0), y(share), x(1), y(share), "rule"),
            text(x(0) - 6, y(share) + 4, f"{share:.0%}", "soft", "end"),
            text(x(share), y(0) + 16, f"{share:.0%}", "soft", "middle"),
        ]
    body.append(line(x(0), y(0), x(1), y(1), "ideal"))
    body.append(line(x(calibration.threshold), y(0), x(calibration.threshold), y(1), "threshold"))
    if calibration.fitted:
        body.append(_fit([(x(start), y(share)) for start, share in calibration.fitted], x(1)))
    most = max((one.count for one in calibration.bins), default=1)
    for one in calibration.bins:
        radius = 3 + 5 * (one.count / most) ** 0.5
        body.append(line(x(one.confidence), y(one.least), x(one.confidence), y(one.most), "interval"))
        body.append(
            f'<circle class="dot" cx="{number(x(one.confidence))}" cy="{number(y(one.right))}" r="{number(radius)}"/>'
        )
    told = "; ".join(
        f"said {one.confidence:.0%}, right {one.right:.0%} of {amount(one.count)}" for one in calibration.bins
    )
    return _drawn(svg(name, title, told or "No case yet.", SIDE, SIDE - 14, body, with_style=False))


def _fit(steps: Sequence[tuple[float, float]], end: float) -> str:
    """The rising steps that fit the outcomes best."""
    ends = [*(start for start, _ in steps[1:]), end]
    way = " ".join(
        f"{'M' if place == 0 else 'V'}{f'{number(start)} ' if place == 0 else ''}{number(high)} H{number(stop)}"
        for place, ((start, high), stop) in enumerate(zip(steps, ends, strict=True))
    )
    return f'<path class="fit" d="{way}"/>'


def _drawn(chart: str) -> Markup:
    """A chart as it stands in a page: `drawing` has escaped every text in it."""
    return Markup(chart)  # noqa: S704 - see above  # nosec B704 # escaped where it is drawn
