"""What the tools of a plan ask of the database: outputs that feed a task, pipelines that report back."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from core.database import Caller
from tasks.models import ExecutionStatus, Record, Task


class Earlier(Record):
    """A task that is over before another: what it was to do, and what it gave. `after`: what was over before that one."""

    id: UUID
    title: str
    names: list[str]
    tool: str | None = None
    tool_input: dict[str, Any]
    source: str
    execution_status: ExecutionStatus
    is_waived: bool
    result: Any = None
    after: list[UUID]


class Reported(Record):
    """What a report changed: whether it was known before, and how the task stands now."""

    known: bool
    execution_status: ExecutionStatus


async def list_outputs_before(caller: Caller, task_id: UUID) -> list[Earlier]:
    """Every task that is over before this one starts, with what it gave."""
    return [Earlier.model_validate(row) for row in await caller.call("list_outputs_before", task_id=task_id)]


async def wait_for_pipeline(caller: Caller, task_id: UUID, approval_id: UUID, reason: str, wait_seconds: float) -> Task:
    """A running task waits for the report on a request; one that has come already ends it at once (worker only)."""
    row = await caller.call(
        "wait_for_pipeline", task_id=task_id, approval_id=approval_id, reason=reason, wait_seconds=wait_seconds
    )
    return Task.model_validate(row)


async def is_pipeline_report_used(caller: Caller, approval_id: UUID) -> bool:
    """Has a task ended with the report on the request that this yes stands for? (worker only)"""
    return await caller.call("is_pipeline_report_used", approval_id=approval_id)


async def record_pipeline_report(caller: Caller, task_id: UUID, report_id: str, outcome: Mapping[str, Any]) -> Reported:
    """A pipeline reported on a task; its signature was checked before (service only). Twice is once."""
    row = await caller.call("record_pipeline_report", task_id=task_id, report_id=report_id, outcome=dict(outcome))
    return Reported.model_validate(row)


async def get_organization_of_task(caller: Caller, task_id: UUID) -> UUID | None:
    """Which tenant a task belongs to (service only)."""
    found = await caller.call("get_organization_of_task", task_id=task_id)
    return UUID(found) if found else None
