"""POST /api/tasks/{task_id}/break-down."""

from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from app._plans.acting import check_tool
from app.api.tasks._shapes import TreeTask
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from core.errors import Invalid
from tasks.agent_work import break_down_task
from tasks.functions import TaskNode, get_task_tree


class BreakDown(BaseModel):
    """The parts of a task, as a person sees them. `depends_on` names keys among them; parts have no parts here."""

    model_config = ConfigDict(extra="forbid")

    parts: list[TreeTask] = Field(min_length=1, max_length=100, examples=[[{"title": "Call Carol"}]])


@responds(
    summary="Say what the parts of a task are, where an agent or the planner could not",
    response_model=TaskNode,
    problems=(404, 409),
)
async def post(request: Request, caller: CurrentCaller, task_id: UUID, body: BreakDown) -> TaskNode:
    """The task completes with its parts. Raises Invalid that names a part with parts, or a key that is none."""
    places = {part.key or part.title: place for place, part in enumerate(body.parts)}
    rows: list[dict[str, Any]] = []
    for place, part in enumerate(body.parts):
        where = f"parts.{place}"
        if part.children:
            raise _wrong(f"{where}.children", part.title, "break the part down by itself")
        if part.tool is not None:
            check_tool(house_of(request), part.tool, part.tool_input, part.key or part.title)
        unknown = [key for key in part.depends_on if key not in places]
        if unknown:
            raise _wrong(f"{where}.depends_on", unknown[0], f"allowed are {', '.join(places)}"[:500])
        row = part.model_dump(mode="json", exclude={"children", "key"}, exclude_none=True)
        rows.append(row | {"depends_on": [places[key] for key in part.depends_on]})
    await break_down_task(caller, task_id, rows)
    return await get_task_tree(caller, task_id)


def _wrong(field: str, value: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", errors=[{"field": field, "value": value[:200], "message": message}])
