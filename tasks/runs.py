"""Runs: a worker begins, ends, breaks off and hands on its work at a task. One thin typed call per SQL function.

What a run writes raises Conflict as soon as another one took the task over, and where the state machine says no.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from core.database import Caller
from core.errors import Conflict
from tasks.functions import TaskNode
from tasks.models import BlockedOn, Evidence, Record, Strategy, Task, Verification
from tasks.steps import StepStart


class AgentAbove(Record):
    """An outside agent that gets to know what a task finds. `tools`: names of those that the person gave it."""

    id: UUID
    name: str
    tools: list[str] = Field(default_factory=list[str])


class StartedTask(Task):
    """A task whose run has begun, and the step of its tool where that is journaled; `bound`: one that forbids the work.

    `outside_agents`: those that made it or a task above it.
    """

    step: StepStart | None = None
    bound: str | None = None
    outside_agents: list[AgentAbove] = Field(default_factory=list[AgentAbove])


class Completed(Record):
    """What a completed task released: dependents that wait for a worker, most urgent first, and one that has begun."""

    released: list[UUID] = Field(default_factory=list[UUID])
    started: StartedTask | None = None


async def start_task_execution(
    caller: Caller,
    task_id: UUID,
    executor_id: UUID | None,
    executor_type: str = "agent",
    *,
    worker_id: UUID | None = None,
    journaled: Mapping[str, str] | None = None,
) -> StartedTask:
    """A run begins. A worker (`worker_id`) starts only what is queued and due, else Conflict; what waits for others is
    put back to pending, and that is a Conflict, too.

    `journaled` names tools and their kind (read, act): the step of such a tool begins in the same transaction.
    """
    row = await caller.call(
        "start_task_execution",
        task_id=task_id,
        executor_id=executor_id,
        executor_type=executor_type,
        worker_id=worker_id,
        journaled=dict(journaled or {}),
    )
    if row is None:
        raise Conflict("This task waits for others", detail=f"task {task_id}")
    return StartedTask.model_validate(row)


async def complete_task_execution(
    caller: Caller,
    task_id: UUID,
    result: Mapping[str, Any],
    *,
    verification: Verification | None = None,
    evidence: Sequence[Evidence] = (),
    step_id: UUID | None = None,
    go_on: Mapping[str, Any] | None = None,
) -> Completed:
    """A run ended well; what that released.

    `step_id` is a step that took its effect and ends in the same transaction. `go_on` {worker_id, executor_id,
    journaled} starts the first released task at once, in the same transaction too.
    """
    row = await caller.call(
        "complete_task_execution",
        task_id=task_id,
        result_data=dict(result),
        verification=verification,
        evidence=[one.model_dump(mode="json") for one in evidence],
        step_id=step_id,
        go_on=dict(go_on) if go_on is not None else None,
    )
    return Completed.model_validate(row)


async def fail_task_execution(
    caller: Caller, task_id: UUID, error: str, *, should_retry: bool, retry_after_seconds: float | None = None
) -> Task:
    """A run ended badly: queued again with back-off, or failed for good."""
    row = await caller.call(
        "fail_task_execution",
        task_id=task_id,
        error=error,
        should_retry=should_retry,
        retry_after_seconds=retry_after_seconds,
    )
    return Task.model_validate(row)


async def block_task_execution(
    caller: Caller,
    task_id: UUID,
    reason: str,
    *,
    blocked_on: BlockedOn = "person",
    unblocked_by: str | None = None,
    result: Mapping[str, Any] | None = None,
    strategy: Strategy = "blocked",
    wait_seconds: float | None = None,
    until: datetime | None = None,
    remind_after_seconds: float | None = None,
) -> Task:
    """A run can't go on until something happens; by when, where a time is given. No worker waits with it."""
    row = await caller.call(
        "block_task_execution",
        task_id=task_id,
        reason=reason,
        blocked_on=blocked_on,
        unblocked_by=unblocked_by,
        result_data=dict(result) if result is not None else None,
        strategy=strategy,
        wait_seconds=wait_seconds,
        until=until,
        remind_after_seconds=remind_after_seconds,
    )
    return Task.model_validate(row)


async def hand_back_task(caller: Caller, task_id: UUID) -> None:
    """A worker that ends puts its unfinished task back into the queue; no retry is counted."""
    await caller.call("hand_back_task", task_id=task_id)


async def answer_task(caller: Caller, task_id: UUID, answer: Any) -> Task:
    """What a task waited for has come (a reply, an outside agent's report): it completes with it."""
    return Task.model_validate(
        await caller.call(
            "answer_task", task_id=task_id, answer={"text": answer} if isinstance(answer, str) else answer
        )
    )


async def decompose_task_execution(
    caller: Caller,
    task_id: UUID,
    subtasks: Sequence[Mapping[str, Any]],
    message: str,
    confidence: float | None,
) -> TaskNode:
    """Break a running task into subtasks (`depends_on`: positions from 0); what can start is queued."""
    row = await caller.call(
        "decompose_task_execution",
        task_id=task_id,
        subtasks=[dict(s) for s in subtasks],
        message=message,
        confidence=confidence,
    )
    return TaskNode.model_validate(row)


async def get_task_context(caller: Caller, task_id: UUID) -> dict[str, Any]:
    """All that a run needs to know (worker only)."""
    return await caller.call("get_task_context", task_id=task_id)


async def get_known_names(caller: Caller, task_id: UUID, addresses: Sequence[str]) -> dict[str, list[str]]:
    """By address (lower case) what mails and invitations call its person, the newest first (worker only). Others wrote that."""
    return await caller.call("get_known_names", task_id=task_id, addresses=list(addresses))
