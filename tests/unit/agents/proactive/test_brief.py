"""Which meetings get a brief."""

from dataclasses import replace
from typing import Any

import pytest

from agents.proactive import brief
from agents.rules.mail_people import Owner
from tests.unit.agents.proactive.looking import DANA, PRIYA, at, meeting, situation


def test_a_meeting_with_somebody_from_outside_gets_one() -> None:
    (found,) = brief.find(situation(meeting()))
    assert (found.title, found.why, found.person) == (
        "Prepare brief: Quarterly review",
        "Thursday 14:00 with Dana from outside.",
        "dana@northwind.example",
    )


def test_somebody_elses_meeting_too_unless_declined() -> None:
    theirs = meeting(organizer=DANA, people=(PRIYA,))
    assert len(list(brief.find(situation(theirs)))) == 1
    assert list(brief.find(situation(replace(theirs, own_answer="declined")))) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"people": (PRIYA,)},
        {"people": (PRIYA, replace(DANA, answer="declined"))},
        {"title": "Private: doctor"},
        {"is_private": True},
        {"title": "Daily"},
        {"is_all_day": True},
        {"starts_at": at(6)},
    ],
    ids=["inside", "declined", "private", "marked private", "stand-up", "all day", "later"],
)
def test_none_is_wanted(changes: dict[str, Any]) -> None:
    assert list(brief.find(situation(meeting(**changes)))) == []


def test_with_an_address_that_anybody_can_have_everyone_is_from_outside() -> None:
    owner = Owner(("robin@gmail.com",))
    assert len(list(brief.find(situation(meeting(organizer=None, people=(PRIYA,)), owner=owner)))) == 1
