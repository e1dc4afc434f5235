"""Counting in working time."""

from datetime import datetime, time, timedelta

import pytest

from agents.proactive.working_time import after_working_days, after_working_time, half_a_day, last_working_day
from core.outside.calendar import WorkingHours
from tests.unit.agents.proactive.looking import BERLIN, at

USUAL = WorkingHours("Europe/Berlin")
BROKEN = WorkingHours("Europe/Berlin", {0: ((time(9), time(12)), (time(13), time(17))), 4: ((time(20), time(0)),)})
NEVER = WorkingHours("Europe/Berlin", {})


@pytest.mark.parametrize(
    ("moment", "hours", "found"),
    [
        (at(4, "10:00"), USUAL, at(4, "14:00")),
        (at(4, "16:00"), USUAL, at(5, "12:00")),
        (at(6, "23:59"), USUAL, at(9, "13:00")),
        (at(7, "10:00"), USUAL, at(9, "13:00")),
        (at(2, "11:00"), BROKEN, at(2, "15:30")),
        (at(6, "10:00"), BROKEN, at(6, "23:30")),
        (at(4, "10:00"), NEVER, at(4, "10:00")),
        (datetime(2026, 3, 27, 17, tzinfo=BERLIN), USUAL, datetime(2026, 3, 30, 13, tzinfo=BERLIN)),
    ],
    ids=["same day", "over night", "over the weekend", "from a saturday", "over lunch", "to midnight", "nobody works", "summer time"],
)  # fmt: skip
def test_half_a_working_day_later(moment: datetime, hours: WorkingHours, found: datetime) -> None:
    assert after_working_time(moment, half_a_day(hours), hours) == found


@pytest.mark.parametrize(
    ("moment", "days", "found"),
    [(at(4, "10:00"), 3, at(9, "10:00")), (at(7, "22:00"), 1, at(10, "09:00")), (at(6, "16:30"), 0, at(6, "16:30"))],
)
def test_working_days_later(moment: datetime, days: int, found: datetime) -> None:
    assert after_working_days(moment, days, USUAL) == found


def test_where_nobody_works_every_day_counts() -> None:
    assert after_working_days(at(4), 3, NEVER) == at(7)
    assert last_working_day(at(8).date(), NEVER) == at(8).date()
    assert half_a_day(NEVER) == timedelta(hours=4)
