"""Outcomes, calibrations and thresholds of a tenant, and what was done for a person, in figures.

As everywhere: one thin typed call per SQL function; what each counts stands in the function's comment in SQL.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import Field

from core.clock import Clock
from core.database import Caller
from tasks.calibration import Outcome
from tasks.models import Record


class StoredOutcome(Record):
    """What came of something that was said with a confidence. `share`: of it was right; 0, 0.5 or 1."""

    stream: str
    subject_id: UUID
    confidence: float
    share: float
    happened_at: datetime


class StoredBin(Record):
    """A bin of the reliability diagram."""

    low: float
    high: float
    count: float
    confidence: float
    right: float
    least: float
    most: float


class CalibrationPoint(Record):
    """How a stream stood when it was computed."""

    computed_at: datetime
    threshold: float
    brier: float | None = None
    cases: float = 0
    is_pinned: bool = False
    reason: str = ""


class StoredCalibration(Record):
    """How well a stream of confidences knows itself, and the threshold that holds. `learned`: what its outcomes ask for."""

    stream: str
    computed_at: datetime
    threshold: float
    previous_threshold: float | None = None
    learned: float | None = None
    is_pinned: bool = False
    reason: str = ""
    cases: float = 0
    share_right: float | None = None
    brier: float | None = None
    reference: float | None = None
    error: float | None = None
    bins: list[StoredBin] = Field(default_factory=list[StoredBin])
    fitted: list[tuple[float, float]] = Field(default_factory=list[tuple[float, float]])
    history: list[CalibrationPoint] = Field(default_factory=list[CalibrationPoint])


def as_outcomes(stored: Sequence[StoredOutcome]) -> Iterator[Outcome]:
    """As `tasks.calibration` counts: what was half right is once right and once wrong, at half the weight."""
    for one in stored:
        if one.share > 0:
            yield Outcome(one.confidence, True, one.share, one.happened_at)
        if one.share < 1:
            yield Outcome(one.confidence, False, 1 - one.share, one.happened_at)


async def list_outcomes(caller: Caller, since: datetime, at: datetime) -> list[StoredOutcome]:
    """The outcomes of the caller's tenant between two moments, by stream and time."""
    rows = await caller.call("list_outcomes", since=since, at=at)
    return [StoredOutcome.model_validate(row) for row in rows]


async def list_calibrations(caller: Caller, points: int = 60) -> list[StoredCalibration]:
    """The calibration that counts, of each stream, with its latest points, oldest first."""
    rows = await caller.call("list_calibrations", points=points)
    return [StoredCalibration.model_validate(row) for row in rows]


async def save_calibration(
    caller: Caller, stream: str, figures: Mapping[str, Any], fallback: float, at: datetime
) -> StoredCalibration:
    """Keep the figures of a stream; its threshold moves to `learned` unless it is pinned (worker only)."""
    row = await caller.call("save_calibration", stream=stream, figures=dict(figures), fallback=fallback, at=at)
    return StoredCalibration.model_validate(row)


async def pin_threshold(
    caller: Caller, stream: str, threshold: float | None, fallback: float, at: datetime
) -> StoredCalibration:
    """Hold a threshold (0.6-0.95); None lets it follow its outcomes again. Raises Invalid, and Forbidden for a token."""
    row = await caller.call("pin_threshold", stream=stream, threshold=threshold, fallback=fallback, at=at)
    return StoredCalibration.model_validate(row)


async def threshold_of(caller: Caller, stream: str, fallback: float) -> float:
    """The confidence from which on this stream counts as sure in the caller's tenant: pinned, learned, or the fallback."""
    return (await get_thresholds(caller)).get(stream, fallback)


async def get_thresholds(caller: Caller) -> dict[str, float]:
    """Those that were learned or pinned in the caller's tenant: stream to confidence."""
    return await caller.call("get_thresholds")


async def list_organizations_at_work(caller: Caller, since: datetime) -> list[UUID]:
    """Tenants in which a task changed since then (service only)."""
    return [UUID(one) for one in await caller.call("list_organizations_at_work", since=since)]


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

    @property
    def is_empty(self) -> bool:
        """Has nothing at all happened?"""
        counted = (self.done.tasks, self.done.drafts_sent, self.done.events_booked, self.done.mails_read)
        others = (self.cost.calls, self.cost.by_rules, self.accuracy.drafts, self.nudges.told, self.speed.cases)
        listed = (self.workers.agents, self.workers.tools, self.calibration)
        return not any((*counted, *others, *listed))


async def get_insights(caller: Caller, since: datetime, until: datetime, timezone: str) -> Insights:
    """The caller's tenant between two moments. Raises Invalid for more than 800 days or an unknown zone."""
    row = await caller.call("get_insights", since=since, until=until, timezone=timezone)
    return Insights.model_validate(row)


async def insights_of_days(caller: Caller, days: int, clock: Clock) -> Insights:
    """The last days up to now. Where the clock was moved, up to its time and the real one: each counts what it stamped."""
    times = (clock.now(), datetime.now(clock.timezone))
    return await get_insights(caller, min(times) - timedelta(days=days), max(times), clock.timezone.key)


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
