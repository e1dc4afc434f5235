"""Tasks: one thin typed call per SQL function. What each does and refuses stands in the function's comment in SQL.

Every call raises `core.errors.StewardError` subclasses: NotFound for what is not the caller's, Conflict where the state
machine says no, Invalid for a wrong value.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.database import Caller
from tasks.models import (
    ExecutionStatus,
    ExecutionType,
    ExtractedTask,
    Priority,
    Source,
    Task,
)

T = TypeVar("T")
Sort = Literal["urgency", "due", "created", "updated", "title", "position"]
BulkAction = Literal["complete", "cancel", "execute", "retry", "delete", "archive", "priority", "label"]


class Page(BaseModel, Generic[T]):
    """Some items of a list, and where the next ones begin (`after`: opaque sort keys; None on the last page)."""

    items: list[T]
    after: list[Any] | None = None


class TaskFilter(BaseModel):
    """Which tasks a list shows; None means any."""

    model_config = ConfigDict(extra="forbid")

    status: list[ExecutionStatus] | None = None
    execution_type: ExecutionType | None = None
    source: Source | None = None
    priority: Priority | None = None
    label: str | None = Field(default=None, max_length=100)
    due_before: datetime | None = None
    due_after: datetime | None = None
    parent: UUID | Literal["none"] | None = None
    text: str | None = Field(default=None, max_length=500)
    archived: Literal["true", "false"] | None = None
    snoozed: Literal["true", "false"] | None = None
    at: datetime | None = None  # the moment at which something is snoozed

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)


class TaskNode(Task):
    """A task with its edges (`depends_on`: ids) and what hangs below it."""

    depends_on: list[UUID] = Field(default_factory=list[UUID])
    children: list["TaskNode"] = Field(default_factory=list["TaskNode"])


def task_item(found: ExtractedTask, **more: object) -> dict[str, Any]:
    """The JSON of a new row for a task found in text."""
    item = found.model_dump(mode="json", exclude={"confidence", "why"})
    return {**item, "ai_confidence": found.confidence, "ai_context": found.why, **more}


async def create_tasks(caller: Caller, items: Sequence[Mapping[str, Any]]) -> list[Task]:
    """Make tasks, all or none; those whose `source_key` is known already are left out of the answer."""
    return [Task.model_validate(row) for row in await caller.call("create_tasks", items=[dict(item) for item in items])]


async def create_subtask(
    caller: Caller,
    parent_id: UUID,
    title: str,
    description: str = "",
    execution_type: ExecutionType = "manual",
    **details: Any,
) -> Task:
    """One task below another."""
    row = await caller.call(
        "create_subtask",
        parent_id=parent_id,
        title=title,
        description=description,
        execution_type=execution_type,
        details=details,
    )
    return Task.model_validate(row)


async def get_task(caller: Caller, task_id: UUID) -> Task:
    """One task with its log."""
    return Task.model_validate(await caller.call("get_task", task_id=task_id))


async def list_tasks(
    caller: Caller,
    where: TaskFilter | None = None,
    *,
    sort: Sort = "urgency",
    after: list[Any] | None = None,
    limit: int = 50,
) -> Page[Task]:
    """A page of tasks without logs and descriptions."""
    return Page[Task].model_validate(await list_task_rows(caller, where or TaskFilter(), sort, after, limit))


async def list_task_rows(
    caller: Caller, where: TaskFilter, sort: Sort, after: list[Any] | None, limit: int
) -> dict[str, Any]:
    """The same page as it came: `items`, and `after` for the next page. For what only passes it on."""
    return await caller.call("list_tasks", filter=where.as_json(), sort=sort, after=after, page_size=limit)


async def find_tasks(caller: Caller, prefix: str) -> list[Task]:
    """Tasks whose id begins with these hex digits (at least four), newest first."""
    return [Task.model_validate(row) for row in await caller.call("find_tasks", prefix=prefix)]


async def count_tasks(caller: Caller) -> dict[str, int]:
    """How many top-level tasks stand in each state."""
    return await caller.call("count_tasks")


async def list_executable_tasks(
    caller: Caller, execution_type: ExecutionType | None = None, limit: int = 50
) -> list[Task]:
    """What could be executed now, most urgent first."""
    rows = await caller.call("get_executable_tasks", execution_type=execution_type, page_size=limit)
    return [Task.model_validate(row) for row in rows]


async def update_task(caller: Caller, task_id: UUID, changes: Mapping[str, Any]) -> Task:
    """Change fields, and the state along the state machine."""
    return Task.model_validate(await caller.call("update_task", task_id=task_id, changes=dict(changes)))


async def delete_task(caller: Caller, task_id: UUID) -> None:
    """Delete a task and what hangs below it."""
    await caller.call("delete_task", task_id=task_id)


async def bulk_update_tasks(
    caller: Caller, task_ids: Sequence[UUID], action: BulkAction, value: str | None = None
) -> int:
    """One action on many tasks, all or none; how many."""
    row = await caller.call("bulk_update_tasks", task_ids=list(task_ids), action=action, value=value)
    return int(row["updated"])


async def get_task_tree(caller: Caller, task_id: UUID) -> TaskNode:
    """The subtree."""
    return TaskNode.model_validate(await caller.call("get_task_tree", task_id=task_id))


async def queue_task_execution(caller: Caller, task_id: UUID) -> Task:
    """Execute: queue the task. Twice is once."""
    return Task.model_validate(await caller.call("queue_task_execution", task_id=task_id))


async def pause_task(caller: Caller, task_id: UUID) -> Task:
    """Pause the tree from here down."""
    return Task.model_validate(await caller.call("pause_task", task_id=task_id))


async def resume_task(caller: Caller, task_id: UUID) -> Task:
    """Take the pause off."""
    return Task.model_validate(await caller.call("resume_task", task_id=task_id))


async def cancel_task(caller: Caller, task_id: UUID) -> Task:
    """Cancel the tree from here down."""
    return Task.model_validate(await caller.call("cancel_task", task_id=task_id))


async def retry_task(caller: Caller, task_id: UUID) -> Task:
    """Have a failed task tried again."""
    return Task.model_validate(await caller.call("retry_task", task_id=task_id))


async def reopen_task(caller: Caller, task_id: UUID) -> Task:
    """Not done after all: the new open row in the place of one that a person ticked off. Raises Conflict for any other."""
    return Task.model_validate(await caller.call("reopen_task", task_id=task_id))


async def add_feedback(caller: Caller, task_id: UUID, rating: int | None, comment: str) -> dict[str, Any]:
    """A person's rating (1-5) and comment."""
    return await caller.call("add_feedback", task_id=task_id, rating=rating, comment=comment)
