"""Plans: a root task with what was asked for, its parts, and how it stands. One thin typed call per SQL function.

A plan has the id of its root task. `objective` plans have tasks that are executed; `document` plans have a task for each stage.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from core.database import Caller
from tasks.drafts import Approval
from tasks.functions import TaskNode
from tasks.models import ExecutionStatus, Record, Task
from tasks.trees import PlanChange

PlanKind = Literal["objective", "document"]
Level = Literal["ping_llm", "fast_but_skip_details", "balanced_speed_and_detail", "all_details_but_slow"]
# What a plan as a whole is at: "planning" makes its tasks, "ready" waits for its start, "waiting" for a person or the outside,
# "running" has something queued or in progress (a rerun after its end, too).
PlanState = Literal["planning", "ready", "running", "waiting", "paused", "completed", "failed", "cancelled"]


class PlanSummary(Record):
    """A plan without its tasks. `percent` (0-100) is finished work by estimated minutes, parts of stages included.

    `counts`: state of a task to number of tasks, those without parts of their own that were not replaced.
    """

    id: UUID
    organization_id: UUID
    kind: PlanKind
    title: str
    playbook: str | None = None
    request: dict[str, Any] = Field(default_factory=dict[str, Any])
    document_id: UUID | None = None
    starts_by_itself: bool = True
    state: PlanState
    execution_status: ExecutionStatus
    reason: str | None = None
    percent: float = 0
    counts: dict[str, int] = Field(default_factory=dict[str, int])
    waiting_for_you: int = 0
    has_callback: bool = False
    created_by: UUID | None = None
    created_at: datetime
    planned_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    cancelled_at: datetime | None = None


class PlanProgress(PlanSummary):
    """The same, and which task writes which stage of a document, replaced ones included; that is not shown."""

    stages: dict[UUID, str] = Field(default_factory=dict[UUID, str], exclude=True)


class CallbackState(Record):
    """How the messages to the `callbackUrl` of a plan stand; those given up are not sent any more."""

    waiting: int = 0
    sent: int = 0
    given_up: int = 0
    last_error: str | None = None


class PlanTree(Record):
    """A plan with its tree, its changes after failures (oldest first), and its approvals, newest first.

    Tasks come without results; those that were replaced are among them, with `superseded_at`.
    """

    plan: PlanSummary
    tree: TaskNode
    changes: list[PlanChange] = Field(default_factory=list[PlanChange])
    approvals: list[Approval] = Field(default_factory=list[Approval])
    callbacks: CallbackState | None = None


class StageInputs(Record):
    """What a stage is given. `sections`: id of a stage to its stored section. `superseded`: result of the row it takes the place of."""

    prompt: str
    level: Level
    llm_model: str | None = None
    started_at: datetime
    timezone: str = "UTC"
    sections: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    superseded: dict[str, Any] | None = None


class StoredSection(Record):
    """A stage as it is stored: the newest row of it, and its section, if there is one.

    `is_stale`: the section is that of a row that was replaced, while its successor is not done. `given_by`: a person wrote it.
    """

    stage: str
    task_id: UUID
    title: str
    state: ExecutionStatus
    output: dict[str, Any] | None = None
    reason: str | None = None
    is_stale: bool = False
    is_reused: bool = False
    by_person: bool = False
    started_at: datetime | None = None
    completed_at: datetime | None = None


class StageMetrics(Record):
    """What one task of a plan took: requests to models, tokens, US dollars, and seconds (waiting, working)."""

    task_id: UUID
    title: str
    stage: str | None = None
    model_calls: int = 0
    failed_calls: int = 0
    replayed_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0
    models: list[str] = Field(default_factory=list[str])
    seconds_waiting: float | None = None
    seconds_working: float | None = None


class PlanMetrics(Record):
    """The same for a whole plan; `seconds` from start to end, or until now."""

    plan_id: UUID
    tasks: list[StageMetrics]
    model_calls: int = 0
    failed_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0
    retries: int = 0
    replans: int = 0
    approvals: int = 0
    seconds: float | None = None


class Callback(Record):
    """A message to the `callbackUrl` of a plan that is due: its id, the address, the sealed secret, what it says.

    `attempts` counts this try, too: 1 the first time, 8 the last.
    """

    id: UUID
    plan_id: UUID
    organization_id: UUID
    url: str
    sealed_secret: str
    body: dict[str, Any]
    attempts: int


async def create_plan(caller: Caller, plan: Mapping[str, Any]) -> PlanSummary:
    """A plan in one transaction: {kind, title, description, request, priority, due_at, due_is_all_day, labels, starts_by_itself, playbook,
    document_id, bounds, callback_url, callback_secret (sealed), tasks}. `tasks` as `children` of a tree (key, depends_on, risk,
    children ...); with none, the root is queued to be planned. With tasks: the plan starts, or waits for its start where not
    `starts_by_itself`.
    """
    return PlanSummary.model_validate(await caller.call("create_plan", plan=dict(plan)))


async def save_plan_tasks(
    caller: Caller,
    task_id: UUID,
    tasks: Sequence[Mapping[str, Any]],
    message: str,
    confidence: float,
    playbook: str | None = None,
    wait_because: str | None = None,
) -> Task:
    """The end of a planning run (worker only): parts with `depends_on` as positions from 0, and perhaps `key` and `risk`.

    The plan goes on, or waits for its start: where it does not start by itself, or `wait_because` says why a person looks at it first.
    """
    row = await caller.call(
        "save_plan_tasks",
        task_id=task_id,
        tasks=[dict(one) for one in tasks],
        message=message,
        confidence=confidence,
        playbook=playbook,
        wait_because=wait_because,
    )
    return Task.model_validate(row)


async def list_plans(
    caller: Caller,
    kind: PlanKind | None = None,
    state: PlanState | None = None,
    search: str | None = None,
    limit: int = 50,
    before: datetime | None = None,
    before_id: UUID | None = None,
) -> list[PlanSummary]:
    """Plans, newest first. The next page begins before `created_at` and id of the last one."""
    rows = await caller.call(
        "list_plans", kind=kind, state=state, search=search, max_count=limit, before=before, before_id=before_id
    )
    return [PlanSummary.model_validate(row) for row in rows]


async def get_plan(caller: Caller, plan_id: UUID) -> PlanTree:
    """A plan with its tree. NotFound for a task that is no plan."""
    return PlanTree.model_validate(await caller.call("get_plan", plan_id=plan_id))


async def get_plan_progress(caller: Caller, plan_id: UUID) -> PlanProgress:
    """How a plan stands, without its tree: for who asks often. NotFound for a task that is no plan."""
    return PlanProgress.model_validate(await caller.call("get_plan_progress", plan_id=plan_id))


async def edit_plan(caller: Caller, plan_id: UUID, edits: Mapping[str, Any]) -> PlanTree:
    """Change a plan that waits for its start, all or nothing: {add: [...], change: [{id, ...}], remove: [ids]}.

    Fields: title, description, kind, tool, tool_input, depends_on, execution_type, assignee_role, acceptance_criteria,
    estimated_duration_minutes, priority, on_failure, max_retries, risk, position; for added ones also key and parent_id.
    `depends_on` of added and changed tasks are ids, or keys of added ones, and replace what was there. What depended on a
    removed task then depends on what that depended on.
    """
    return PlanTree.model_validate(await caller.call("edit_plan", plan_id=plan_id, edits=dict(edits)))


async def clone_plan(caller: Caller, plan_id: UUID, *, starts: bool = False) -> PlanSummary:
    """The same plan again, with the tasks it has now and nothing done; it waits for its start unless it `starts`."""
    return PlanSummary.model_validate(await caller.call("clone_plan", plan_id=plan_id, starts=starts))


async def rerun_stage(caller: Caller, plan_id: UUID, stage: str, given: Mapping[str, Any] | None = None) -> PlanTree:
    """Have a stage written anew, or as `given`, and all that depends on it and had begun after it: new rows take the place of theirs.

    Raises NotFound that names the stages there are, Conflict for a stage that has not ended, or a plan that failed or is cancelled.
    """
    row = await caller.call("rerun_stage", plan_id=plan_id, stage=stage, given=dict(given) if given else None)
    return PlanTree.model_validate(row)


async def get_stage_inputs(caller: Caller, task_id: UUID, stages: Sequence[str]) -> StageInputs:
    """What a stage of a document is given: of these stages the sections that are stored."""
    return StageInputs.model_validate(await caller.call("get_stage_inputs", task_id=task_id, stages=list(stages)))


async def request_stage_decision(
    caller: Caller,
    task_id: UUID,
    title: str,
    payload: Mapping[str, Any],
    why: str,
    result: Mapping[str, Any],
) -> Approval:
    """A running stage asks a person whether the plan goes on, and keeps its section meanwhile (worker only).

    A yes completes it with that section, a no fails it.
    """
    row = await caller.call(
        "request_stage_decision", task_id=task_id, title=title, payload=dict(payload), why=why, result_data=dict(result)
    )
    return Approval.model_validate(row)


async def list_plan_sections(caller: Caller, plan_id: UUID) -> list[StoredSection]:
    """Every stage of a document with its section, in the order of the plan."""
    return [StoredSection.model_validate(row) for row in await caller.call("list_plan_sections", plan_id=plan_id)]


async def get_plan_metrics(caller: Caller, plan_id: UUID) -> PlanMetrics:
    """What a plan took, and each of its tasks."""
    return PlanMetrics.model_validate(await caller.call("get_plan_metrics", plan_id=plan_id))


async def claim_plan_callbacks(service: Caller, limit: int = 20) -> list[Callback]:
    """Messages to callback addresses that are due, in every tenant; each is this caller's for a minute (service only)."""
    return [Callback.model_validate(row) for row in await service.call("claim_plan_callbacks", max_count=limit)]


async def finish_plan_callback(
    service: Caller, callback_id: UUID, error: str | None = None, retry_after_seconds: float | None = None
) -> None:
    """A message was taken (no error), is tried again after a while, or given up: with an error and no time (service only)."""
    await service.call(
        "finish_plan_callback", callback_id=callback_id, error=error, retry_after_seconds=retry_after_seconds
    )
