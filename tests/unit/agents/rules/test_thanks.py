"""The day of what somebody is thanked for is no due day. Seen from Wednesday 4 March 2026, 09:30 in Berlin."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agents.rules.extract import extract_tasks
from agents.rules.quick_add import parse_quick_add

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))

# fmt: off
NOT_DUE = [
    "Draft an email to john@example.com thanking him for the meeting on Tuesday", "Thank Ana for your mail of Friday", "Thank Ana for the call on 3 March",
    "Thank Dr. Weber for the talk on Monday at 3pm", "Write a thank-you note to Ana for the dinner on Saturday", "Thank Bob and Ana for the lunch on Sunday", "Thank Ana for Tuesday",
    "Schreib eine E-Mail an anna@firma.de und bedanke dich für das Treffen am Dienstag", "Bedanke dich bei Anna für die Mail vom Freitag", "Mich bei Anna für das Treffen am Dienstag bedanken",
    "Bedanke dich bei Anna für das Gespräch am 3. März",
]
DUE = [
    ("Thank Ana for the gift by Friday", "Thank Ana for the gift", 6), ("Thank Ana for the gift tomorrow", "Thank Ana for the gift", 5),
    ("On Friday thank Ana for the meeting on Tuesday", "Thank Ana for the meeting on Tuesday", 6),
    ("Thank John for the meeting on Tuesday by Friday", "Thank John for the meeting on Tuesday", 6),
    ("Book a table for dinner on Friday", "Book a table for dinner", 6), ("Plan a thank-you party for the team on Friday", "Plan a thank-you party for the team", 6),
    ("Danke Anna bis Freitag für das Treffen", "Danke Anna für das Treffen", 6), ("Anna am Freitag für das Geschenk danken", "Anna für das Geschenk danken", 6),
    ("Einen Tisch für das Treffen am Freitag reservieren", "Einen Tisch für das Treffen reservieren", 6),
]
# fmt: on


@pytest.mark.parametrize("words", NOT_DUE)
def test_the_day_of_what_somebody_is_thanked_for_stays_in_the_title(words: str) -> None:
    (said,) = extract_tasks(words, NOW).tasks
    assert (said.due_at, said.title) == (None, words)
    typed = parse_quick_add(words, NOW)
    assert (typed.task.due_at, typed.task.title) == (None, words)
    assert [chip for chip in typed.chips if chip.kind == "due"] == []


@pytest.mark.parametrize(("words", "title", "day"), DUE)
def test_when_to_thank_and_other_days_are_due(words: str, title: str, day: int) -> None:
    for task in (*extract_tasks(words, NOW).tasks, parse_quick_add(words, NOW).task):
        assert task.due_at is not None
        assert (task.due_at.day, task.title) == (day, title)
