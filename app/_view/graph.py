"""The dependencies of a task's parts as a drawing: a column for each group that may run side by side, left to right."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from app._view.layers import Place, lay_out, reduced
from app._view.marks import MARKS
from app._view.sequence import Sequence, parts_of, walk
from app._view.words import state
from tasks.functions import TaskNode

WIDTH, HEIGHT, GAP_X, GAP_Y, LANE, TOP = 184, 58, 44, 14, 6, 30
SLACK = (HEIGHT + GAP_Y) // 2  # the most that a short column stands below the top, so that none begins out of sight
LINE = 22  # characters, wide ones too
CUT = 12  # the corners of a gate


@dataclass(frozen=True)
class Box:
    """A task at its place; `lines` is its title, cut off. `mark` is the sign of its state, `outline` the shape of a gate."""

    x: int
    y: int
    lines: list[str]
    state: str
    word: str
    mark: str
    href: str
    title: str
    is_critical: bool
    outline: str = ""


@dataclass(frozen=True)
class Line:
    """An edge as an SVG path."""

    path: str
    is_critical: bool


@dataclass(frozen=True)
class Column:
    """The head of a column: what may run side by side."""

    x: int
    words: str


@dataclass(frozen=True)
class Drawing:
    """Boxes, the curves between them and the heads above, with the size of the whole."""

    width: int
    height: int
    boxes: list[Box]
    lines: list[Line]
    columns: list[Column]
    box_width: int = WIDTH
    box_height: int = HEIGHT


def task_page(task: TaskNode) -> str:
    """Where a box leads, unless it is said otherwise."""
    return f"/tasks/{task.id}"


def draw(
    tree: TaskNode, found: Sequence, href: Callable[[TaskNode], str] = task_page, *, is_deep: bool = False
) -> Drawing | None:
    """The graph of a task's parts; None where nothing depends on anything. An edge that others say already is not drawn.

    `is_deep`: where the parts do not depend on one another, the tasks at the bottom are drawn instead.
    """
    nodes = {part.id: part for part in parts_of(tree)}
    needs = {part.id: [need for need in part.depends_on if need in nodes] for part in nodes.values()}
    path = _critical_parts(tree, found)
    if is_deep and not any(needs.values()):
        nodes = {part.id: part for part in walk(tree) if not parts_of(part)}
        needs = {leaf: [need for need in nodes if need in found.plan.edges[leaf]] for leaf in nodes}
        path = found.plan.critical_path
    if not any(needs.values()):
        return None
    path = [part for part in path if nodes[part].execution_status != "cancelled"]
    pairs = set(pairwise(path))
    columns = lay_out(reduced(needs))
    ends: dict[tuple[UUID, int], tuple[int, int]] = {}
    high = [sum((LANE if place.is_lane else HEIGHT) + GAP_Y for place in column) for column in columns]
    for number, column in enumerate(columns):
        y = TOP + min((max(high) - high[number]) // 2, SLACK)
        for place in column:
            size = LANE if place.is_lane else HEIGHT
            ends[place.of, number] = (8 + number * (WIDTH + GAP_X), y + size // 2)
            y += size + GAP_Y
    boxes = [
        _box(nodes[place.of], (x, middle - HEIGHT // 2), place.of in path, href)
        for number, column in enumerate(columns)
        for place in column
        if not place.is_lane
        for x, middle in [ends[place.of, number]]
    ]
    lines = _lines_between(columns, ends, pairs)
    counts = [sum(not place.is_lane for place in column) for column in columns]
    heads = [
        Column(8 + number * (WIDTH + GAP_X), f"{number + 1}" + (f", {count} side by side" if count > 1 else ""))
        for number, count in enumerate(counts)
    ]
    width = 16 + len(columns) * (WIDTH + GAP_X) - GAP_X
    return Drawing(width, TOP + max(high), boxes, sorted(lines, key=lambda line: line.is_critical), heads)


def _lines_between(
    columns: list[list[Place]], ends: dict[tuple[UUID, int], tuple[int, int]], pairs: set[tuple[UUID, UUID]]
) -> list[Line]:
    """Every edge in one path: past boxes it runs along its lane."""
    found: list[Line] = []
    begins = {place.of: number for number, column in enumerate(columns) for place in column if not place.is_lane}
    for number, column in enumerate(columns):
        for place in column:
            for need in place.needs:
                stops = [ends[need, between] for between in range(begins[need], number)]
                found.append(Line(_path(stops, ends[place.of, number]), (need, place.of) in pairs))
    return found


def _path(stops: list[tuple[int, int]], end: tuple[int, int]) -> str:
    """From the right side of the first stop through the columns of the others to the left side of the end."""
    x, y = stops[0][0] + WIDTH, stops[0][1]
    pieces = [f"M{x} {y}"]
    for next_x, next_y in [*stops[1:], end]:
        bend = max(16, (next_x - x) // 2)
        pieces.append(f"C{x + bend} {y} {next_x - bend} {next_y} {next_x} {next_y}")
        x, y = next_x + WIDTH, next_y
        if (next_x, next_y) != end:
            pieces.append(f"H{x}")
    return " ".join(pieces)


def _critical_parts(tree: TaskNode, found: Sequence) -> list[UUID]:
    """The parts that the critical path runs through, in its order."""
    above = {below.id: part.id for part in parts_of(tree) for below in (part, *walk(part))}
    return list(dict.fromkeys(above[leaf] for leaf in found.plan.critical_path))


def _box(node: TaskNode, at: tuple[int, int], is_critical: bool, href: Callable[[TaskNode], str]) -> Box:
    name, word = state(node)
    inner = parts_of(node)
    if inner:
        done = sum(part.execution_status == "completed" for part in inner)
        word += f", {done} of {len(inner)} parts"
    outline = _gate(*at) if node.tool == "approval_gate" else ""
    mark = MARKS.get(name, MARKS["pending"])
    return Box(*at, _lines(node.title), name, word, mark, href(node), node.title[:200], is_critical, outline)


def _gate(x: int, y: int) -> str:
    """A box with its corners cut: here a person decides."""
    right, down = x + WIDTH, y + HEIGHT
    return (
        f"M{x + CUT} {y}H{right - CUT}L{right} {y + CUT}V{down - CUT}L{right - CUT} {down}"
        f"H{x + CUT}L{x} {down - CUT}V{y + CUT}Z"
    )


def _lines(title: str) -> list[str]:
    """A title on at most two lines."""
    first, rest = "", title
    for word in title.split():
        if len(f"{first} {word}".strip()) > LINE:
            break
        first = f"{first} {word}".strip()
    first = first or title[:LINE]
    rest = title[len(first) :].strip()
    return [first, rest if len(rest) <= LINE else f"{rest[: LINE - 1]}…"] if rest else [first]
