"""Dates in text, seen from Wednesday 4 March 2026, 09:30 in Berlin."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.rules.dates import find_dates
from agents.rules.recurrence import find_recurrence

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=BERLIN)
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]

# fmt: off
DAYS = [
    ("today", "2026-03-04"), ("tomorrow", "2026-03-05"), ("the day after tomorrow", "2026-03-06"), ("Friday", "2026-03-06"),
    ("Wednesday", "2026-03-11"), ("next Tuesday", "2026-03-10"), ("this Friday", "2026-03-06"), ("Friday next week", "2026-03-13"), ("next week on Tuesday", "2026-03-10"),
    ("on the 12th", "2026-03-12"), ("on the 3rd", "2026-04-03"), ("by the 31st", "2026-03-31"), ("20 March", "2026-03-20"), ("March 20", "2026-03-20"),
    ("March 20th, 2027", "2027-03-20"), ("31 May", "2026-05-31"), ("May 5", "2026-05-05"), ("3 January", "2027-01-03"), ("29 February", "2028-02-29"),
    ("2026-03-20", "2026-03-20"), ("20.3.", "2026-03-20"), ("20.03.2026", "2026-03-20"), ("on 15/03/2026", "2026-03-15"), ("Wednesday, 11 March", "2026-03-11"),
    ("Friday the 13th", "2026-03-13"), ("12 to 16 May", "2026-05-12"), ("in two weeks", "2026-03-18"), ("in 3 days", "2026-03-07"), ("in a month", "2026-04-04"),
    ("a week from Friday", "2026-03-13"), ("by the end of the month", "2026-03-31"), ("end of the week", "2026-03-06"), ("end of June", "2026-06-30"),
    ("end of the year", "2026-12-31"), ("by Christmas", "2026-12-25"), ("by Easter", "2026-04-05"),
    ("morgen", "2026-03-05"), ("übermorgen", "2026-03-06"), ("bis Freitag", "2026-03-06"), ("nächsten Dienstag", "2026-03-10"), ("nächste Woche Dienstag", "2026-03-10"),
    ("in zwei Wochen", "2026-03-18"), ("heute in einer Woche", "2026-03-11"), ("Ende des Monats", "2026-03-31"), ("Ende März", "2026-03-31"), ("am 12.", "2026-03-12"),
    ("am 12. März", "2026-03-12"), ("bis zum 1. April", "2026-04-01"), ("Freitag, den 13. März", "2026-03-13"), ("bis 31.12.", "2026-12-31"),
]
TIMES = [
    ("15:00", "2026-03-04T15:00"), ("at 3pm", "2026-03-04T15:00"), ("at 9am", "2026-03-05T09:00"), ("before noon", "2026-03-04T12:00"), ("by 5", "2026-03-04T17:00"),
    ("tomorrow 3pm", "2026-03-05T15:00"), ("3pm tomorrow", "2026-03-05T15:00"), ("tomorrow evening", "2026-03-05T18:00"), ("tonight", "2026-03-04T20:00"), ("tonight at 8", "2026-03-04T20:00"),
    ("next Tuesday 3pm", "2026-03-10T15:00"), ("next Tuesday at 3pm", "2026-03-10T15:00"), ("by Thursday noon", "2026-03-05T12:00"), ("Sunday at 1", "2026-03-08T13:00"),
    ("dinner on Friday at 8", "2026-03-06T20:00"), ("Friday 10:00-11:30", "2026-03-06T10:00"), ("tomorrow 2-4pm", "2026-03-05T14:00"), ("EOD Friday", "2026-03-06T18:00"),
    ("half past nine tomorrow", "2026-03-05T09:30"), ("at quarter to five", "2026-03-04T16:45"), ("in 90 minutes", "2026-03-04T11:00"), ("in half an hour", "2026-03-04T10:00"),
    ("2026-03-20T14:00", "2026-03-20T14:00"), ("tomorrow at 9 check the mail", "2026-03-05T09:00"),
    ("um 15 Uhr", "2026-03-04T15:00"), ("nächsten Dienstag um 15 Uhr", "2026-03-10T15:00"), ("am 20.3. um 10 Uhr", "2026-03-20T10:00"), ("heute Abend", "2026-03-04T18:00"),
    ("heute Abend um 8", "2026-03-04T20:00"), ("morgen früh", "2026-03-05T09:00"), ("Freitagabend um 7", "2026-03-06T19:00"), ("halb drei am Freitag", "2026-03-06T14:30"),
    ("in einer halben Stunde", "2026-03-04T10:00"),
]
NO_DATES = [
    "", "version 2.4.1 of the app", "v1.2.34", "Python 3.11 on node 20.1.2", "it costs $12.30 or 15,50 EUR", "call +49 30 1234 5678 or 555-1234", "order NW-2231", "our offer 88/26",
    "you may go", "room 2 may be free", "the second item", "march to the shop", "I sat down in the sun", "so do it", "raise the rent by 5", "look at 9 pictures", "10 Downing Street",
    "30 February", "Section 3.4. applies", "last Friday", "in 5 steps", "the 2nd floor", "10.0.0.1", "Guten Morgen!", "Tuesday's meeting", "12 monkeys", "1:1 with Bob", "16:9 video",
]
RULES = [
    ("every Friday at 4pm", "FREQ=WEEKLY;BYDAY=FR", "2026-03-06T16:00"), ("every weekday at 9", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "2026-03-05T09:00"),
    ("every day", "FREQ=DAILY", "2026-03-04T23:59:59"), ("every month on the 1st", "FREQ=MONTHLY;BYMONTHDAY=1", "2026-04-01T23:59:59"),
    ("on the 15th of every month", "FREQ=MONTHLY;BYMONTHDAY=15", "2026-03-15T23:59:59"), ("every other Friday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", "2026-03-06T23:59:59"),
    ("every two weeks", "FREQ=WEEKLY;INTERVAL=2", "2026-03-04T23:59:59"), ("every year on 3 May", "FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=3", "2026-05-03T23:59:59"),
    ("Mondays and Thursdays", "FREQ=WEEKLY;BYDAY=MO,TH", "2026-03-05T23:59:59"), ("at 9am every Monday", "FREQ=WEEKLY;BYDAY=MO", "2026-03-09T09:00"),
    ("the last Friday of every month at noon", "FREQ=MONTHLY;BYDAY=-1FR", "2026-03-27T12:00"), ("weekly", "FREQ=WEEKLY", "2026-03-04T23:59:59"),
    ("jeden Freitag um 16 Uhr", "FREQ=WEEKLY;BYDAY=FR", "2026-03-06T16:00"), ("täglich", "FREQ=DAILY", "2026-03-04T23:59:59"), ("on the first of every month", "FREQ=MONTHLY;BYMONTHDAY=1", "2026-04-01T23:59:59"), ("alle zwei Wochen", "FREQ=WEEKLY;INTERVAL=2", "2026-03-04T23:59:59"),
    ("jeden ersten Montag im Monat", "FREQ=MONTHLY;BYDAY=1MO", "2026-04-06T23:59:59"), ("jeden Morgen um 7", "FREQ=DAILY", "2026-03-05T07:00"), ("montags", "FREQ=WEEKLY;BYDAY=MO", "2026-03-09T23:59:59"),
]
# fmt: on


@pytest.mark.parametrize(("words", "day"), DAYS)
def test_a_day_is_due_at_its_end(words: str, day: str) -> None:
    mention = find_dates(f"Do it {words}, please", NOW)[0]
    assert mention.due_at == datetime.fromisoformat(f"{day}T23:59:59").replace(tzinfo=BERLIN)
    assert mention.is_all_day


@pytest.mark.parametrize(("words", "moment"), TIMES)
def test_a_time_is_due_at_that_time(words: str, moment: str) -> None:
    mention = find_dates(words, NOW)[0]
    assert mention.due_at == datetime.fromisoformat(moment).replace(tzinfo=BERLIN)
    assert not mention.is_all_day


@pytest.mark.parametrize("words", NO_DATES)
def test_other_numbers_and_words_are_no_dates(words: str) -> None:
    assert find_dates(words, NOW) == []


def test_the_phrase_is_found_with_the_word_that_leads_to_it() -> None:
    text = "Send it by Friday noon, not later"
    mention = find_dates(text, NOW)[0]
    assert (text[mention.start : mention.end], mention.relation) == ("by Friday noon", "by")


@pytest.mark.parametrize("words", ["next week", "next month", "this weekend", "nächste Woche", "mid-April"])
def test_a_span_is_vague(words: str) -> None:
    assert [m.is_vague for m in find_dates(words, NOW)] == [True]


def test_next_week_is_due_on_its_friday() -> None:
    assert find_dates("next week", NOW)[0].due_at.date().isoformat() == "2026-03-13"


def test_two_dates_are_two_mentions() -> None:
    found = find_dates("on Monday at 10 or on Tuesday at 11", NOW)
    assert [f"{m.due_at:%d %H}" for m in found] == ["09 10", "10 11"]


def test_the_past_can_be_preferred() -> None:
    found = find_dates("on Friday, yesterday and on 20 March", NOW, prefer="past")
    assert [m.due_at.date().isoformat() for m in found] == ["2026-02-27", "2026-03-03", "2025-03-20"]


def test_a_weekday_is_today_while_its_time_is_to_come() -> None:
    assert find_dates("Wednesday at 4pm", NOW)[0].due_at.date() == NOW.date()
    assert find_dates("Wednesday at 8am", NOW)[0].due_at.date() == NOW.date() + timedelta(days=7)


def test_slashes_are_read_as_the_zone_writes_them() -> None:
    american = NOW.astimezone(ZoneInfo("America/Chicago"))
    assert find_dates("by 03/04/2027", NOW)[0].due_at.date().isoformat() == "2027-04-03"
    assert find_dates("by 03/04/2027", american)[0].due_at.date().isoformat() == "2027-03-04"


def test_wall_clock_times_hold_across_a_clock_change() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=BERLIN)  # clocks go forward on 29 March, 02:00
    due = find_dates("tomorrow at 9am", before)[0].due_at
    assert (due.isoformat(), due - before) == ("2026-03-29T09:00:00+02:00", timedelta(hours=21))
    assert find_dates("in 24 hours", before)[0].due_at.isoformat() == "2026-03-29T13:00:00+02:00"


def test_a_time_that_the_clock_change_skips_moves_on() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=BERLIN)
    assert find_dates("tomorrow at 2:30am", before)[0].due_at.isoformat() == "2026-03-29T03:30:00+02:00"


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="now must be aware"):
        find_dates("tomorrow", datetime(2026, 3, 4))


@pytest.mark.parametrize(("words", "rule", "first"), RULES)
def test_a_rule_and_its_first_time(words: str, rule: str, first: str) -> None:
    found = find_recurrence(f"Do it {words}", NOW)
    assert found is not None
    assert (found.rule, found.due_at) == (rule, datetime.fromisoformat(first).replace(tzinfo=BERLIN))


@pytest.mark.parametrize("words", ["", "everyone", "every time", "the weekly report", "each other", "alle Kunden"])
def test_what_only_looks_like_a_rule_is_none(words: str) -> None:
    assert find_recurrence(words, NOW) is None


PHRASES = st.sampled_from([words for words, _ in [*DAYS, *TIMES]] + [words for words, _, _ in RULES] + NO_DATES)
ANYTHING = st.lists(
    st.one_of(
        PHRASES,
        st.text(max_size=12),
        st.sampled_from(["at", "by", "um", ",", "99:99", "0.0.", "31.", "29 Feb", "9999-12-31"]),
    )
).map(" ".join)
NOWS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.sampled_from(ZONES).map(ZoneInfo))


@settings(deadline=None)
@given(text=ANYTHING, now=NOWS)
def test_any_text_gives_sound_mentions(text: str, now: datetime) -> None:
    end = 0
    for mention in find_dates(text, now):
        assert mention.start >= 0
        assert mention.end > mention.start
        assert mention.end <= len(text)
        assert mention.due_at.tzinfo is now.tzinfo
        end = max(end, mention.end)
    rule = find_recurrence(text, now)
    assert rule is None or (rule.end > rule.start and rule.due_at.tzinfo is now.tzinfo)


@settings(deadline=None)
@given(now=NOWS, hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_tomorrow_at_a_time_is_that_wall_clock_time_of_tomorrow(now: datetime, hour: int, minute: int) -> None:
    due = find_dates(f"tomorrow at {hour}:{minute:02}", now)[0].due_at
    exists = due.time().replace(tzinfo=None) == datetime(2000, 1, 1, hour, minute).time()
    skipped = due.replace(fold=0).astimezone(ZoneInfo("UTC")).astimezone(now.tzinfo) == due and not exists
    assert exists or skipped
    assert due.date() == now.date() + timedelta(days=1) or skipped
