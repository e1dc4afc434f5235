"""When a person wants to see something again, as people say it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.extractor import sound
from agents.rules.extract import extract_tasks
from agents.rules.quick_add import parse_quick_add
from agents.rules.reminding import Snooze, parse_moment, parse_repeat, parse_snooze, reminder_of
from core.errors import Invalid

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=BERLIN)


def at(day: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("tomorrow 9", Snooze(at(5))),
        ("tomorrow", Snooze(at(5))),
        ("until friday 14:00", Snooze(at(6, 14))),
        ("monday", Snooze(at(9))),
        ("later today", Snooze(at(4, 12, 30))),
        ("next week", Snooze(at(9))),
        ("in 2 hours", Snooze(at(4, 11, 30))),
        ("2026-03-10", Snooze(at(10))),
        ("2026-03-10T14:00", Snooze(at(10, 14))),
        ("until Ana replies", Snooze(None, "Ana")),
        ("Ana Costa answers", Snooze(None, "Ana Costa")),
        ("until ana@example.com writes back or friday", Snooze(at(6), "ana@example.com")),
        ("bis Ana antwortet", Snooze(None, "Ana")),
    ],
)
def test_until_when(words: str, meant: Snooze) -> None:
    assert parse_snooze(words, NOW) == meant


@pytest.mark.parametrize("words", ["", " ", "banana", "x" * 201, "2026-03-01", "yesterday", "🦓", "until"])
def test_what_names_no_time_to_come_is_refused(words: str) -> None:
    with pytest.raises(Invalid):
        parse_snooze(words, NOW)


@given(st.text(max_size=120))
def test_any_words_are_a_time_to_come_or_refused(words: str) -> None:
    for read in (parse_moment, parse_snooze, parse_repeat):
        try:
            found = read(words, NOW)
        except Invalid:
            continue
        assert not isinstance(found, datetime) or found > NOW


@pytest.mark.parametrize(
    ("words", "title", "reminder"),
    [
        ("remind me on Friday at 9 to call Ana", "Call Ana", at(6)),
        ("Remind me tomorrow to water the plants", "Water the plants", at(5)),
        ("remind me today to call Bob", "Call Bob", at(4, 12, 30)),
        ("remind me every Friday at 4pm to send the report", "Send the report", at(6, 16)),
        ("call Ana on Friday at 9", "Call Ana", None),
        ("Remind me to call Ana", None, None),
        ("don't remind me tomorrow to water the plants", None, None),
    ],
)
def test_who_asks_to_be_reminded_is(words: str, title: str | None, reminder: datetime | None) -> None:
    added = parse_quick_add(words, NOW).task
    assert added.reminder_at == reminder
    assert title is None or added.title == title
    said = sound(extract_tasks(words, NOW), words, NOW, ()).tasks
    assert [task.reminder_at for task in said] in ([reminder], [])


def test_a_chip_that_is_taken_off_takes_its_reminder_along() -> None:
    [chip] = [chip for chip in parse_quick_add("remind me friday 9:00 to pay", NOW).chips if chip.kind == "due"]
    assert "with a reminder at 09:00" in chip.value
    assert parse_quick_add("remind me friday 9:00 to pay", NOW, ignore=[chip.key]).task.reminder_at is None


def test_nobody_is_reminded_of_what_is_over() -> None:
    assert reminder_of("remind me", NOW - timedelta(hours=1), is_all_day=False, now=NOW) is None
    late = NOW.replace(hour=23)
    assert reminder_of("remind me", late.replace(hour=23, minute=59, second=59), is_all_day=True, now=late) is None


def test_rules_as_people_say_them() -> None:
    weekly = parse_repeat("every Friday at 9", NOW)
    assert (weekly.rule, weekly.repeats_from, weekly.begins(at(5))) == ("FREQ=WEEKLY;BYDAY=FR", "due", (at(6), False))
    after = parse_repeat("every 3 days after I did it", NOW)
    assert (after.rule, after.repeats_from, after.begins(at(5))) == (
        "FREQ=DAILY;INTERVAL=3",
        "completion",
        (None, None),
    )
    assert after.begins(None) == (NOW.replace(hour=23, minute=59, second=59), True)
    assert parse_repeat("last friday of the month", NOW).rule == "FREQ=MONTHLY;BYDAY=-1FR"
    assert parse_repeat("freq=monthly;bymonthday=31", NOW).begins(None) == (None, None)
    for wrong in ("every second", "never", "FREQ=SECONDLY", ""):
        with pytest.raises(Invalid):
            parse_repeat(wrong, NOW)
