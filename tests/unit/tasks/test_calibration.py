"""Figures of calibration: known answers, and what holds for any outcomes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import calibration
from tasks.calibration import Outcome, aim_of, calibrated, isotonic, threshold_for, wilson

OUTCOMES = st.lists(
    st.builds(
        Outcome,
        st.integers(0, 100).map(lambda percent: percent / 100),
        st.booleans(),
        st.sampled_from([0.0, 0.5, 1.0]),
    ),
    max_size=80,
)


def some(confidence: float, right: int, wrong: int) -> list[Outcome]:
    return [Outcome(confidence, True)] * right + [Outcome(confidence, False)] * wrong


def test_known_figures() -> None:
    found = calibrated([*some(0.9, 9, 1), *some(0.55, 2, 2), Outcome(1.0, True, 0.5), Outcome(1.0, False, 0.5)])
    assert found
    assert (found.cases, found.share_right) == (15, pytest.approx(11.5 / 15))
    assert found.brier == pytest.approx((9 * 0.01 + 0.81 + 2 * 0.2025 + 2 * 0.3025 + 0.5) / 15)
    assert found.reference == pytest.approx(11.5 / 15 * 3.5 / 15)
    assert [(one.low, one.high, one.count) for one in found.bins] == [(0.5, 0.6, 4), (0.9, 1.0, 11)]
    assert found.error == pytest.approx((4 * 0.05 + abs(10 * 0.9 + 1 - 9.5)) / 15)
    assert wilson(9, 10) == (pytest.approx(0.596, abs=1e-3), pytest.approx(0.982, abs=1e-3))
    assert (wilson(0, 0), calibrated([]), calibrated([Outcome(0.5, True, 0)])) == ((0, 1), None, None)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], 0.8),
        (some(0.7, 19, 0), 0.8),  # too few
        (some(0.9, 40, 0), 0.8),  # nothing was tried below the default
        (some(0.9, 30, 0) + some(0.7, 30, 0), 0.7),
        (some(0.9, 30, 0) + some(0.3, 30, 0), 0.6),  # never below the bound
        (some(0.9, 40, 1) + some(0.8, 5, 15), 0.9),
        (some(0.9, 10, 30), 0.95),
        (some(1.0, 40, 0) + some(0.9, 0, 30), 0.95),  # never above it either
        (some(0.85, 17, 3), 0.95),  # 85 %, but it might be by chance
    ],
    ids=["none", "few", "untried", "lower", "floor", "raised", "never", "ceiling", "chance"],
)
def test_a_threshold_follows_its_outcomes(outcomes: list[Outcome], expected: float) -> None:
    assert threshold_for(0.8, outcomes, 0.8) == expected


def test_streams_have_aims() -> None:
    assert (aim_of("nudge:travel"), aim_of("draft").default) == (calibration.AIMS["nudge"], 0.8)
    with pytest.raises(KeyError):
        aim_of("weather")


@given(OUTCOMES)
def test_what_holds_for_any_outcomes(outcomes: list[Outcome]) -> None:
    found = calibrated(outcomes)
    if found is None:
        assert not any(one.weight for one in outcomes)
        return
    assert 0 <= found.brier <= 1
    assert 0 <= found.error <= 1
    assert sum(one.count for one in found.bins) == pytest.approx(found.cases)
    for one in found.bins:
        assert one.low - 1e-9 <= one.confidence <= one.high
        assert 0 <= one.least <= one.right <= one.most <= 1
    starts, shares = zip(*found.fitted, strict=True)
    assert list(starts) == sorted(set(starts))
    assert list(shares) == sorted(shares)
    assert isotonic(reversed(outcomes)) == found.fitted
    threshold = threshold_for(0.8, outcomes, 0.8)
    assert calibration.LOWEST <= threshold <= calibration.HIGHEST


@given(OUTCOMES)
def test_the_fit_is_no_worse_than_what_was_said(outcomes: list[Outcome]) -> None:
    counted = [one for one in outcomes if one.weight > 0]

    def fitted(confidence: float) -> float:
        return [share for start, share in isotonic(counted) if start <= confidence][-1]

    corrected = [Outcome(fitted(one.confidence), one.right, one.weight) for one in counted]
    assert calibration.brier(corrected) <= calibration.brier(counted) + 1e-9
