"""Fine events of tasks: what the live streams tell. One thin typed call per SQL function."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from core.database import Caller
from tasks.models import Record


class TaskEvent(Record):
    """A fine event of a task; `id` grows and is the position in the live stream. `person_id`: who alone may see it, to the hub."""

    id: int
    organization_id: UUID | None = None
    task_id: UUID | None = None
    root_task_id: UUID | None = None
    person_id: UUID | None = None
    kind: str
    message: str = ""
    data: dict[str, Any] = Field(default_factory=dict[str, Any])
    created_at: datetime


async def list_task_events(
    caller: Caller, task_id: UUID | None = None, after: int = 0, limit: int = 200
) -> list[TaskEvent]:
    """Fine events after an id, oldest first; of a task's whole tree, or of everything."""
    rows = await caller.call("list_task_events", task_id=task_id, after=after, page_size=limit)
    return [TaskEvent.model_validate(row) for row in rows]


async def get_last_event_id(caller: Caller) -> int:
    """The id of the newest event; 0 before the first."""
    return await caller.call("get_last_event_id")


async def read_task_events(caller: Caller, after: int, limit: int = 500) -> list[TaskEvent]:
    """New events of every tenant after an id, oldest first (service only). Ids are in commit order: none comes late."""
    rows = await caller.call("read_task_events", after=after, page_size=limit)
    return [TaskEvent.model_validate(row) for row in rows]


async def get_newest_event_id(caller: Caller) -> int:
    """The id of the newest event of any tenant (service only); 0 before the first."""
    return await caller.call("get_newest_event_id")


async def add_task_event(
    caller: Caller, task_id: UUID, kind: str, message: str = "", data: Mapping[str, Any] | None = None
) -> int:
    """Append a fine event; its id."""
    return await caller.call("add_task_event", task_id=task_id, kind=kind, message=message, data=dict(data or {}))
