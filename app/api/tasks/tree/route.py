"""POST /api/tasks/tree."""

from collections.abc import Iterator

from fastapi import Request

from agents.templates import check_tree
from app._plans.acting import check_tool
from app.api.tasks._shapes import Tree, TreeTask
from app.dependencies import CurrentCaller
from app.house import House
from app.router import responds
from app.seen import house_of
from tasks.trees import MadeTree, create_task_tree


@responds(
    summary="Make a tree of tasks with dependencies, all or nothing",
    status_code=201,
    response_model=MadeTree,
    problems=(404, 409),
)
async def post(request: Request, caller: CurrentCaller, body: Tree) -> MadeTree:
    """`depends_on` names keys anywhere in the tree; a cycle is refused and named. The tree waits for Execute."""
    house: House = house_of(request)
    tree = body.as_json()
    for task in _all(body):
        if task.tool is not None:
            check_tool(house, task.tool, task.tool_input, task.key or task.title)
    check_tree(tree, house.equipment.tools)
    return await create_task_tree(caller, tree)


def _all(task: TreeTask) -> Iterator[TreeTask]:
    yield task
    for child in task.children:
        yield from _all(child)
