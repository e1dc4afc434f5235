"""The dependencies of a task's parts as a drawing: a column for each group that may run side by side, left to right."""

from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from app._view.sequence import Sequence, parts_of, walk
from app._view.words import state
from tasks.functions import TaskNode

WIDTH, HEIGHT, GAP_X, GAP_Y, TOP = 184, 58, 44, 14, 30
LINE = 22  # characters, wide ones too


@dataclass(frozen=True)
class Box:
    """A task at its place; `lines` is its title, cut off."""

    x: int
    y: int
    lines: list[str]
    state: str
    word: str
    href: str
    title: str
    is_critical: bool


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


def draw(tree: TaskNode, found: Sequence) -> Drawing | None:
    """The graph of a task's parts; None where nothing depends on anything."""
    nodes = {part.id: part for part in parts_of(tree)}
    needs = {part.id: [need for need in part.depends_on if need in nodes] for part in nodes.values()}
    if not any(needs.values()):
        return None
    columns = _columns(needs)
    place = {
        task_id: (8 + column * (WIDTH + GAP_X), TOP + row * (HEIGHT + GAP_Y))
        for column, ids in enumerate(columns)
        for row, task_id in enumerate(ids)
    }
    path = _critical_parts(tree, found)
    pairs = set(pairwise(path))
    boxes = [_box(node, place[task_id], task_id in path) for task_id, node in nodes.items()]
    lines = [
        Line(_curve(place[need], place[task_id]), (need, task_id) in pairs)
        for task_id, its_needs in needs.items()
        for need in its_needs
    ]
    heads = [
        Column(8 + number * (WIDTH + GAP_X), f"{number + 1}" + (f", {len(ids)} side by side" if len(ids) > 1 else ""))
        for number, ids in enumerate(columns)
    ]
    rows = max(len(ids) for ids in columns)
    width = 16 + len(columns) * (WIDTH + GAP_X) - GAP_X
    return Drawing(width, TOP + rows * (HEIGHT + GAP_Y), boxes, sorted(lines, key=lambda line: line.is_critical), heads)


def _columns(needs: dict[UUID, list[UUID]]) -> list[list[UUID]]:
    depth: dict[UUID, int] = {}
    waiting = list(needs)
    while waiting:  # the database holds that there is no cycle
        ready = [task_id for task_id in waiting if all(need in depth for need in needs[task_id])] or waiting
        for task_id in ready:
            depth[task_id] = 1 + max((depth.get(need, 0) for need in needs[task_id]), default=-1)
        waiting = [task_id for task_id in waiting if task_id not in depth]
    columns: list[list[UUID]] = [[] for _ in range(max(depth.values()) + 1)]
    for task_id in needs:
        columns[depth[task_id]].append(task_id)
    height: dict[UUID, float] = {}
    for column in columns:  # each beside what it waits for, so that few curves cross
        column.sort(key=lambda t: sum(height[need] for need in needs[t]) / len(needs[t]) if needs[t] else len(needs))
        height |= {task_id: float(row) for row, task_id in enumerate(column)}
    return columns


def _critical_parts(tree: TaskNode, found: Sequence) -> list[UUID]:
    """The parts that the critical path runs through, in its order."""
    above = {below.id: part.id for part in parts_of(tree) for below in (part, *walk(part))}
    return list(dict.fromkeys(above[leaf] for leaf in found.plan.critical_path))


def _box(node: TaskNode, place: tuple[int, int], is_critical: bool) -> Box:
    name, word = state(node)
    inner = parts_of(node)
    if inner:
        done = sum(part.execution_status == "completed" for part in inner)
        word += f", {done} of {len(inner)} parts"
    return Box(*place, _lines(node.title), name, word, f"/tasks/{node.id}", node.title[:200], is_critical)


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


def _curve(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1 = start[0] + WIDTH, start[1] + HEIGHT // 2
    x2, y2 = end[0], end[1] + HEIGHT // 2
    bend = max(24, (x2 - x1) // 3)
    return f"M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
