"""What is learned of durations can be checked by hand: medians, a lean to the wider group, and one's own bias."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from agents.estimating import Asked, expected, learned_for, own_bias, rounded
from tasks.day_plans import WorkedTask
from tasks.models import Task


def worked(minutes: int, kind: str = "call", **more: object) -> WorkedTask:
    columns = {"id": UUID(int=1), "kind": kind, "title": "Call somebody", "by_hand": True, "is_own_estimate": True}
    return WorkedTask.model_validate(
        {**columns, "minutes": minutes, "completed_at": datetime(2026, 3, 1, tzinfo=UTC), **more}
    )


def task(**more: object) -> Task:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    columns = {
        "id": UUID(int=2),
        "organization_id": UUID(int=3),
        "title": "Ring Ana",
        "kind": "call",
        "execution_type": "manual",
    }
    return Task.model_validate({**columns, "execution_status": "pending", "created_at": at, "updated_at": at, **more})


def test_the_median_of_the_last_seven_of_its_kind() -> None:
    calls = [worked(m) for m in (10, 15, 20, 20, 25, 30, 60, 500, 500)]
    found = learned_for(Asked("Ring Ana", "call"), [*calls, *(worked(120, "report") for _ in range(9))])
    assert found is not None
    assert (found.minutes, found.low, found.high, found.cases) == (20, 15, 30, 7)
    assert found.why == "median of your last 7 calls: 20 min"


def test_few_cases_lean_to_the_wider_group_and_say_so() -> None:
    cases = [*(worked(60, recipient="Ana") for _ in range(3)), *(worked(20) for _ in range(12))]
    found = learned_for(Asked("Ring", "call", recipient="ana"), cases)
    assert found is not None
    assert 20 < found.minutes < 60
    assert found.why.startswith("median of your last 3 calls for ana: 60 min; with so few")
    labelled = learned_for(Asked("x", "errand", labels=("home",)), [worked(40, "errand", labels=["home"])] * 7)
    assert labelled is not None
    assert labelled.why == "median of your last 7 tasks with #home: 40 min"


@pytest.mark.parametrize(
    "cases", [[], [worked(20)] * 2, [worked(20, by_hand=False)] * 9], ids=["none", "two", "not mine"]
)
def test_too_little_is_not_learned_from(cases: list[WorkedTask]) -> None:
    assert learned_for(Asked("Ring", "call"), cases) is None
    assert expected(task(), cases) == (None, "")


def test_what_was_said_stands_with_what_is_usual_beside_it() -> None:
    cases = [worked(42, estimated_minutes=30)] * 7
    bias = own_bias(cases)
    assert bias is not None
    assert bias.in_words == "you usually need 1.4 times what you estimate (the last 7 tasks)"
    assert expected(task(estimated_duration_minutes=15), cases) == (
        15,
        f"estimated at 15 min; {bias.in_words}; median of your last 7 calls: 40 min",
    )
    assert own_bias(cases[:4]) is None
    assert own_bias([worked(42, estimated_minutes=30, is_own_estimate=False)] * 9) is None
    even = own_bias([worked(30, estimated_minutes=30)] * 5)
    assert even is not None
    assert even.in_words == ""


def test_a_task_that_took_no_minute_still_takes_one() -> None:
    found = learned_for(Asked("Ring", "call", by_hand=False), [worked(0, by_hand=False)] * 3)
    assert found is not None
    assert (found.minutes, [rounded(n) for n in (0, 7.4, 10, 12, 13)]) == (1, [1, 7, 10, 10, 15])
