"""What a month of real mail and meetings showed to be noise, and is told no more."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from agents.proactive import agenda, brief, promises, rsvp
from agents.proactive.situation import Person
from tasks.commitments import Commitment
from tasks.models import Task
from tests.unit.agents.proactive.looking import DANA, PRIYA, at, meeting, situation

GUESTS = tuple(Person(f"guest{n}@crowd.example", f"Guest {n}") for n in range(13))


def test_an_event_that_stands_in_two_calendars_is_told_once() -> None:
    copies = (meeting(uid="a"), meeting(uid="a", calendar="team"), meeting(uid="b", calendar="third"))
    for rule in (agenda, brief):
        (found,) = rule.find(situation(*copies))
        assert found.source_ref["event"]["calendar"] == "local"


def test_a_copy_that_is_called_off_does_not_hide_the_other() -> None:
    copies = (meeting(uid="a", status="cancelled"), meeting(uid="a", calendar="team"))
    assert len(list(agenda.find(situation(*copies)))) == 1


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({"people": (PRIYA,), "minutes": 30}, 0),
        ({"people": (PRIYA,), "minutes": 60}, 1),
        ({"people": (PRIYA, DANA), "minutes": 30}, 1),
        ({"people": (PRIYA,), "minutes": 30, "is_recurring": False}, 1),
    ],
    ids=["talk", "long", "three", "once"],
)
def test_two_who_talk_every_week_need_no_agenda(more: dict[str, Any], count: int) -> None:
    given: dict[str, Any] = {"is_recurring": True, **more}
    assert len(list(agenda.find(situation(meeting("Priya / Robin", **given))))) == count


def test_a_crowd_gets_no_brief() -> None:
    assert len(list(brief.find(situation(meeting(people=GUESTS))))) == 0
    assert len(list(brief.find(situation(meeting(people=GUESTS[:12]))))) == 1


@pytest.mark.parametrize(
    ("title", "count"),
    [
        ("All hands (optional)", 0),
        ("Optional: yoga", 0),
        ("Fest [freiwillig]", 0),
        ("FYI: deploy", 0),
        ("Optional features review", 1),
        ("All hands", 1),
    ],
    ids=range(6),
)
def test_whoever_likes_to_come_need_not_answer(title: str, count: int) -> None:
    one = meeting(title, organizer=PRIYA, own_answer="needs-action")
    assert len(list(rsvp.find(situation(one)))) == count


def test_the_task_to_answer_the_mail_before_does_not_keep_the_promise() -> None:
    said: datetime = at(2)
    mine = Commitment.model_validate(
        {
            "id": UUID(int=1), "is_mine": True, "person_address": DANA.address, "quote": "I'll send it.", "title": "Send it", "message_id": "<2@x>",
            "thread_key": "<1@x>", "said_at": said, "due_at": at(5, "23:59"), "due_is_all_day": True, "created_at": said,
        }
    )  # fmt: skip
    answer = Task.model_validate(
        {
            "id": UUID(int=9), "organization_id": UUID(int=8), "title": "Answer Dana", "kind": "reply", "execution_type": "semi_automated",
            "execution_status": "pending", "source": "mail", "source_ref": {"thread_key": "<1@x>", "message_id": "<1@x>"}, "created_at": said,
            "updated_at": said,
        }
    )  # fmt: skip
    now = situation(now=at(5, "10:00"), commitments=[mine], tasks=[answer])
    assert len(list(promises.find(now))) == 1
    send = answer.model_copy(update={"kind": "errand"})
    assert list(promises.find(situation(now=at(5, "10:00"), commitments=[mine], tasks=[send]))) == []
