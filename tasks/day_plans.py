"""What a person has to do, how long finished work took, and the day they keep: one thin typed call per SQL function."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from core.database import Caller
from tasks.calendar import StoredEvent
from tasks.models import Record, Task

MARK = "steward-day-"  # begins the uid of every event of a kept day


class WorkedTask(Record):
    """A finished task and the minutes it was worked on. `by_hand`: by a person; `is_own_estimate`: theirs, where there is one."""

    id: UUID
    kind: str
    title: str
    labels: list[str] = Field(default_factory=list[str])
    recipient: str | None = None
    by_hand: bool
    is_own_estimate: bool
    estimated_minutes: int | None = None
    minutes: int
    completed_at: datetime


class Awaited(Record):
    """A task that has to be done before another."""

    id: UUID
    title: str


class OwnTask(Task):
    """An open task that a person does, with what is to be done before."""

    waits_for: list[Awaited] = Field(default_factory=list[Awaited])
    snoozed_until: datetime | None = None
    snoozed_for: dict[str, Any] | None = None


async def list_worked_tasks(caller: Caller, at: datetime, limit: int = 500) -> list[WorkedTask]:
    """What estimates are learned from, newest first: of the year before `at`."""
    return [WorkedTask.model_validate(row) for row in await caller.call("list_worked_tasks", at=at, page_size=limit)]


async def list_own_work(caller: Caller, limit: int = 500) -> list[OwnTask]:
    """Open tasks that a person does, most urgent first."""
    return [OwnTask.model_validate(row) for row in await caller.call("list_own_work", page_size=limit)]


async def save_day_plan(caller: Caller, day: date, events: Sequence[Mapping[str, Any]]) -> list[StoredEvent]:
    """Keep a day in the local calendar in place of the plan before; without events it is cleared."""
    rows = await caller.call("save_day_plan", day=day, events=[dict(one) for one in events])
    return [StoredEvent.model_validate(row) for row in rows]


async def save_time_spent(
    caller: Caller, task_id: UUID, minutes: int | None, changes: Mapping[str, Any] | None = None
) -> Task:
    """Say how long a task took, with other changes as `update_task` takes them. Raises Invalid for minutes that are none."""
    row = await caller.call("save_time_spent", task_id=task_id, minutes=minutes, changes=dict(changes or {}))
    return Task.model_validate(row)
