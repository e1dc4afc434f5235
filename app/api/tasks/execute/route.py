"""GET and POST /api/tasks/execute (seeds document 002, "Execution API")."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from app.api._answers import Listing, listing
from app.api.tasks._execution import Accepted, ExecuteAnswer, execute_task, settled_at
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.functions import list_executable_tasks
from tasks.models import ExecutionType, Task


class ExecuteRequest(BaseModel):
    """Which task to execute, and whether to wait for the outcome."""

    model_config = ConfigDict(extra="forbid")

    taskId: UUID  # noqa: N815 - the documents' name
    wait: bool = True


@responds(summary="The tasks that could be executed now, most urgent first", response_model=Listing[Task])
async def get(
    caller: CurrentCaller,
    execution_type: ExecutionType | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    return listing(await list_executable_tasks(caller, execution_type, limit), None)


@responds(
    summary="Execute a task",
    response_model=ExecuteAnswer,
    problems=(404, 409),
    also_status={202: Accepted},
)
async def post(
    request: Request,
    caller: CurrentCaller,
    body: ExecuteRequest,
    wait: Annotated[bool | None, Query(description="As in the body, and before it")] = None,
) -> ExecuteAnswer | Response:
    is_waited_for = body.wait if wait is None else wait
    settled = partial(settled_at, house_of(request).hub, caller) if is_waited_for else None
    answer = await execute_task(caller, body.taskId, settled)
    if isinstance(answer, Accepted):
        return JSONResponse(answer.model_dump(mode="json"), status_code=202, headers={"Location": answer.task_url})
    return answer
