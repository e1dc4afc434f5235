"""The facts of a plan that a report says: typed, as they are stored, nothing guessed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Fact(BaseModel):
    """Base of all facts: typed, and nothing unknown in them."""

    model_config = ConfigDict(frozen=True)


class TaskFact(Fact):
    """One task of the plan as it stands. `why`: of a failure, a wait, or of going on without it. `page`: its page here, or the draft that waits.

    `seconds` are those of work, `seconds_waiting` those it rested in between; `ticked_by` who said that it is done, at `ticked_at`.
    """

    id: UUID
    title: str
    state: str
    role: str = ""
    tool: str | None = None
    seconds: float | None = None
    seconds_waiting: float | None = None
    ticked_by: str = ""
    ticked_at: datetime | None = None
    retries: int = 0
    why: str = ""
    page: str = ""
    verification: str | None = None


class DecisionFact(Fact):
    """What was asked, and what was decided by whom and when; `decision` is open while nobody has."""

    question: str
    decision: str
    by: str = ""
    at: datetime | None = None
    notes: str = ""
    page: str = ""


class ChangeFact(Fact):
    """How the plan was changed after a failure, and why."""

    task: str
    decision: str
    reason: str
    at: datetime


class ReportFacts(Fact):
    """All that a report of a plan says. Times are aware; `seconds` from start to end, or until now."""

    plan_id: UUID
    title: str
    objective: str
    outcome: str
    reason: str = ""
    playbook: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    seconds: float | None = None
    percent: float = 0
    counts: Mapping[str, int] = Field(default_factory=dict[str, int])
    retries: int = 0
    replans: int = 0
    model_calls: int = 0
    cost_usd: float = 0
    done: Sequence[TaskFact] = ()
    failed: Sequence[TaskFact] = ()
    replaced: Sequence[TaskFact] = ()
    tried_again: Sequence[TaskFact] = ()
    skipped: Sequence[TaskFact] = ()
    cancelled: Sequence[TaskFact] = ()
    waiting: Sequence[TaskFact] = ()
    decisions: Sequence[DecisionFact] = ()
    changes: Sequence[ChangeFact] = ()
    constraints: Sequence[str] = ()
    recommendations: Sequence[str] = ()
