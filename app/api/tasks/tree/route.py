"""POST /api/tasks/tree."""

import json
from collections.abc import Iterator

from fastapi import Request

from agents.templates import check_tree
from app.api.tasks._shapes import Tree, TreeTask
from app.dependencies import CurrentCaller
from app.house import House
from app.router import responds
from core.errors import Invalid
from jobs.outside.remote import is_remote
from tasks.trees import MadeTree, create_task_tree


@responds(
    summary="Make a tree of tasks with dependencies, all or nothing",
    status_code=201,
    response_model=MadeTree,
    problems=(404, 409),
)
async def post(request: Request, caller: CurrentCaller, body: Tree) -> MadeTree:
    """`depends_on` names keys anywhere in the tree; a cycle is refused and named. The tree waits for Execute."""
    house: House = request.app.state.house
    tree = body.as_json()
    for task in _all(body):
        if task.tool is not None:
            _check_tool(house, task)
    check_tree(tree, house.equipment.tools)
    return await create_task_tree(caller, tree)


def _check_tool(house: House, task: TreeTask) -> None:
    """Raises Invalid for a tool that there is not, and for an input that it can never take."""
    name = task.tool or ""
    if is_remote(house.settings, name):
        return  # its form is its server's to say, when the task runs
    tools = house.equipment.tools
    if name not in tools:
        known = ", ".join(sorted(tools))
        message = f"There is no tool {name!r}"
        raise Invalid(message, errors=[{"field": "tool", "message": f"allowed: {known}", "value": name}])
    if "{{" not in json.dumps(task.tool_input):
        try:
            tools[name].parsed(task.tool_input)
        except Invalid as error:
            where = f"tool_input of {task.key or task.title}"
            raise Invalid(f"{where}: {error.message}", errors=[{"field": where, "message": error.message}]) from None


def _all(task: TreeTask) -> Iterator[TreeTask]:
    yield task
    for child in task.children:
        yield from _all(child)
