"""Executions: a plan's root task, or any other root task that is carried out, in the words of the documents. One thin typed call per SQL function.

An execution has the id of its root. What it is at is derived from the root alone: `state_of` is the one mapping, and `facts_of`
reads it backwards, so that a list can be asked for a state.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import product
from typing import Any, Literal, NamedTuple, cast, get_args
from uuid import UUID

from pydantic import Field

from core.database import Caller
from tasks.models import BlockedOn, ExecutionStatus, Priority, Record

ExecutionState = Literal["created", "queued", "running", "blocked", "paused", "completed", "failed", "cancelled"]
ExecutionKind = Literal["objective", "document", "task"]
WaitsFor = Literal["person", "agent", "outside", "time", "start"]
RiskKind = Literal["known", "deadline", "idle", "silent", "late", "retries"]
RiskLevel = Literal["high", "medium", "low"]
Wanted = Literal["running", "paused", "cancelled"]
STATES = cast("tuple[ExecutionState, ...]", get_args(ExecutionState))

NEXT: Mapping[ExecutionState, tuple[Wanted, ...]] = {
    "created": ("running", "paused", "cancelled"),
    "queued": ("paused", "cancelled"),
    "running": ("paused", "cancelled"),
    "blocked": ("running", "paused", "cancelled"),
    "paused": ("running", "cancelled"),
    "completed": (),
    "failed": (),
    "cancelled": (),
}
"""To which state a person may bring an execution from each."""

WAITS_FOR: Mapping[BlockedOn, WaitsFor] = {
    "review": "person",
    "person": "person",
    "model": "person",
    "approval": "person",
    "bounds": "person",
    "account": "person",
    "delay": "time",
    "agent": "agent",
    "reply": "outside",
    "start": "start",
}
"""On whom a blocked task waits. Parts are no such thing: what is shown are the parts themselves."""


class Facts(NamedTuple):
    """What of the root says which state an execution is in. `is_redone`: it has ended, and a part of it is done again."""

    status: ExecutionStatus
    blocked_on: BlockedOn | None = None
    is_paused: bool = False
    is_redone: bool = False


def state_of(facts: Facts) -> ExecutionState:
    """The one state of the documents that a root is in."""
    match facts.status:
        case "failed" | "cancelled":
            return facts.status
        case "completed":
            if not facts.is_redone:
                return "completed"
            return "paused" if facts.is_paused else "running"
        case "paused":
            return "paused"
        case _ if facts.is_paused:
            return "paused"
        case "pending":
            return "created"
        case "queued":
            return "queued"
        case "in_progress":
            return "running"
        case "blocked":
            match facts.blocked_on:
                case "start":
                    return "created"
                case "subtasks":
                    return "running"
                case _:
                    return "blocked"


def all_facts() -> tuple[Facts, ...]:
    """Everything that can be said of a root: only a blocked one is blocked on something, only a completed one is redone."""
    reasons = (None, *cast("tuple[BlockedOn, ...]", get_args(BlockedOn)))
    return tuple(
        Facts(status, blocked_on, is_paused, is_redone)
        for status in cast("tuple[ExecutionStatus, ...]", get_args(ExecutionStatus))
        for blocked_on, is_paused, is_redone in product(
            reasons if status == "blocked" else (None,),
            (False, True),
            (False, True) if status == "completed" else (False,),
        )
    )


def facts_of(state: ExecutionState) -> tuple[Facts, ...]:
    """What a root may be for its execution to be in this state."""
    return tuple(facts for facts in all_facts() if state_of(facts) == state)


class Execution(Record):
    """An execution without its tasks. `percent` (0-100) is finished work by estimated minutes; what agents report of theirs counts.

    `counts`: state of a task to number of tasks, those without parts of their own that were not replaced.
    """

    id: UUID
    organization_id: UUID
    title: str
    kind: ExecutionKind
    plan_id: UUID | None = Field(default=None, description="The same id, where it is a plan")
    document_id: UUID | None = Field(default=None, description="The plan document that it carries out")
    state: ExecutionState
    execution_status: ExecutionStatus
    blocked_on: BlockedOn | None = None
    is_paused: bool = Field(default=False, exclude=True)
    reason: str | None = Field(default=None, description="Why it is blocked, or has failed")
    priority: Priority
    percent: float = 0
    counts: dict[str, int] = Field(default_factory=dict[str, int])
    waiting_for_you: int = 0
    agents_at_work: int = Field(default=0, description="Leases of outside agents")
    created_by: UUID | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    deadline_at: datetime | None = None
    timeout_seconds: int = Field(description="How long it may take from its start (bounds.max_wall_seconds)")
    times_out_at: datetime | None = None


class AtWork(Record):
    """Who is at a task now: an outside agent with its lease, Steward itself, or a person."""

    by: Literal["agent", "steward", "person"]
    task_id: UUID
    title: str
    since: datetime | None = None
    agent_id: UUID | None = None
    name: str | None = Field(default=None, description="The agent's")
    lease_id: UUID | None = None
    heard_at: datetime | None = None
    expires_at: datetime | None = None
    times_out_at: datetime | None = None
    percent: float | None = None
    message: str = ""


class Blocker(Record):
    """What a task waits for, since when, and on whom. `blocked_on` is null for what failed, and for what is a person's to do."""

    task_id: UUID
    title: str
    blocked_on: BlockedOn | None = None
    waits_for: WaitsFor
    whom: str | None = Field(default=None, description="The agent that is named")
    capabilities: list[str] = Field(default_factory=list[str], description="What an agent needs")
    reason: str = ""
    unblocked_by: str | None = None
    since: datetime | None = None
    until: datetime | None = Field(default=None, description="When it goes on by itself, or gives up")
    told_at: datetime | None = Field(default=None, description="When a person was told that it does not go on")


