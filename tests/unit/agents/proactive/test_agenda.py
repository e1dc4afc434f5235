"""Which meetings lack an agenda."""

from dataclasses import replace
from typing import Any

import pytest

from agents.proactive import agenda
from agents.proactive.situation import Meeting, Person
from tests.unit.agents.proactive.looking import DANA, PRIYA, ROBIN, at, mail, meeting, situation


def titles(*meetings: Meeting, **more: Any) -> list[str]:
    return [one.title for one in agenda.find(situation(*meetings, **more))]


def test_a_meeting_of_ones_own_tomorrow_without_agenda_is_found_with_its_facts() -> None:
    (found,) = agenda.find(situation(meeting()))
    assert (found.title, found.why) == (
        "Draft meeting agenda: Quarterly review",
        "Thursday 14:00, 2 others, no agenda in the invitation.",
    )
    assert found.key == "agenda:local:Quarterly review:2026-03-05"
    assert (found.executes, found.is_urgent, found.expires_at) == (True, False, at(5))
    assert found.task is not None
    assert found.task["source_ref"]["event"]["title"] == "Quarterly review"


@pytest.mark.parametrize(
    ("title", "changes"),
    [
        pytest.param("Stand-up", {}, id="stand-up"),
        pytest.param("Daily scrum", {}, id="daily"),
        pytest.param("Check-in", {"minutes": 15}, id="short check-in"),
        pytest.param("Ana 1:1", {"minutes": 15}, id="short one to one"),
        pytest.param("Team", {"minutes": 20, "is_recurring": True}, id="short and weekly"),
        pytest.param("Lunch with Dana", {}, id="lunch"),
        pytest.param("Review", {"description": "#no-agenda"}, id="marked"),
        pytest.param("Review", {"description": "Keine Agenda nötig"}, id="marked in German"),
        pytest.param("Review", {"description": "<b>Agenda</b><ul><li>One</li></ul>"}, id="html"),
        pytest.param("Review", {"description": "Tagesordnung\nZahlen"}, id="Tagesordnung"),
        pytest.param("Review", {"description": "Agenda: numbers, hiring"}, id="in one line"),
        pytest.param("Review", {"description": "- numbers\n- hiring"}, id="list"),
        pytest.param("Review", {"description": "see https://docs.example/agenda-q1"}, id="link"),
        pytest.param("Review", {"is_all_day": True}, id="all day"),
        pytest.param("Review", {"status": "cancelled"}, id="cancelled"),
        pytest.param("Review", {"people": ()}, id="alone"),
        pytest.param("Review", {"people": (replace(DANA, answer="declined"),)}, id="all declined"),
        pytest.param("Review", {"people": (Person("a1@resource.calendar.google.com"),)}, id="a room"),
        pytest.param("Review", {"organizer": DANA}, id="of somebody else"),
        pytest.param("Review", {"starts_at": at(4, "09:00")}, id="begun"),
        pytest.param("Review", {"starts_at": at(6, "09:00")}, id="beyond the horizon"),
    ],
)
def test_none_is_wanted(title: str, changes: dict[str, Any]) -> None:
    assert titles(meeting(title, **changes)) == []


@pytest.mark.parametrize(
    ("description", "title"),
    [
        ("Agenda: tbd", "Review"),
        ("Agenda:\n", "Review"),
        ("Agenda follows", "Review"),
        ("No agenda yet", "Review"),
        ("Bring your laptop", "Agenda planning"),
        ("https://meet.example/abc", "Daytona review"),
        ("x" * 200_000, "🎉 Обзор"),
    ],
)
def test_one_is_wanted(description: str, title: str) -> None:
    assert len(titles(meeting(title, description=description))) == 1


def test_an_agenda_mailed_to_its_people_counts_and_somebody_elses_mail_does_not() -> None:
    words = "Agenda for the quarterly review: numbers"
    mine = mail(words, sender=ROBIN, to=(PRIYA,))
    assert titles(meeting(), mails=[mine]) == []
    assert len(titles(meeting(), mails=[mail(words)])) == 1
    assert len(titles(meeting(), mails=[replace(mine, to=(Person("sam@acme.example"),))])) == 1
    assert len(titles(meeting(), mails=[replace(mine, text="Agenda for the budget")])) == 1


def test_on_friday_monday_is_the_next_working_day() -> None:
    monday = meeting("Launch sync", at(9, "10:00"))
    assert titles(monday) == []
    assert titles(monday, now=at(6, "09:00")) == ["Draft meeting agenda: Launch sync"]
