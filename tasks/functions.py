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
from core.errors import Conflict
from tasks.models import (
    BlockedOn,
    Evidence,
    ExecutionStatus,
    ExecutionType,
    ExtractedTask,
    Priority,
    Record,
    Source,
    Strategy,
    Task,
    TaskEvent,
    Verification,
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


class StepStart(Record):
    """What to do about a step: do it (new), take its result (finished), find out (unknown), ask (uncertain), or stop (refused)."""

    state: Literal["new", "finished", "unknown", "uncertain", "refused"]
    step_id: UUID | None = None
    result: dict[str, Any] | None = None
    reason: str = ""
    budget: dict[str, Any] | None = None

    @property
    def value(self) -> Any:
        """What the finished step returned; None while it has not."""
        return (self.result or {}).get("value")


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


async def queue_task_execution(caller: Caller, task_id: UUID) -> Task:
    """Execute: queue the task. Twice is once."""
    return Task.model_validate(await caller.call("queue_task_execution", task_id=task_id))


async def start_task_execution(
    caller: Caller,
    task_id: UUID,
    executor_id: UUID | None,
    executor_type: str = "agent",
    *,
    worker_id: UUID | None = None,
    journaled: Mapping[str, str] | None = None,
) -> "StartedTask":
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


async def get_task_context(caller: Caller, task_id: UUID) -> dict[str, Any]:
    """All that a run needs to know (worker only)."""
    return await caller.call("get_task_context", task_id=task_id)


async def get_known_names(caller: Caller, task_id: UUID, addresses: Sequence[str]) -> dict[str, list[str]]:
    """By address (lower case) what mails and invitations call its person, the newest first (worker only). Others wrote that."""
    return await caller.call("get_known_names", task_id=task_id, addresses=list(addresses))
