"""When a repeating task comes next: clocks that change, ends, days that not every month has, rules that no task can follow."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from tasks.occurrences import check_rule, describe_recurrence, next_after_completion, next_occurrence

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [BERLIN, ZoneInfo("America/Sao_Paulo"), ZoneInfo("Australia/Lord_Howe"), UTC]
RULES = st.sampled_from(
    [
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA",
        "FREQ=MONTHLY",
        "FREQ=MONTHLY;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=YEARLY",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
    ]
)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)


def at(*when: int, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime(*when, tzinfo=zone)  # pyright: ignore[reportArgumentType]


def series(rule: str, start: datetime, *, after: datetime | None = None, most: int = 4) -> list[str]:
    """The dates that follow, each done in time (all before `after` were not)."""
    found: list[str] = []
    occurs_at = start
    while len(found) < most:
        coming = next_occurrence(rule, starts_at=start, occurs_at=occurs_at, after=after or occurs_at, zone=BERLIN)
        if coming is None:
            break
        occurs_at = coming.due_at
        found.append(f"{occurs_at:%Y-%m-%d %H:%M}")
    return found


@given(rule=RULES, start=MOMENTS, late=st.timedeltas(timedelta(), timedelta(days=900)), zone=st.sampled_from(ZONES))
def test_the_next_one_is_later_and_the_rule_has_it(rule: str, start: datetime, late: timedelta, zone: ZoneInfo) -> None:
    begin = start.astimezone(zone)
    coming = next_occurrence(rule, starts_at=begin, occurs_at=begin, after=begin + late, zone=zone)
    assert coming
    assert coming.due_at > begin + late
    naive = begin.replace(tzinfo=None, fold=0)
    dates = rrulestr(rule, dtstart=naive)
    wanted = [one for one in dates.between(naive, coming.due_at.replace(tzinfo=None), inc=True) if one > naive]
    wall = coming.due_at.replace(tzinfo=None, fold=0)
    gap = timedelta(hours=1)  # a time that the clocks skip is the first one after it
    assert any(wall - gap <= one <= wall for one in wanted)
    assert coming.number >= 2
    for end, is_over in ((f"COUNT={coming.number}", False), (f"COUNT={coming.number - 1}", True)):
        ended = next_occurrence(f"{rule};{end}", starts_at=begin, occurs_at=begin, after=begin + late, zone=zone)
        assert (ended is None) is is_over


@given(rule=RULES, done=MOMENTS, occurs=MOMENTS)
def test_counted_from_when_it_was_done_it_is_later_than_that(rule: str, done: datetime, occurs: datetime) -> None:
    coming = next_after_completion(rule, occurs_at=occurs, number=3, completed_at=done, after=done, zone=BERLIN)
    assert coming
    assert coming.due_at > done
    assert coming.number == 4


def test_dates_that_people_ask_for() -> None:
    spring = series("FREQ=DAILY", at(2026, 3, 28, 9), most=3)
    assert spring == ["2026-03-29 09:00", "2026-03-30 09:00", "2026-03-31 09:00"]
    assert series("FREQ=DAILY", at(2026, 3, 28, 2, 30), most=2) == ["2026-03-29 03:30", "2026-03-30 02:30"]
    assert series("FREQ=DAILY", at(2026, 10, 24, 2, 30), most=2) == ["2026-10-25 02:30", "2026-10-26 02:30"]
    assert series("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", at(2026, 3, 5, 9), most=3)[1:] == ["2026-03-09 09:00", "2026-03-10 09:00"]  # fmt: skip
    assert series("FREQ=MONTHLY;BYDAY=-1FR", at(2026, 3, 27, 9), most=2) == ["2026-04-24 09:00", "2026-05-29 09:00"]
    assert series("FREQ=MONTHLY", at(2026, 1, 31, 9), most=2) == ["2026-03-31 09:00", "2026-05-31 09:00"]
    assert series("FREQ=YEARLY", at(2096, 2, 29, 9), most=1) == ["2104-02-29 09:00"]  # 2100 has none
    assert series("FREQ=DAILY;COUNT=3", at(2026, 3, 4, 9)) == ["2026-03-05 09:00", "2026-03-06 09:00"]
    assert series("FREQ=DAILY;COUNT=3", at(2026, 3, 4, 9), after=at(2026, 3, 6, 10)) == []  # nobody did the third
    assert series("FREQ=DAILY;UNTIL=20260305", at(2026, 3, 4, 9)) == ["2026-03-05 09:00"]
    assert series("FREQ=DAILY;UNTIL=20260305T080000Z", at(2026, 3, 4, 9)) == ["2026-03-05 09:00"]
    assert series("FREQ=DAILY;UNTIL=20260305T075959Z", at(2026, 3, 4, 9)) == []
    assert series("FREQ=WEEKLY;BYDAY=FR;COUNT=2", at(2026, 3, 4, 9)) == [
        "2026-03-06 09:00"
    ]  # its date counts as the first
    late = series("FREQ=DAILY;INTERVAL=7;BYDAY=WE", at(2026, 3, 4, 9), after=at(2026, 3, 11, 8), most=1)
    assert late == ["2026-03-11 09:00"]  # of today, and not over


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("", "1 to 500"),
        ("FREQ=SECONDLY", "FREQ of DAILY"),
        ("FREQ=HOURLY;COUNT=3", "FREQ of DAILY"),
        ("every friday", "FREQ of"),
        ("FREQ=DAILY;BYHOUR=1,2,3", "'BYHOUR' in it"),
        ("FREQ=DAILY;FREQ=WEEKLY", "'FREQ' twice"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0"),
        ("FREQ=DAILY;INTERVAL=99999999999", "allowed is 1 to 1000"),
        ("FREQ=DAILY;COUNT=-1", "COUNT=-1"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20260305", "both COUNT and UNTIL"),
        ("FREQ=DAILY;UNTIL=20260230", "UNTIL=20260230"),
        ("FREQ=DAILY;UNTIL=tomorrow", "cannot be understood"),
        ("FREQ=MONTHLY;BYMONTHDAY=30;BYMONTH=2", "no month has"),
        ("FREQ=MONTHLY;BYDAY=6MO", "never happens"),
        ("FREQ=DAILY;BYDAY=MO;BYSETPOS=2", "numbers its days"),
        ("FREQ=YEARLY;BYMONTH=1,13", "BYMONTH=13"),
        ("FREQ=WEEKLY;BYDAY=XX", "cannot be understood"),
        ("FREQ=DAILY\nRRULE:FREQ=DAILY", "no line"),
        ("FREQ=DAILY;" * 100, "1 to 500"),
    ],
)
def test_a_rule_that_no_task_can_follow_is_refused(rule: str, words: str) -> None:
    with pytest.raises(Invalid, match=re.escape(words)):
        check_rule(rule)
    assert describe_recurrence(rule) == f"by the rule {rule}"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("RRULE:FREQ=WEEKLY;BYDAY=FR", "every Friday"),
        ("FREQ=WEEKLY", "every week"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR", "every 2 weeks on Monday, Wednesday and Friday"),
        ("FREQ=DAILY;INTERVAL=3;COUNT=5", "every 3 days, 5 times"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "every month on the last Friday"),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "every month on the 31st"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "every month on the last day"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "every month on the last weekday"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "every year on 29 February"),
        ("FREQ=YEARLY;UNTIL=20301231", "every year until 31 December 2030"),
    ],
)
def test_a_rule_in_words(rule: str, words: str) -> None:
    assert describe_recurrence(rule) == words


def test_counted_from_when_it_was_done_in_words() -> None:
    assert describe_recurrence("FREQ=DAILY;INTERVAL=3", "completion") == "every 3 days after it is done"