class Risk(Record):
    """What may go wrong. known: as the plan says; deadline: of the whole; idle: no agent takes it; silent: an agent's lease ends
    soon; late: an agent's attempt has little time left; retries: it was tried before.
    """

    kind: RiskKind
    level: RiskLevel
    task_id: UUID
    title: str
    what: str = ""
    at: datetime | None = None


class Participant(Record):
    """An agent that took part: leases by how they ended, and those it holds."""

    agent_id: UUID
    name: str
    held: int = 0
    completed: int = 0
    decomposed: int = 0
    failed: int = 0
    blocked: int = 0
    lost: int = 0
    heard_at: datetime | None = None


class ExecutionDetail(Execution):
    """The same, with who is at work, what it waits for (longest first), what may go wrong (worst first), and which agents took part."""

    description: str = ""
    next_states: list[Wanted] = Field(default_factory=list[Wanted])
    at_work: list[AtWork] = Field(default_factory=list[AtWork])
    blockers: list[Blocker] = Field(default_factory=list[Blocker])
    risks: list[Risk] = Field(default_factory=list[Risk])
    agents: list[Participant] = Field(default_factory=list[Participant])


class ExecutionPage(Record):
    """Executions, newest first, and how many there are in each state on all pages."""

    items: list[Execution]
    totals: dict[ExecutionState, int]


def _read(row: Mapping[str, Any]) -> dict[str, Any]:
    facts = Facts(row["execution_status"], row["blocked_on"], row["is_paused"], row["is_redone"])
    return {**row, "state": state_of(facts)}


async def list_executions(
    caller: Caller,
    state: ExecutionState | None = None,
    agent_id: UUID | None = None,
    limit: int = 50,
    before: datetime | None = None,
    before_id: UUID | None = None,
) -> ExecutionPage:
    """Executions, newest first; with `agent_id` those that this agent had work of. The next page begins before `created_at` and id of the last.

    `totals` count what the agent's filter lets through, whatever the state.
    """
    wanted = None if state is None else [facts._asdict() for facts in facts_of(state)]
    page = await caller.call(
        "list_executions", wanted=wanted, agent_id=agent_id, max_count=limit, before=before, before_id=before_id
    )
    totals = dict.fromkeys(STATES, 0)
    for row in page["totals"]:
        totals[state_of(Facts(row["status"], row["blocked_on"], row["is_paused"], row["is_redone"]))] += row["n"]
    return ExecutionPage(items=[Execution.model_validate(_read(row)) for row in page["items"]], totals=totals)


async def get_execution(caller: Caller, execution_id: UUID) -> ExecutionDetail:
    """An execution as its dashboard shows it. NotFound for a task that is a part of one, and for what is not the caller's."""
    row = _read(await caller.call("get_execution", execution_id=execution_id))
    blockers = [
        {**one, "waits_for": WAITS_FOR.get(one["blocked_on"], "person")} | _outside(one) for one in row["blockers"]
    ]
    return ExecutionDetail.model_validate({**row, "blockers": blockers, "next_states": NEXT[row["state"]]})


def _outside(blocker: Mapping[str, Any]) -> dict[str, WaitsFor]:
    """An agent's work that rests waits for what its agent could not get past."""
    return {"waits_for": "outside"} if blocker["is_resting"] else {}


async def prepare_execution(
    caller: Caller,
    execution_id: UUID,
    *,
    priority: Priority | None = None,
    bounds: Mapping[str, float] | None = None,
    timeout_seconds: int | None = None,
) -> None:
    """Set the bounds of the tree, and the priority of what is not done in it. `timeout_seconds` holds where no max_wall_seconds is given."""
    await caller.call(
        "prepare_execution",
        execution_id=execution_id,
        priority=priority,
        bounds=dict(bounds or {}),
        timeout_seconds=timeout_seconds,
    )
