"""Is what is said with 80 % confidence right in 80 % of the cases? Figures, and the threshold that follows. Pure.

Scores: G. W. Brier, "Verification of forecasts expressed in terms of probability" (1950). Intervals: E. B. Wilson (1927).
Isotonic regression by pool-adjacent-violators (Ayer et al., 1955).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

BINS = 10
LOWEST, HIGHEST = 0.6, 0.95  # no threshold moves beyond them
LEAST_CASES = 20
LOOK_BACK_DAYS = 180
STEP = 0.01  # a smaller move is none
ONE_SIDED = 1.2816  # standard deviations: nine times in ten the true share is above the lower bound
TWO_SIDED = 1.96  # 95 %
DRAFT, RULES, EXTRACTION, DECOMPOSITION, PLAN, NUDGE = (
    "draft",
    "rules",
    "extraction",
    "decomposition",
    "plan",
    "nudge",
)


@dataclass(frozen=True)
class Outcome:
    """What was said with a confidence (0-1), and whether it was right. What was half right is two of half the weight."""

    confidence: float
    right: bool
    weight: float = 1.0
    when: datetime | None = None


@dataclass(frozen=True)
class Aim:
    """What a stream is for: its threshold where nothing is known, and the share right that it should have from there on."""

    default: float
    target: float


AIMS = {
    DRAFT: Aim(0.8, 0.8),
    RULES: Aim(0.75, 0.8),
    EXTRACTION: Aim(0.6, 0.8),
    DECOMPOSITION: Aim(0.8, 0.8),
    PLAN: Aim(0.6, 0.8),
    NUDGE: Aim(0.6, 0.5),
}


@dataclass(frozen=True)
class Bin:
    """Outcomes whose confidence is in [low, high), the last up to 1. `least` and `most`: the 95 % interval of the share right."""

    low: float
    high: float
    count: float
    confidence: float
    right: float
    least: float
    most: float


@dataclass(frozen=True)
class Calibration:
    """How well a stream knows itself. `reference`: the Brier score of always saying the share right; lower is better."""

    cases: float
    share_right: float
    brier: float
    reference: float
    error: float
    bins: tuple[Bin, ...]
    fitted: tuple[tuple[float, float], ...]
    """The isotonic fit: from this confidence on, this share is right."""


def aim_of(stream: str) -> Aim:
    """By the name of a stream, or of its family: nudge:travel is a nudge. Raises KeyError for any other."""
    return AIMS[stream.partition(":")[0]]


def wilson(right: float, count: float, deviations: float = TWO_SIDED) -> tuple[float, float]:
    """The interval of a share; (0, 1) where nothing is counted."""
    if count <= 0:
        return 0.0, 1.0
    share, square = right / count, deviations**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = deviations * math.sqrt(share * (1 - share) / count + square / (4 * count**2)) / (1 + square / count)
    return max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share))


def reliability(outcomes: Iterable[Outcome], bins: int = BINS) -> tuple[Bin, ...]:
    """The bins of a reliability diagram, by confidence; those without an outcome are left out."""
    grouped: dict[int, list[Outcome]] = {}
    for one in outcomes:
        grouped.setdefault(min(int(one.confidence * bins + 1e-9), bins - 1), []).append(one)
    return tuple(_bin(number / bins, (number + 1) / bins, grouped[number]) for number in sorted(grouped))


def _bin(low: float, high: float, outcomes: Sequence[Outcome]) -> Bin:
    count = _weight(outcomes)
    right = _weight(one for one in outcomes if one.right)
    least, most = wilson(right, count)
    confidence = sum(one.confidence * one.weight for one in outcomes) / count
    return Bin(low, high, count, confidence, right / count, least, most)


def brier(outcomes: Sequence[Outcome]) -> float:
    """The mean square of confidence less outcome: 0 is perfect, 0.25 is a coin. 0 for none."""
    total = _weight(outcomes)
    return sum(one.weight * (one.confidence - one.right) ** 2 for one in outcomes) / total if total else 0.0


def calibrated(outcomes: Iterable[Outcome]) -> Calibration | None:
    """All figures of these outcomes; None for none. Weights of 0 count for nothing."""
    counted = [one for one in outcomes if one.weight > 0]
    total = _weight(counted)
    if not total:
        return None
    share = _weight(one for one in counted if one.right) / total
    bins = reliability(counted)
    error = sum(one.count * abs(one.confidence - one.right) for one in bins) / total
    return Calibration(total, share, brier(counted), share * (1 - share), error, bins, isotonic(counted))


def isotonic(outcomes: Iterable[Outcome]) -> tuple[tuple[float, float], ...]:
    """The rising step function nearest to the outcomes: (from this confidence on, share right), both rising."""
    pooled: list[tuple[float, float, float]] = []  # from, right, count
    for confidence, right, count in _by_confidence(outcomes):
        pooled.append((confidence, right, count))
        while len(pooled) > 1 and pooled[-2][1] / pooled[-2][2] >= pooled[-1][1] / pooled[-1][2]:
            (start, right_before, before), (_, right_after, after) = pooled[-2:]
            pooled[-2:] = [(start, right_before + right_after, before + after)]
    return tuple((start, right / count) for start, right, count in pooled)


def threshold_for(target: float, outcomes: Iterable[Outcome], default: float, least_cases: int = LEAST_CASES) -> float:
    """The lowest confidence from which on the share right is at least the target, nine times in ten.

    With too few cases it is the default; where not even the surest are right often enough, `HIGHEST`. Never beyond the bounds.
    The default stays where nothing below it was tried: what was never said tells nothing.
    """
    steps = _by_confidence(outcomes)
    if sum(count for _, _, count in steps) < least_cases:
        return default
    lowest: float | None = None
    for candidate in sorted({default, *(confidence for confidence, _, _ in steps)}, reverse=True):
        above = [(right, count) for confidence, right, count in steps if confidence >= candidate]
        right, count = sum(one for one, _ in above), sum(one for _, one in above)
        if count and wilson(right, count, ONE_SIDED)[0] >= target:
            lowest = candidate
    return min(max(lowest if lowest is not None else HIGHEST, LOWEST), HIGHEST)


def _by_confidence(outcomes: Iterable[Outcome]) -> list[tuple[float, float, float]]:
    """(confidence, weight that was right, weight) in rising order, each confidence once."""
    found: dict[float, tuple[float, float]] = {}
    for one in outcomes:
        if one.weight > 0:
            right, count = found.get(one.confidence, (0.0, 0.0))
            found[one.confidence] = (right + one.weight * one.right, count + one.weight)
    return [(confidence, *found[confidence]) for confidence in sorted(found)]


def _weight(outcomes: Iterable[Outcome]) -> float:
    return sum(one.weight for one in outcomes)
