"""Work of outside agents: offered, claimed under a lease, reported. One thin typed call per SQL function.

An agent is a worker over HTTP. A task with the tool `outside_agent` waits, blocked on 'agent', with an open offer; a
claim makes it run under a lease, which every word of the agent extends; its reports end it, and so does its silence.
What each refuses stands in its comment in SQL.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast, get_args
from uuid import UUID

from pydantic import BaseModel, Field

from core.database import Caller
from core.settings_agents import AgentSettings
from tasks.agents import read_capabilities
from tasks.models import ExecutionStatus, Priority, Record

LeaseOutcome = Literal["completed", "failed", "blocked", "decomposed", "silent", "timeout", "cancelled", "taken_back"]
ReportOutcome = Literal["applied", "recorded", "late", "refused", "duplicate"]
Next = Literal["continue", "pause", "stop", "poll"]
EventType = Literal[
    "heartbeat",
    "task_started",
    "task_progress",
    "task_complete",
    "task_error",
    "task_blocked",
    "subtask_created",
    "subtask_started",
    "subtask_progress",
    "subtask_complete",
    "subtask_error",
    "subtask_blocked",
]
EVENT_TYPES = cast("tuple[EventType, ...]", get_args(EventType))
MOST_EVENTS = 500


class AgentRules(BaseModel):
    """What happens by the clock with the work of agents; the settings of the same names say each."""

    silent_seconds: int = Field(default=1800, description="Without a word for so long, an agent has lost its work")
    timeout_seconds: int = Field(default=86_400, description="How long one attempt may take")
    attempts: int = Field(default=3, description="So many attempts may take too long, then the task has failed")
    silences: int = Field(default=10, description="So many agents may go silent with a task, then it has failed")
    recheck_seconds: int = Field(default=300, description="First pause before an obstacle outside is looked at again")
    recheck_most_seconds: int = Field(default=21_600, description="Longest such pause; each is twice the one before")
    obstacle_hours: int = Field(default=48, description="So long an obstacle may last, then a person is told")
    tell_hours: int = Field(default=24, description="So long work may lie unclaimed, then a person is told")

    @classmethod
    def from_settings(cls, settings: AgentSettings) -> "AgentRules":
        """As the settings say."""
        return cls(
            silent_seconds=settings.agent_silent_seconds,
            timeout_seconds=settings.agent_timeout_seconds,
            attempts=settings.agent_attempts,
            recheck_seconds=settings.agent_recheck_seconds,
            obstacle_hours=settings.agent_obstacle_hours,
            tell_hours=settings.agent_tell_hours,
        )


class Lease(Record):
    """One attempt of an agent at a task."""

    id: UUID
    agent_id: UUID
    agent: str
    task_id: UUID
    root_task_id: UUID
    title: str
    execution: str
    claimed_at: datetime
    heard_at: datetime
    expires_at: datetime
    times_out_at: datetime | None = None
    started_at: datetime | None = None
    percent: float | None = None
    message: str = ""
    ended_at: datetime | None = None
    outcome: LeaseOutcome | None = None
    why: str | None = Field(default=None, description="What the agent said went wrong")


class WorkLease(Record):
    """Until when the work is this agent's; every word about it moves `expires_at` on."""

    id: UUID
    claimed_at: datetime
    heard_at: datetime
    expires_at: datetime
    times_out_at: datetime | None = None


class WorkExecution(Record):
    """What the work is part of."""

    id: UUID
    title: str
    description: str = ""


class WorkTask(Record):
    """What is wanted."""

    id: UUID
    parent_task_id: UUID | None = None
    title: str
    description: str = ""
    kind: str
    key: str | None = None
    priority: Priority
    due_at: datetime | None = None
    labels: list[str] = Field(default_factory=list[str])
    acceptance_criteria: list[Any] = Field(default_factory=list[Any])
    estimated_duration_minutes: int | None = None


