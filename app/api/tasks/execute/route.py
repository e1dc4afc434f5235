"""GET and POST /api/tasks/execute (seeds document 002, "Execution API")."""

import asyncio
from contextlib import suppress
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from app._view.sequence import parts_of
from app.api._answers import Listing, listing
from app.dependencies import CurrentCaller
from app.router import responds
from core.database import Caller
from tasks.functions import get_task, get_task_tree, list_executable_tasks, queue_task_execution
from tasks.models import ExecutionStatus, ExecutionType, Strategy, Task

WAIT_SECONDS = 30.0
UNSETTLED = {"queued", "in_progress"}


class ExecuteRequest(BaseModel):
    """Which task to execute, and whether to wait for the outcome."""

    model_config = ConfigDict(extra="forbid")

    taskId: UUID  # noqa: N815 - the documents' name
    wait: bool = True


class Subtask(BaseModel):
    """A part of a task that was too big."""

    id: UUID
    title: str
    execution_type: ExecutionType
    execution_status: ExecutionStatus


class ExecuteAnswer(BaseModel):
    """One of the three strategies; `strategy` is null where the run failed."""

    success: bool
    strategy: Strategy | None
    message: str
    result: Any = Field(default=None, description="strategy immediate: what was made, a text or what the tool gives")
    draft_id: UUID | None = Field(
        default=None, description="strategy immediate: the draft that waits for review, if there is one"
    )
    subtasks: list[Subtask] | None = Field(default=None, description="strategy decompose")
    reason: str | None = Field(default=None, description="strategy blocked: why")
    unblocked_by: str | None = Field(default=None, description="strategy blocked: what would help")
    execution_status: ExecutionStatus


class Accepted(BaseModel):
    """The run goes on; this is where to follow it."""

    status: Literal["queued", "in_progress"]
    message: str
    task_url: str
    events_url: str


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
async def post(request: Request, caller: CurrentCaller, body: ExecuteRequest) -> ExecuteAnswer | Response:
    task = await queue_task_execution(caller, body.taskId)
    if body.wait:
        task = await _settled(request, caller, task)
    if task.execution_status in UNSETTLED:
        accepted = Accepted(
            status="queued" if task.execution_status == "queued" else "in_progress",
            message="The task runs; follow its events",
            task_url=f"/api/tasks/{task.id}",
            events_url=f"/api/tasks/{task.id}/events",
        )
        return JSONResponse(accepted.model_dump(mode="json"), status_code=202, headers={"Location": accepted.task_url})
    return await _answer(caller, task)


async def _settled(request: Request, caller: Caller, task: Task) -> Task:
    """The task when its run has ended, or as it stands after 30 seconds."""

    async def wait() -> None:
        async for _ in request.app.state.house.hub.follow(caller, task.id):
            if (await get_task(caller, task.id)).execution_status not in UNSETTLED:
                return

    with suppress(TimeoutError):
        await asyncio.wait_for(wait(), WAIT_SECONDS)
    return await get_task(caller, task.id)


async def _answer(caller: Caller, task: Task) -> ExecuteAnswer:
    result: dict[str, Any] = task.result or {}
    status = task.execution_status
    if status == "failed":
        return ExecuteAnswer(
            success=False,
            strategy=None,
            reason=task.failure_reason,
            message="Task failed",
            execution_status=status,
        )
    if task.strategy == "decompose":
        tree = await get_task_tree(caller, task.id)
        subtasks = [Subtask.model_validate(part.model_dump()) for part in parts_of(tree)]
        return ExecuteAnswer(
            success=True,
            strategy="decompose",
            subtasks=subtasks,
            message=f"Task decomposed into {len(subtasks)} subtask{'' if len(subtasks) == 1 else 's'}",
            execution_status=status,
        )
    if task.strategy == "immediate":
        return ExecuteAnswer(
            success=True,
            strategy="immediate",
            result=result.get("output"),
            draft_id=result.get("draft_id"),
            message=result.get("message") or "Task executed successfully",
            execution_status=status,
        )
    return ExecuteAnswer(
        success=False,
        strategy="blocked",
        reason=task.blocked_reason or f"The task is {status}",
        unblocked_by=task.unblocked_by,
        message="Task blocked - requires human action",
        execution_status=status,
    )
