"""The dependencies of subtasks as a drawing: columns by depth, left to right."""

from dataclasses import dataclass
from uuid import UUID

from tasks.functions import TaskNode

WIDTH, HEIGHT, GAP_X, GAP_Y = 190, 46, 46, 16
LONGEST_LABEL = 24


@dataclass(frozen=True)
class Box:
    """A task at its place."""

    x: int
    y: int
    title: str
    status: str
    href: str


@dataclass(frozen=True)
class Drawing:
    """Boxes and the curves between them, with the size of the whole."""

    width: int
    height: int
    boxes: list[Box]
    paths: list[str]


def draw(children: list[TaskNode]) -> Drawing | None:
    """The graph of a task's children; None where nothing depends on anything."""
    nodes = {child.id: child for child in children if child.tool is None}
    if not any(child.depends_on for child in nodes.values()):
        return None
    depth: dict[UUID, int] = {}

    def depth_of(task_id: UUID) -> int:
        if task_id not in depth:
            needed = [n for n in nodes[task_id].depends_on if n in nodes]
            depth[task_id] = 1 + max((depth_of(n) for n in needed), default=-1)
        return depth[task_id]

    columns: dict[int, list[UUID]] = {}
    for task_id in nodes:
        columns.setdefault(depth_of(task_id), []).append(task_id)
    place = {
        task_id: (8 + column * (WIDTH + GAP_X), 8 + row * (HEIGHT + GAP_Y))
        for column, ids in columns.items()
        for row, task_id in enumerate(ids)
    }
    boxes = [Box(*place[i], _label(node.title), node.execution_status, f"/tasks/{i}") for i, node in nodes.items()]
    paths: list[str] = []
    for task_id, node in nodes.items():
        for needed in node.depends_on:
            if needed in place:
                x1, y1 = place[needed][0] + WIDTH, place[needed][1] + HEIGHT // 2
                x2, y2 = place[task_id][0], place[task_id][1] + HEIGHT // 2
                paths.append(f"M{x1} {y1} C{x1 + 24} {y1} {x2 - 24} {y2} {x2} {y2}")
    rows = max(len(ids) for ids in columns.values())
    return Drawing(16 + len(columns) * (WIDTH + GAP_X) - GAP_X, 16 + rows * (HEIGHT + GAP_Y) - GAP_Y, boxes, paths)


def _label(title: str) -> str:
    return title if len(title) <= LONGEST_LABEL else f"{title[: LONGEST_LABEL - 1]}…"