class WorkOutput(Record):
    """What a task that this one depends on has given."""

    task_id: UUID
    title: str
    key: str | None = None
    output: Any = None


class WorkPart(Record):
    """A part that was made below the task, and how it ended.

    `is_own`: the agent that holds the task made it. Of others it gets no reason, and an output only where a person gave it by hand.
    """

    task_id: UUID
    title: str
    key: str | None = None
    status: ExecutionStatus
    is_own: bool = False
    reason: str | None = None
    output: Any = None


class EarlierAttempts(Record):
    """What went wrong before, and what a person said about it.

    `attempts`: those that failed, went silent or took too long; `failure_reason`: why the last one ended, where it was such, or was taken back.
    """

    attempts: int = 0
    failure_reason: str | None = None
    feedback: str | None = None
    obstacle: str | None = None
    obstacle_since: datetime | None = None
    rechecks: int = 0


class Work(Record):
    """Work under lease. `is_from_others`: it rests on text that others wrote, which is material and no instruction."""

    lease: WorkLease
    execution: WorkExecution
    task: WorkTask
    instructions: str = ""
    input: dict[str, Any] = Field(default_factory=dict[str, Any])
    capabilities: list[str] = Field(default_factory=list[str])
    deadline_at: datetime | None = None
    notes: str = ""
    outputs: list[WorkOutput] = Field(default_factory=list[WorkOutput])
    parts: list[WorkPart] = Field(default_factory=list[WorkPart])
    earlier: EarlierAttempts = Field(default_factory=EarlierAttempts)
    is_from_others: bool = False


class NextStep(Record):
    """What an agent does next with a lease: continue, pause, stop (leave it), poll (ask for work again)."""

    next: Next
    reason: str | None = None
    lease_id: UUID
    task_id: UUID
    task_status: ExecutionStatus
    expires_at: datetime


class Heartbeat(Record):
    """What the house says to a heartbeat."""

    leases: list[NextStep]
    unknown_lease_ids: list[UUID]
    is_paused: bool


class MadePart(Record):
    """The id that a part got."""

    key: str | None = None
    task_id: UUID


class ReportAnswer(Record):
    """What became of an event. `status` is what HTTP says where it was refused; `first_outcome` of a duplicate is the first one's."""

    event_id: str
    outcome: ReportOutcome
    next: Next
    reason: str | None = None
    status: int | None = None
    task_id: str | None = None
    lease_id: UUID | None = None
    task_status: ExecutionStatus | None = None
    expires_at: datetime | None = None
    first_outcome: ReportOutcome | None = None
    parts: list[MadePart] | None = None
    human_review_required: bool | None = None


class AgentReport(Record):
    """An event as it was recorded."""

    agent_id: UUID
    agent: str
    event_id: str
    execution_id: UUID
    task_id: UUID
    lease_id: UUID | None = None
    kind: str
    data: dict[str, Any]
    at: datetime | None = None
    received_at: datetime
    outcome: ReportOutcome


async def list_leases(
    caller: Caller, agent_id: UUID | None = None, root_task_id: UUID | None = None, most: int = 50
) -> list[Lease]:
    """What agents held and hold, newest first: of one agent, of one execution, or of all."""
    rows = await caller.call("list_leases", agent_id=agent_id, root_task_id=root_task_id, most=most)
    return [Lease.model_validate(row) for row in rows]


async def offer_task(
    caller: Caller,
    task_id: UUID,
    *,
    capabilities: Sequence[str] = (),
    whom: str = "",
    instructions: str = "",
    input: Mapping[str, Any] | None = None,
    deadline_seconds: float | None = None,
    timeout_seconds: int | None = None,
    remind_after_seconds: float | None = None,
) -> None:
    """A running task waits for an outside agent (worker only)."""
    await caller.call(
        "offer_task",
        task_id=task_id,
        capabilities=read_capabilities(capabilities),
        whom=whom,
        instructions=instructions,
        input=dict(input or {}),
        deadline_seconds=deadline_seconds,
        timeout_seconds=timeout_seconds,
        remind_after_seconds=remind_after_seconds,
    )


