"""Outside agents and their work: one thin typed call per SQL function. What each refuses stands in its comment in SQL.

An agent is a worker over HTTP. A task with the tool `outside_agent` waits, blocked on 'agent', with an open offer; a
claim makes it run under a lease, which every word of the agent extends; its reports end it, and so does its silence.
A token is `sta_` and 256 random bits, kept as its SHA-256 alone.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, cast, get_args
from uuid import UUID

from pydantic import BaseModel, Field

from core.database import Caller
from core.errors import Invalid
from core.settings_agents import AgentSettings
from tasks.models import ExecutionStatus, Priority, Record
from tasks.tokens import hash_of

AgentStatus = Literal["online", "late", "gone", "new", "paused", "removed"]
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
PREFIX = "sta_"
SHOWN = len(PREFIX) + 6
FORM = re.compile(r"sta_[A-Za-z0-9_-]{43}")
SURE = 0.8  # below it a person agrees to an agent's parts first
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


class HeldWork(Record):
    """What an agent is at now."""

    lease_id: UUID
    task_id: UUID
    root_task_id: UUID
    title: str
    claimed_at: datetime
    heard_at: datetime
    expires_at: datetime
    percent: float | None = None
    message: str = ""


class DoneWork(Record):
    """How the last 30 days of an agent went; `seconds` is what a completed task took on average."""

    completed: int = 0
    decomposed: int = 0
    failed: int = 0
    lost: int = 0
    seconds: float = 0

    @property
    def success(self) -> float | None:
        """Share of attempts that came to a good end; None before the first."""
        good, bad = self.completed + self.decomposed, self.failed + self.lost
        return good / (good + bad) if good + bad else None


class Agent(Record):
    """Whoever does tasks besides people: ours (is_internal), or somebody else's."""

    id: UUID
    name: str
    description: str = ""
    capabilities: list[str] = Field(default_factory=list[str])
    tools: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    system_instructions: str = ""
    is_internal: bool = False
    max_concurrent: int = 1
    lease_seconds: int | None = None
    timeout_seconds: int | None = None
    token_prefix: str | None = None
    token_made_at: datetime | None = None
    has_token: bool = False
    last_seen_at: datetime | None = None
    paused_at: datetime | None = None
    removed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    working_on: list[HeldWork] = Field(default_factory=list[HeldWork])
    done: DoneWork = Field(default_factory=DoneWork)
    lost_at: datetime | None = Field(default=None, description="When it last lost work by its silence")


class NewAgent(BaseModel):
    """An agent, and the token that it was just given: shown this once."""

    token: str
    details: Agent


class ResolvedAgent(Record):
    """Whose token came to the door."""

    id: UUID
    organization_id: UUID
    name: str


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
    """A part that was made below the task, and how it ended."""

    task_id: UUID
    title: str
    key: str | None = None
    status: ExecutionStatus
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


def status_of(agent: Agent, now: datetime, poll_seconds: int, silent_seconds: int) -> AgentStatus:
    """From its last word: online within two polls, then late, and gone once it was silent for so long that it lost its work, or would."""
    if agent.removed_at is not None:
        return "removed"
    if agent.paused_at is not None:
        return "paused"
    if agent.is_internal:
        return "online"
    if agent.last_seen_at is None:
        return "new"
    silence = now - agent.last_seen_at
    silent = agent.lease_seconds or silent_seconds
    is_lost = agent.lost_at is not None and agent.lost_at >= agent.last_seen_at
    if is_lost or silence >= timedelta(seconds=max(silent, 2 * poll_seconds)):
        return "gone"
    return "online" if silence <= timedelta(seconds=max(2 * poll_seconds, 60)) else "late"


def read_capabilities(given: Sequence[str]) -> list[str]:
    """Capabilities, each once, in lower case. Raises Invalid that names the wrong one."""
    found: list[str] = []
    for one in given:
        name = " ".join(one.split()).casefold()
        if not 1 <= len(name) <= 100:
            message = "a capability has 1 to 100 characters"
            raise Invalid(
                f"capabilities: {message}",
                errors=[{"field": "capabilities", "value": one[:120], "message": message}],
            )
        if name not in found:
            found.append(name)
    if len(found) > 50:
        raise Invalid("capabilities: 50 are allowed at most", detail=f"{len(found)} were given")
    return found


def new_token() -> str:
    """A token for an agent."""
    return PREFIX + secrets.token_urlsafe(32)


async def register_agent(caller: Caller, agent: Mapping[str, Any]) -> NewAgent:
    """A new agent and its token: {name, description, capabilities, tools, system_instructions, max_concurrent, lease_seconds, timeout_seconds}."""
    token = new_token()
    given = {**agent, "capabilities": read_capabilities(agent.get("capabilities") or [])}
    row = await caller.call("register_agent", agent=given, token_hash=hash_of(token), token_prefix=token[:SHOWN])
    return NewAgent(token=token, details=Agent.model_validate(row))


async def update_agent(caller: Caller, agent_id: UUID, changes: Mapping[str, Any]) -> Agent:
    """Change what an agent can, its limits, or (is_paused) whether it takes new work; only the fields given."""
    given = dict(changes)
    if given.get("capabilities") is not None:
        given["capabilities"] = read_capabilities(given["capabilities"])
    return Agent.model_validate(await caller.call("update_agent", agent_id=agent_id, changes=given))


async def rotate_agent_token(caller: Caller, agent_id: UUID) -> NewAgent:
    """A new token; the old one works no more."""
    token = new_token()
    row = await caller.call(
        "rotate_agent_token", agent_id=agent_id, token_hash=hash_of(token), token_prefix=token[:SHOWN]
    )
    return NewAgent(token=token, details=Agent.model_validate(row))


async def revoke_agent_token(caller: Caller, agent_id: UUID) -> Agent:
    """The agent may not speak any more; what it held is offered to others."""
    return Agent.model_validate(await caller.call("revoke_agent_token", agent_id=agent_id))


async def remove_agent(caller: Caller, agent_id: UUID) -> Agent:
    """The agent works here no more; its record stays."""
    return Agent.model_validate(await caller.call("remove_agent", agent_id=agent_id))


async def list_agents(caller: Caller, *, with_removed: bool = False) -> list[Agent]:
    """The organization's agents by name, then ours."""
    return [Agent.model_validate(row) for row in await caller.call("list_agents", with_removed=with_removed)]


async def get_agent(caller: Caller, agent_id: UUID) -> Agent:
    """One agent."""
    return Agent.model_validate(await caller.call("get_agent", agent_id=agent_id))


async def list_leases(
    caller: Caller, agent_id: UUID | None = None, root_task_id: UUID | None = None, most: int = 50
) -> list[Lease]:
    """What agents held and hold, newest first: of one agent, of one execution, or of all."""
    rows = await caller.call("list_leases", agent_id=agent_id, root_task_id=root_task_id, most=most)
    return [Lease.model_validate(row) for row in rows]


async def resolve_agent_token(service: Caller, token: str) -> ResolvedAgent | None:
    """Whose live token this is; None for any other text (service only)."""
    if not FORM.fullmatch(token):
        return None
    row = await service.call("resolve_agent_token", token_hash=hash_of(token))
    return None if row is None else ResolvedAgent.model_validate(row)


async def live_agents(service: Caller, agent_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these agents still have a token (service only)."""
    if not agent_ids:
        return set()
    return {UUID(row) for row in await service.call("list_live_agents", agent_ids=list(agent_ids))}


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
