"""GET and POST /api/executions."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from app._executions.acting import Beginning, execute_plan, execute_root_task
from app.api.executions._shapes import ExecutionList, NewExecution
from app.cursors import cursor_after, place_of
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.executions import ExecutionDetail, ExecutionState, list_executions


@responds(summary="Executions, newest first, a page at a time", response_model=ExecutionList)
async def get(
    caller: CurrentCaller,
    state: ExecutionState | None = None,
    agent_id: Annotated[UUID | None, Query(description="Those that this agent had work of")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> ExecutionList:
    """`totals` count those of the agent, or all, in every state."""
    before, before_id = place_of(cursor)
    found = await list_executions(caller, state, agent_id, limit, before, before_id)
    return ExecutionList(items=found.items, next_cursor=cursor_after(found.items, limit), totals=found.totals)


@responds(
    summary="Begin an execution of a plan, or of a task",
    status_code=201,
    response_model=ExecutionDetail,
    problems=(404, 409),
)
async def post(request: Request, caller: CurrentCaller, body: NewExecution) -> Response:
    """A document whose breakdown is not sure enough waits for a person, whatever `start` says; `reason` says why."""
    settings = house_of(request).settings
    bounds = body.bounds.as_json() if body.bounds else {}
    how = Beginning(priority=body.priority, bounds=bounds, starts=body.start, again=body.again)
    if body.plan_id is not None:
        made = await execute_plan(settings, caller, body.plan_id, how)
    else:
        task_id: UUID = body.task_id  # pyright: ignore[reportAssignmentType] - the form has one of them
        made = await execute_root_task(settings, caller, task_id, how)
    return JSONResponse(
        made.model_dump(mode="json"), status_code=201, headers={"Location": f"/api/executions/{made.id}"}
    )