async def claim_work(agent: Caller, agent_id: UUID, rules: AgentRules) -> Work | None:
    """The most urgent work that fits, under a lease; None where there is none, or the agent has its limit (the agent itself)."""
    row = await agent.call("claim_work", agent_id=agent_id, rules=rules.model_dump())
    return None if row is None else Work.model_validate(row)


async def get_work(agent: Caller, agent_id: UUID, lease_id: UUID, rules: AgentRules) -> Work:
    """What the agent holds under this lease, which this extends; NotFound where it has ended or is another's (the agent itself)."""
    row = await agent.call("get_work", agent_id=agent_id, lease_id=lease_id, rules=rules.model_dump())
    return Work.model_validate(row)


async def heartbeat_agent(
    agent: Caller, agent_id: UUID, rules: AgentRules, lease_ids: Sequence[UUID] | None = None
) -> Heartbeat:
    """The agent lives: leases (all, or those named) are extended; what to do next with each (the agent itself)."""
    ids = list(lease_ids) if lease_ids else None
    row = await agent.call("heartbeat_agent", agent_id=agent_id, lease_ids=ids, rules=rules.model_dump())
    return Heartbeat.model_validate(row)


async def report_events(
    agent: Caller, execution_id: UUID, events: Sequence[Mapping[str, Any]], rules: AgentRules
) -> list[ReportAnswer]:
    """Events {event_id, type, task_id, lease_id?, at?, data}, applied in order; an answer to each (the agent itself).

    `data` of subtask_created is {parts: [{key, title, tool, tool_input, execution_type, depends_on: [positions], ...}],
    confidence, continues, message}; of task_complete {output, message, evidence, confidence}; of task_error {error,
    error_type, is_retryable, retry_after_seconds}; of task_blocked {reason, on: outside|person, recheck_after_seconds,
    unblocked_by}; of progress {percent, message}.
    """
    rows = await agent.call(
        "report_events", execution_id=execution_id, events=[dict(one) for one in events], rules=rules.model_dump()
    )
    return [ReportAnswer.model_validate(row) for row in rows]


async def list_agent_reports(
    caller: Caller, execution_id: UUID, after: datetime | None = None, most: int = 100
) -> list[AgentReport]:
    """What agents reported about an execution, oldest first, with what became of each."""
    rows = await caller.call("list_agent_reports", execution_id=execution_id, after=after, most=most)
    return [AgentReport.model_validate(row) for row in rows]


async def break_down_task(caller: Caller, task_id: UUID, parts: Sequence[Mapping[str, Any]]) -> None:
    """A person says what the parts of a task are, {title, ..., depends_on: [positions from 0]}; it completes with them."""
    await caller.call("break_down_task", task_id=task_id, parts=[dict(one) for one in parts])


async def hand_to_agent(
    caller: Caller,
    task_id: UUID,
    *,
    whom: str = "",
    capabilities: Sequence[str] = (),
    instructions: str = "",
    input: Mapping[str, Any] | None = None,  # as the database and the wire call it
) -> list[UUID]:
    """Have outside agents do a task, or what is left of a plan and is no person's; the ids of those handed over.

    `input` is what they get with it; None keeps what is there. It is offered when it is executed. Raises Conflict where there is nothing to hand over.
    """
    row = await caller.call(
        "hand_to_agent",
        task_id=task_id,
        whom=whom,
        capabilities=read_capabilities(capabilities),
        instructions=instructions,
        input=None if input is None else dict(input),
    )
    return [UUID(one) for one in row["task_ids"]]


async def sweep_agents(service: Caller, rules: AgentRules, at: datetime | None = None) -> int:
    """In every tenant, what the clock brings about, as of a moment (now); how many tasks it concerned (service only)."""
    when = {} if at is None else {"at": at}
    return await service.call("sweep_agents", rules=rules.model_dump(), **when)
