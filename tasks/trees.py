"""Trees of tasks: making them, edges, changes of plan, bounds. One thin typed call per SQL function."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from core.database import Caller
from tasks.functions import TaskNode
from tasks.models import ExecutionStatus, Record, Task

PlanDecision = Literal["another_approach", "other_subtasks", "skip", "escalate"]


class MadeTree(TaskNode):
    """A tree that was just made, and which id each key got."""

    keys: dict[str, UUID]


class LinkedTask(Record):
    """The other end of an edge."""

    id: UUID
    title: str
    execution_status: ExecutionStatus


class Dependencies(Record):
    """What a task waits for, and what waits for it."""

    depends_on: list[LinkedTask]
    dependents: list[LinkedTask]


class PlanChange(Record):
    """How a plan was changed after a failure. `diff`: removed, added, rewired, skipped; each a list of tasks by title."""

    id: UUID
    task_id: UUID
    root_task_id: UUID
    failed_task_id: UUID | None = None
    decision: PlanDecision
    reason: str
    diff: dict[str, Any] = Field(default_factory=dict[str, Any])
    actor_type: str = "agent"
    actor_id: UUID | None = Field(default=None, description="The person who decided it; null where the house did")
    created_at: datetime


class TreeBounds(Record):
    """What a tree may use (max_depth, max_children, max_tasks, max_model_calls, max_cost_usd, max_wall_seconds, max_replans) and has used."""

    root_task_id: UUID
    bounds: dict[str, float]
    used: dict[str, float]


class Opened(Record):
    """Whether a task's parts were set going; or the failed parts that want another plan first."""

    opened: bool
    failures: list[Task]


class PlannedChange(Record):
    """What a replanner decided about one failed part. `tasks`: what takes its place, with depends_on as positions from 0."""

    failed_task_id: UUID
    decision: PlanDecision
    reason: str
    tasks: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])


async def create_task_tree(caller: Caller, tree: Mapping[str, Any]) -> MadeTree:
    """A whole tree in one transaction: {title, ..., key, depends_on: [keys], children: [...]}. Invalid names a cycle or unknown key."""
    return MadeTree.model_validate(await caller.call("create_task_tree", tree=dict(tree)))


async def add_dependency(caller: Caller, task_id: UUID, depends_on_task_id: UUID) -> Dependencies:
    """`task_id` waits for the other. Invalid when the edge leaves the tree or closes a cycle, which is named."""
    row = await caller.call("add_dependency", task_id=task_id, depends_on_task_id=depends_on_task_id)
    return Dependencies.model_validate(row)


async def remove_dependency(caller: Caller, task_id: UUID, depends_on_task_id: UUID) -> Dependencies:
    """`task_id` waits for the other no longer."""
    row = await caller.call("remove_dependency", task_id=task_id, depends_on_task_id=depends_on_task_id)
    return Dependencies.model_validate(row)


async def list_dependencies(caller: Caller, task_id: UUID) -> Dependencies:
    """Both directions."""
    return Dependencies.model_validate(await caller.call("list_dependencies", task_id=task_id))


async def waive_task(caller: Caller, task_id: UUID, reason: str) -> Task:
    """Go on without a failed or cancelled part."""
    return Task.model_validate(await caller.call("waive_task", task_id=task_id, reason=reason))


async def list_plan_changes(caller: Caller, task_id: UUID) -> list[PlanChange]:
    """Changes of the plan of a task, for a root of its whole tree; oldest first."""
    return [PlanChange.model_validate(row) for row in await caller.call("list_plan_changes", task_id=task_id)]


async def get_tree_bounds(caller: Caller, task_id: UUID) -> TreeBounds:
    """Bounds of the tree that the task is in."""
    return TreeBounds.model_validate(await caller.call("get_tree_bounds", task_id=task_id))


async def open_subtasks(caller: Caller, task_id: UUID) -> Opened:
    """A running task with parts lets them run (worker only)."""
    return Opened.model_validate(await caller.call("open_subtasks", task_id=task_id))


async def apply_plan_changes(caller: Caller, task_id: UUID, changes: Sequence[PlannedChange]) -> Task:
    """The end of a re-planning run (worker only)."""
    row = await caller.call(
        "apply_plan_changes", task_id=task_id, changes=[change.model_dump(mode="json") for change in changes]
    )
    return Task.model_validate(row)
