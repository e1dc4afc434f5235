"""Outcomes, calibrations and thresholds of a tenant: what came of what was said with a confidence.

As everywhere: one thin typed call per SQL function; what each counts stands in the function's comment in SQL.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

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
