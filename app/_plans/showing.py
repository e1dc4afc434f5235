"""A plan as programs see it: its tasks, edges, order, what ran when, and where everything else about it is found."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from app._view.sequence import parts_of, sequence_of, walk
from app._view.timeline import Stretch, stretches_of
from tasks.drafts import Approval
from tasks.functions import TaskNode
from tasks.models import BlockedOn, ExecutionStatus, ExecutionType, OnFailure, Priority, Record, Verification
from tasks.plans import CallbackState, PlanSummary, PlanTree
from tasks.trees import PlanChange

PATHS = {
    "self": "",
    "progress": "/progress",
    "metrics": "/metrics",
    "files": "/files",
    "report": "/report",
    "start": "/start",
    "pause": "/pause",
    "resume": "/resume",
    "cancel": "/cancel",
    "retry": "/retry",
}
OF_DOCUMENTS = {"stages": "/stages", "execute": "/execute", "executions": "/executions"}


class PlanTask(Record):
    """A task of the plan. `key` is the stage of a document, or the name that the planner gave it."""

    id: UUID
    key: str | None = None
    parent_task_id: UUID | None = None
    title: str
    description: str = ""
    kind: str = ""
    execution_type: ExecutionType
    execution_status: ExecutionStatus
    blocked_on: BlockedOn | None = None
    blocked_reason: str | None = None
    unblocked_by: str | None = None
    failure_reason: str | None = None
    tool: str | None = None
    tool_input: dict[str, Any] = Field(default_factory=dict[str, Any])
    depends_on: list[UUID] = Field(default_factory=list[UUID])
    assignee_role: str | None = None
    acceptance_criteria: list[str] = Field(default_factory=list[str])
    risk: str | None = None
    priority: Priority = "medium"
    on_failure: OnFailure = "replan"
    estimated_duration_minutes: int | None = None
    verification: Verification | None = None
    open_approval_id: UUID | None = None
    supersedes_task_id: UUID | None = None
    retry_count: int = 0
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None

    @classmethod
    def of(cls, node: TaskNode) -> "PlanTask":
        ref = node.source_ref
        fields = node.model_dump(include=set(cls.model_fields) - {"key", "risk"})
        return cls.model_validate({**fields, "key": _text(ref.get("key")), "risk": _text(ref.get("risk"))})


class Edge(BaseModel):
    """`task_id` waits for `depends_on`."""

    task_id: UUID
    depends_on: UUID


class TimelineStretch(BaseModel):
    """A task was in one state from a moment to another; what is going on ends now. `completed`: it ran, and ended well."""

    state: Literal["queued", "in_progress", "blocked", "paused", "completed"]
    start: datetime
    end: datetime


class TimelineRow(BaseModel):
    """What one task did when; one that was not begun has no stretches."""

    task_id: UUID
    title: str
    state: ExecutionStatus
    stretches: list[TimelineStretch]


class Waiting(BaseModel):
    """Something that a person is asked. Decide it at `url`, or under /api/approvals."""

    approval_id: UUID
    task_id: UUID
    title: str
    why: str
    url: str


class ShortReport(BaseModel):
    """What became of a plan that is over; the whole report is at `url`. Counts are of tasks."""

    outcome: str
    reason: str = ""
    seconds: float | None = None
    done: int
    failed: int
    skipped: int
    decisions: int
    recommendations: list[str]
    url: str


class PlanShown(PlanSummary):
    """The whole plan. Times of the order are minutes; `minutes` is how long the critical path takes."""

    tasks: list[PlanTask]
    edges: list[Edge]
    parallel_groups: list[list[UUID]] = Field(description="Of one group may run side by side, after all groups before")
    critical_path: list[UUID]
    minutes: float | None = Field(default=None, description="Null where no task says how long it takes")
    timeline: list[TimelineRow]
    waiting: list[Waiting]
    changes: list[PlanChange] = Field(description="How the plan was changed after failures, oldest first")
    estimate: dict[str, Any] | None = Field(default=None, description="Cost and time, as far as they can be told")
    report: ShortReport | None = Field(default=None, description="Once it is over")
    callbacks: CallbackState | None = Field(default=None, description="How the messages to callbackUrl stand")
    links: dict[str, str]


def shown(
    found: PlanTree, now: datetime, *, estimate: dict[str, Any] | None = None, report: ShortReport | None = None
) -> PlanShown:
    """The plan with all that hangs on it."""
    tree = found.tree
    parts = list(walk(tree))
    order = sequence_of(tree)
    known = {part.id for part in parts}
    base = f"/api/plans/{found.plan.id}"
    return PlanShown(
        **found.plan.model_dump(),
        tasks=[PlanTask.of(part) for part in parts],
        edges=[Edge(task_id=part.id, depends_on=need) for part in parts for need in part.depends_on if need in known],
        parallel_groups=order.plan.parallel_groups,
        critical_path=order.plan.critical_path,
        minutes=order.plan.minutes if order.is_timed else None,
        timeline=[_row(part, now) for part in parts if not parts_of(part)],
        waiting=[_waiting(base, one) for one in found.approvals if one.state == "open"],
        changes=found.changes,
        estimate=estimate,
        report=report,
        callbacks=found.callbacks,
        links=_links(found.plan, base),
    )


def _links(plan: PlanSummary, base: str) -> dict[str, str]:
    paths = PATHS | (OF_DOCUMENTS if plan.kind == "document" else {})
    paths |= {"changes": "/changes"} if plan.document_id else {}
    return {name: f"{base}{path}" for name, path in paths.items()} | {"page": f"/plans/{plan.id}"}


def _row(task: TaskNode, now: datetime) -> TimelineRow:
    found = stretches_of(task, now) or _from_times(task, now)
    stretches = [
        TimelineStretch.model_validate({"state": one.state, "start": one.start, "end": one.end}) for one in found
    ]
    return TimelineRow(task_id=task.id, title=task.title, state=task.execution_status, stretches=stretches)


def _from_times(task: TaskNode, now: datetime) -> list[Stretch]:
    """From its start to its end, where its log is not at hand."""
    if task.started_at is None:
        return []
    end = task.completed_at or task.failed_at or task.cancelled_at
    state = {"completed": "completed", "blocked": "blocked", "paused": "paused", "queued": "queued"}
    return [Stretch(state.get(task.execution_status, "in_progress"), task.started_at, end or max(now, task.started_at))]


def _waiting(base: str, asked: Approval) -> Waiting:
    return Waiting(
        approval_id=asked.id,
        task_id=asked.task_id,
        title=asked.title,
        why=asked.why,
        url=f"{base}/tasks/{asked.task_id}/approve",
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
