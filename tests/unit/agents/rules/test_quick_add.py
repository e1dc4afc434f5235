"""One line, one task, and chips that come off. Seen from Wednesday 4 March 2026, 09:30 in Berlin."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.rules.quick_add import parse_quick_add
from core.errors import Invalid

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=BERLIN)
LINE = "call Ana tomorrow 3pm p1 #home"


def test_everything_in_a_line_is_understood() -> None:
    task = parse_quick_add(LINE, NOW).task
    assert (task.title, task.priority, task.labels, task.recipient) == ("Call Ana", "critical", ["home"], "Ana")
    assert task.due_at == datetime(2026, 3, 5, 15, tzinfo=BERLIN)
    assert (task.kind, task.execution_type, task.due_is_all_day) == ("call", "manual", False)


def test_chips_show_the_words_as_typed_and_what_they_mean() -> None:
    chips = parse_quick_add(LINE, NOW).chips
    assert [(chip.kind, chip.text, chip.value) for chip in chips] == [
        ("recipient", "Ana", "Ana"),
        ("due", "tomorrow 3pm", "Thu 5 Mar, 15:00"),
        ("priority", "p1", "critical"),
        ("label", "#home", "home"),
    ]
    assert [LINE[chip.start : chip.end] for chip in chips] == [chip.text for chip in chips]


def test_a_chip_taken_off_is_plain_words_again() -> None:
    added = parse_quick_add(LINE, NOW, ignore=["due:tomorrow 3pm", "label:#home"])
    assert added.task.title == "Call Ana tomorrow 3pm #home"
    assert (added.task.due_at, added.task.labels, added.task.priority) == (None, [], "critical")
    assert [chip.kind for chip in added.chips] == ["recipient", "priority"]


def test_with_the_rule_taken_off_its_words_make_no_date() -> None:
    added = parse_quick_add("water plants every Friday", NOW, ignore=["recurrence:every Friday"])
    assert (added.task.title, added.task.recurrence, added.task.due_at) == ("Water plants every Friday", None, None)


def test_a_rule_is_shown_in_words() -> None:
    added = parse_quick_add("pay rent on the 1st of every month", NOW)
    assert added.task.recurrence == "FREQ=MONTHLY;BYMONTHDAY=1"
    assert [chip.value for chip in added.chips] == ["every month on day 1, first Wed 1 Apr"]


def test_another_year_is_named() -> None:
    assert parse_quick_add("renew passport 3 January", NOW).chips[0].value == "Sun 3 Jan 2027"


@pytest.mark.parametrize(
    "line",
    [
        "milk",
        "😀",
        "how are you?",
        "don't",
        "thanks!",
        "...",
        "tomorrow",
        "p1",
        "#home",
        "call",
        "а",
        "x" * 5000,
        "(" * 400,
    ],
)
def test_any_text_is_one_task(line: str) -> None:
    assert parse_quick_add(line, NOW).task.title


@pytest.mark.parametrize("line", ["", "   ", "\n\t", "\x00\x07", "\u200b"])
def test_nothing_is_refused_with_an_example(line: str) -> None:
    with pytest.raises(Invalid, match="text is empty") as refused:
        parse_quick_add(line, NOW)
    assert refused.value.hint


def test_lines_below_the_first_become_the_description() -> None:
    task = parse_quick_add("draft the Q3 report\r\nrevenue 12\ncosts 7", NOW).task
    assert (task.title, task.description) == ("Draft the Q3 report", "revenue 12\ncosts 7")


def test_a_long_line_is_kept_whole_in_the_description() -> None:
    task = parse_quick_add("buy " + "milk " * 1000, NOW).task
    assert len(task.title) <= 300
    assert (task.title + task.description).count("milk") >= 1000


def test_a_channel_is_no_label() -> None:
    task = parse_quick_add("post the notes in #general on slack", NOW).task
    assert (task.labels, task.kind, task.title) == ([], "message", "Post the notes in #general on slack")


def test_german_is_understood() -> None:
    task = parse_quick_add("Miete überweisen jeden Monat am 1. p2 #haushalt", NOW).task
    assert (task.title, task.kind, task.priority, task.labels) == ("Miete überweisen", "payment", "high", ["haushalt"])
    assert task.recurrence == "FREQ=MONTHLY;BYMONTHDAY=1"


@settings(deadline=None)
@given(text=st.text(min_size=1, max_size=200), now=st.datetimes(datetime(2000, 1, 1), datetime(2080, 1, 1)))
def test_any_text_gives_a_task_and_chips_in_their_places(text: str, now: datetime) -> None:
    try:
        added = parse_quick_add(text, now.replace(tzinfo=BERLIN))
    except Invalid:
        return
    assert added.task.title
    assert [added.line[chip.start : chip.end] for chip in added.chips] == [chip.text for chip in added.chips]
    again = parse_quick_add(text, now.replace(tzinfo=BERLIN), ignore=[chip.key for chip in added.chips])
    assert not {chip.key for chip in again.chips} & {chip.key for chip in added.chips}
