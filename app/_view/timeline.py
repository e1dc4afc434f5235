"""What ran when, as a drawing: a row for each task, and long stretches in which nothing ran drawn short."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app._view.graph import task_page
from app._view.scale import Break, Scale, Tick, scale_of
from app._view.sequence import parts_of
from app._view.tree import ENDED
from app._view.words import span, state
from tasks.functions import TaskNode
from tasks.models import Task
from tasks.review import belongs_to_draft

LEFT, WIDTH, RIGHT, ROW, TOP, BOTTOM = 232, 760, 60, 24, 30, 8
LABEL = 27  # characters
NARROWEST = 3  # a task that took no time is still seen
BEGINS = {
    "queued": "queued",
    "retry_queued": "queued",
    "started": "in_progress",
    "resumed": "in_progress",
    "blocked": "blocked",
    "paused": "paused",
    "unqueued": "",
    "completed": "",
    "failed": "",
    "cancelled": "",
}
DONE = "completed"


@dataclass(frozen=True)
class Stretch:
    """A task was in one state from a moment to another."""

    state: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Bar:
    """A stretch at its place."""

    x: float
    width: float
    state: str


@dataclass(frozen=True)
class Row:
    """One task: `said` is the row in words; `diamond` is where a person is, or was, to decide."""

    y: int
    label: str
    title: str
    href: str
    state: str
    said: str
    is_critical: bool
    bars: list[Bar]
    diamond: float | None = None


@dataclass(frozen=True)
class Chart:
    """The rows with their axis; `waiting` tasks have not begun and are not drawn. `now` is where the line of this moment stands."""

    width: int
    height: int
    left: int
    rows: list[Row]
    ticks: list[Tick]
    breaks: list[Break]
    now: float | None
    waiting: int


def chart_of(
    tree: TaskNode, critical: Iterable[UUID], now: datetime, href: Callable[[TaskNode], str] = task_page
) -> Chart | None:
    """What has begun of a tree's tasks, those without parts of their own, in the order they began; None before the first."""
    leaves = list(_leaves(tree))
    is_over = tree.execution_status in ENDED and all(leaf.execution_status in ENDED | {"pending"} for leaf in leaves)
    lanes = {leaf.id: stretches_of(leaf, now) for leaf in leaves}
    begun = sorted((leaf for leaf in leaves if lanes[leaf.id]), key=lambda leaf: lanes[leaf.id][0].start)
    if not begun:
        return None
    everything = [one for leaf in begun for one in lanes[leaf.id]]
    start, end = min(one.start for one in everything), max(one.end for one in everything)
    busy = [(one.start, one.end) for one in everything if one.state in {"queued", "in_progress", DONE}]
    scale = scale_of(start, end if is_over else max(end, now), busy, WIDTH)
    chain = set(critical)
    rows = [_row(leaf, lanes[leaf.id], number, scale, leaf.id in chain, href) for number, leaf in enumerate(begun)]
    return Chart(
        width=LEFT + WIDTH + RIGHT,
        height=TOP + ROW * len(rows) + BOTTOM,
        left=LEFT,
        rows=rows,
        ticks=scale.ticks(now.tzinfo),
        breaks=scale.breaks,
        now=None if is_over else scale.at(now),
        waiting=sum(leaf.execution_status == "pending" for leaf in leaves if not lanes[leaf.id]),
    )


def stretches_of(task: Task, now: datetime) -> list[Stretch]:
    """A task's states over time, from its log; what is going on ends now. Running that ended well is `completed`."""
    found: list[Stretch] = []
    current, since = "", None
    for entry in task.execution_log:
        if entry.event not in BEGINS:
            continue
        if current and since is not None:
            found.append(Stretch(current, since, max(entry.timestamp, since)))
        current, since = BEGINS[entry.event], entry.timestamp
    if current and since is not None and task.execution_status not in ENDED:
        found.append(Stretch(current, since, max(now, since)))
    if task.execution_status == "completed":
        found = [Stretch(DONE, one.start, one.end) if one.state == "in_progress" else one for one in found]
    return found


def _leaves(tree: TaskNode) -> Iterator[TaskNode]:
    """Every task without parts that counts; also what failed and was replaced, for it took its time."""
    for part in tree.children:
        has_run = part.superseded_at is None or part.execution_status == "failed"
        if belongs_to_draft(part) or not has_run:
            continue
        if parts_of(part):
            yield from _leaves(part)
        else:
            yield part


def _row(
    task: TaskNode,
    lane: list[Stretch],
    number: int,
    scale: Scale,
    is_critical: bool,
    href: Callable[[TaskNode], str],
) -> Row:
    name, word = state(task)
    bars = [_bar(one, scale) for one in lane]
    is_gate = task.tool == "approval_gate"
    label = task.title if len(task.title) <= LABEL else f"{task.title[: LABEL - 1].rstrip()}…"
    said = f"{task.title[:200]}: {word}{_times(lane)}"
    diamond = LEFT + scale.at(lane[-1].end) if is_gate else None
    return Row(TOP + ROW * number, label, task.title[:200], href(task), name, said, is_critical, bars, diamond)


def _bar(one: Stretch, scale: Scale) -> Bar:
    x = scale.at(one.start)
    return Bar(round(LEFT + x, 1), round(max(scale.at(one.end) - x, NARROWEST), 1), one.state)


def _times(lane: list[Stretch]) -> str:
    """How long it was queued, worked and waited, in words."""
    found: list[str] = []
    for word, names in (("queued", {"queued"}), ("worked", {"in_progress", DONE}), ("waited", {"blocked", "paused"})):
        took = sum((one.end - one.start for one in lane if one.state in names), timedelta())
        if took:
            found.append(f"{word} {span(took.total_seconds())}")
    return f", {', '.join(found)}" if found else ""
