"""POST /api/tasks/tree."""

from collections.abc import Iterator

from fastapi import Request

from app._view.words import PLUMBING
from app.api.tasks._shapes import Tree, TreeTask
from app.dependencies import CurrentCaller
from app.router import responds
from core.errors import Invalid
from tasks.trees import MadeTree, create_task_tree


@responds(
    summary="Make a tree of tasks with dependencies, all or nothing",
    status_code=201,
    response_model=MadeTree,
    problems=(404, 409),
)
async def post(request: Request, caller: CurrentCaller, body: Tree) -> MadeTree:
    """`depends_on` names keys anywhere in the tree; a cycle is refused and named. The tree waits for Execute."""
    known = sorted(set(request.app.state.house.equipment.tools) - PLUMBING)
    for task in _all(body):
        if task.tool is not None and task.tool not in known:
            raise Invalid(
                f"There is no tool {task.tool!r}",
                errors=[{"field": "tool", "message": f"allowed: {', '.join(known)}", "value": task.tool}],
            )
    return await create_task_tree(caller, body.as_json())


def _all(task: TreeTask) -> Iterator[TreeTask]:
    yield task
    for child in task.children:
        yield from _all(child)
