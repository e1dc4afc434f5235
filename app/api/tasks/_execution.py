"""Executing a task: the documents' three answers, or where to follow (seeds document 002, "Execution API")."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from app._view.sequence import parts_of
from app.live import EventHub
from core.database import Caller
from tasks.functions import get_task, get_task_tree, queue_task_execution
from tasks.models import ExecutionStatus, ExecutionType, Strategy, Task

WAIT_SECONDS = 30.0
UNSETTLED = {"queued", "in_progress"}


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


async def execute_task(
    caller: Caller, task_id: UUID, settled: Callable[[UUID], Awaitable[None]] | None
) -> ExecuteAnswer | Accepted:
    """Queue a task and answer with how its run ended; with where to follow it after 30 seconds, or at once.

    `settled` returns when the run has ended; None: nobody waits.
    """
    task = await queue_task_execution(caller, task_id)
    if settled is not None:
        with suppress(TimeoutError):
            await asyncio.wait_for(settled(task_id), WAIT_SECONDS)
        task = await get_task(caller, task_id)
    if task.execution_status in UNSETTLED:
        return Accepted(
            status="queued" if task.execution_status == "queued" else "in_progress",
            message="The task runs; follow its events",
            task_url=f"/api/tasks/{task.id}",
            events_url=f"/api/tasks/{task.id}/events",
        )
    return await _answer(caller, task)


async def settled_at(hub: EventHub, caller: Caller, task_id: UUID) -> None:
    """Return when the run of a task has ended, as the live events tell."""
    async for _ in hub.follow(caller, task_id):
        if (await get_task(caller, task_id)).execution_status not in UNSETTLED:
            return


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
