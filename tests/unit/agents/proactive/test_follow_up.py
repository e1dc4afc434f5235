"""Which meetings that are over have notes."""

from dataclasses import replace
from typing import Any

import pytest

from agents.proactive import follow_up
from agents.proactive.situation import Person
from tests.unit.agents.proactive.looking import OMAR, PRIYA, ROBIN, at, mail, meeting, situation

OVER = meeting("Launch sync", at(2, "16:00"), people=(PRIYA, OMAR))
NOTES = mail(
    "Notes from the launch sync, 2 March\n- Scope is frozen.", at(2, "17:05"), subject="Notes from Monday's launch sync"
)


def test_notes_in_a_mail_of_a_participant_are_found_once() -> None:
    (found,) = follow_up.find(situation(OVER, mails=[NOTES, replace(NOTES, message_id="<b@x>", sent_at=at(3))]))
    assert found.title == "Follow up: Launch sync"
    assert found.why == "It was Monday 16:00, and Priya has sent notes: “Notes from Monday's launch sync”."
    assert found.source_ref["message_id"] == "<a@x>"
    assert found.thread_key == "<a@x>"


@pytest.mark.parametrize(
    "changes",
    [
        {"sent_at": at(2, "15:00")},
        {"sender": Person("stranger@x.example")},
        {"suspicious": "It speaks to the assistant"},
        {"category": "noise"},
        {"auto_submitted": "auto-replied"},
        {"subject": "Notes from the budget round", "text": "Budget"},
        {"subject": "Launch sync", "text": "See you"},
        {"subject": "Launch sync", "text": "Can we have 30 minutes more?"},
        {"subject": "Launch sync", "text": "Could you send me the minutes?"},
        {"subject": "Minutes of the launch sync?", "text": "Where are they?"},
    ],
    ids=[
        "before its end",
        "stranger",
        "suspicious",
        "noise",
        "automatic",
        "another meeting",
        "no notes",
        "a length",
        "a wish",
        "a question",
    ],
)
def test_other_mail_is_not_taken_for_them(changes: dict[str, Any]) -> None:
    assert list(follow_up.find(situation(OVER, mails=[replace(NOTES, **changes)]))) == []


def test_of_a_series_the_last_one_before_the_mail_is_meant_and_stand_ups_are_left_alone() -> None:
    earlier = replace(OVER, starts_at=at(2, "09:00"), ends_at=at(2, "10:00"), recurrence_id="2026-03-02T08:00:00Z")
    stand_up = meeting("Stand-up", at(2, "16:00"), minutes=15)
    more = mail("Notes of the stand-up", at(2, "17:00"), message_id="<c@x>")
    (found,) = follow_up.find(situation(earlier, OVER, stand_up, mails=[NOTES, more]))
    assert found.source_ref["event"]["starts_at"] == at(2, "16:00").isoformat()


def test_notes_in_the_description_and_of_ones_own_count() -> None:
    (found,) = follow_up.find(situation(replace(OVER, description="Notes\nOmar fixes the bug")))
    assert found.why == "It was Monday 16:00, and its notes stand in the event."
    (found,) = follow_up.find(situation(OVER, mails=[replace(NOTES, sender=ROBIN, is_from_me=True, to=(PRIYA,))]))
    assert "your notes went out" in found.why
    assert list(follow_up.find(situation(replace(OVER, own_answer="declined", organizer=PRIYA), mails=[NOTES]))) == []


@pytest.mark.parametrize(
    "text",
    [
        "Hi all,\n\nhere are my notes from the launch sync:\n- one",
        "Anbei das Protokoll zum Launch sync",
        "Minutes\nLaunch sync, 2 March",
    ],
)
def test_the_first_lines_may_say_so(text: str) -> None:
    plain = replace(NOTES, subject="Launch sync", text=text)
    assert len(list(follow_up.find(situation(OVER, mails=[plain])))) == 1
