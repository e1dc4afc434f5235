"""Which meetings get a brief."""

from dataclasses import replace
from typing import Any

import pytest

from agents.proactive import brief
from agents.rules.mail_people import Owner
from tests.unit.agents.proactive.looking import DANA, PRIYA, ROBIN, at, mail, meeting, situation


def test_a_meeting_with_somebody_from_outside_gets_one() -> None:
    (found,) = brief.find(situation(meeting()))
    assert (found.title, found.why, found.person) == (
        "Prepare brief: Quarterly review",
        "Thursday 14:00 with Dana from outside.",
        "dana@northwind.example",
    )


def test_somebody_elses_meeting_too_unless_declined() -> None:
    theirs = meeting(organizer=DANA, people=(PRIYA,))
    (found,) = brief.find(situation(theirs))
    assert not found.executes  # whom Dana has invited besides says nothing of Dana
    assert list(brief.find(situation(replace(theirs, own_answer="declined")))) == []


def test_what_strangers_put_into_the_calendar_is_told_and_not_prepared_and_of_a_series_one_a_day() -> None:
    series: dict[str, Any] = {
        "organizer": DANA,
        "people": (),
        "own_answer": "needs-action",
        "is_recurring": True,
        "uid": "s",
    }
    often = [meeting(starts_at=at(5, f"{hour}:00"), recurrence_id=f"{hour}", **series) for hour in (9, 11, 13)]
    (stranger,) = brief.find(situation(*often))
    assert (stranger.executes, stranger.confidence) == (False, 0.4)
    (later,) = brief.find(situation(*often[1:]))
    assert later.key == stranger.key
    silent = [replace(one, own_answer="") for one in often]
    assert [one.executes for one in brief.find(situation(*silent))] == [False]
    (accepted,) = brief.find(situation(replace(often[0], own_answer="accepted")))
    wrote = mail("Hello", at(3), ROBIN, to=(DANA,))
    (known,) = brief.find(situation(often[0], mails=[wrote]))
    assert (accepted.executes, known.executes, known.confidence) == (True, True, 0.8)


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
