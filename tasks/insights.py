"""What was done for a person, in figures.

As everywhere: one thin typed call per SQL function; what each counts stands in the function's comment in SQL.
"""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from core.clock import Clock
from core.database import Caller
from tasks.models import Record
from tasks.thresholds import StoredCalibration

UNMOVED = timedelta(minutes=1)


class WorkOfKind(Record):
    """Tasks of one kind that were done for the person. `basis`: learned, estimated or assumed minutes."""

    kind: str
    tasks: int
    minutes_each: float
    basis: str
    review_minutes: float
    minutes_saved: float


class WorkOfWeek(Record):
    """What was done in the week that begins on this Monday."""

    week: date
    tasks: int
    minutes_saved: float


class Done(Record):
    """What was done, and the time that saved."""

    tasks: int
    minutes_saved: float
    by_kind: list[WorkOfKind]
    by_week: list[WorkOfWeek]
    drafts_sent: int
    events_booked: int
    mails_read: int
    mails_sorted: int
    mails_corrected: int


class SilentCost(Record):
    """What work that nobody asked for cost."""

    usd: float
    calls: int
    tasks: int


class CostOfDay(Record):
    """What models cost on a day; `silent_usd` of it for work that nobody asked for."""

    day: date
    usd: float
    calls: int
    silent_usd: float


class CostOfKind(Record):
    """What models cost for tasks of a kind, or for a purpose where there was no task."""

    kind: str
    usd: float
    calls: int


class Cost(Record):
    """What models cost. `by_rules`: questions that the built-in rules answered, for nothing."""

    usd: float
    calls: int
    by_rules: int
    silent: SilentCost
    by_day: list[CostOfDay]
    by_kind: list[CostOfKind]


class DraftsOfWeek(Record):
    """What the person did with drafts in the week that begins on this Monday."""

    week: date
    drafts: int
    unchanged: int
    edited: int
    rejected: int
    edits: int


class Accuracy(Record):
    """How right drafts were. `verification`: verified, claimed, unverifiable to number of finished tasks."""

    unchanged: int
    edited: int
    rejected: int
    edits: int
    by_week: list[DraftsOfWeek]
    verification: dict[str, int]

    @property
    def drafts(self) -> int:
        return self.unchanged + self.edited + self.rejected


class Speed(Record):
    """From being asked to the first result."""

    cases: int
    p50_seconds: float | None = None
    p90_seconds: float | None = None


class Worker(Record):
    """An agent, a tool or a model. `seconds` on average."""

    name: str
    runs: int
    finished: int
    failed: int
    seconds: float | None = None
    usd: float | None = None


class Workers(Record):
    """Who did it, the busiest first."""

    agents: list[Worker]
    tools: list[Worker]
    models: list[Worker]


class NudgesOfKind(Record):
    """What was brought up of a kind. `precision`: the share acted on, of what was decided or lapsed."""

    kind: str
    told: int
    acted: int
    dismissed: int
    lapsed: int
    precision: float | None = None


class Nudges(Record):
    """What was brought up, and of what use it was."""

    told: int
    acted: int
    dismissed: int
    lapsed: int
    by_kind: list[NudgesOfKind]


class PreferenceFigures(Record):
    """What was learned: preferences that hold, that wait for a look, and how often the first were of use."""

    active: int
    proposed: int
    hits: int


class Insights(Record):
    """What was done for a person between two moments, in figures."""

    since: datetime
    until: datetime
    timezone: str
    done: Done
    cost: Cost
    accuracy: Accuracy
    speed: Speed
    workers: Workers
    nudges: Nudges
    preferences: PreferenceFigures
    calibration: list[StoredCalibration]
    is_clock_moved: bool = False
    """Does the person's clock show another time than the real one, by which everything here is counted?"""

    @property
    def is_empty(self) -> bool:
        """Has nothing at all happened?"""
        counted = (self.done.tasks, self.done.drafts_sent, self.done.events_booked, self.done.mails_read)
        others = (self.cost.calls, self.cost.by_rules, self.accuracy.drafts, self.nudges.told, self.speed.cases)
        listed = (self.workers.agents, self.workers.tools, self.calibration)
        return not any((*counted, *others, *listed))


async def get_insights(
    caller: Caller, since: datetime, until: datetime, timezone: str, *, ahead: timedelta = timedelta()
) -> Insights:
    """The caller's tenant between two moments, of the real clock as records carry it. Raises Invalid where it ends before it
    begins, and for an unknown zone. `ahead`: how far the person's clock was moved, by which things are brought up."""
    seconds = ahead.total_seconds()
    row = await caller.call("get_insights", since=since, until=until, timezone=timezone, ahead_seconds=seconds)
    return Insights.model_validate(row)


async def insights_of_days(caller: Caller, days: int, clock: Clock) -> Insights:
    """The last days up to now, by the real clock: what was done carries its time, wherever the person's clock was moved to."""
    until = datetime.now(UTC)
    ahead = clock.now() - until
    is_moved = abs(ahead) > UNMOVED
    found = await get_insights(
        caller, until - timedelta(days=days), until, clock.timezone.key, ahead=ahead if is_moved else timedelta()
    )
    return found.model_copy(update={"is_clock_moved": is_moved})


class WaitingSilently(Record):
    """Work that nobody asked for, and that waits at a bound."""

    task_id: UUID
    title: str
    reason: str
    until: datetime | None = None


class SilentSpending(Record):
    """What work that nobody asked for cost, and which of it waits."""

    cost_usd: float
    model_calls: int
    waiting: list[WaitingSilently]


async def get_silent_spending(caller: Caller, since: datetime, at: datetime) -> SilentSpending:
    """What work that nobody asked for cost between two moments, and which of it waits at a bound now."""
    return SilentSpending.model_validate(await caller.call("get_silent_spending", since=since, at=at))
