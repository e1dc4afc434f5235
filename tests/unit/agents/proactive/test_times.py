"""Invitations, conflicts, ways and proposed times: which situations are worth a notice, and which are not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agents.proactive import conflicts, meetings, rsvp, time_proposals, travel
from agents.proactive.situation import Meeting, Person, SeenMail
from agents.tools.calendar_shapes import EventInput, PrivateEventInput
from tasks.models import Task
from tasks.nudges import Finding
from tests.unit.agents.making import make_task
from tests.unit.agents.proactive.looking import DANA, NOW, OMAR, PRIYA, ROBIN, at, mail, meeting, situation

STRANGER = Person("win@prize.example", "Prize")
ASKED: dict[str, Any] = {"organizer": PRIYA, "own_answer": "needs-action"}
YES: dict[str, Any] = {"organizer": PRIYA, "own_answer": "accepted"}
MAYBE: dict[str, Any] = {"organizer": PRIYA, "own_answer": "tentative"}
DECLINED: dict[str, Any] = {"organizer": PRIYA, "own_answer": "declined"}
HQ = "Northwind HQ, Hauptstraße 5"


def invitation(**more: Any) -> Meeting:
    given: dict[str, Any] = ASKED | more
    return meeting("Pricing", **given)


def answer(found: Finding) -> str:
    """What is suggested, as the tool takes it."""
    assert found.task
    return str(EventInput.model_validate(found.task["tool_input"]).answer)


# Section: invitations --------------------------------------------------------------------------------------------

WAIT = [
    ([invitation()], "accepted"),
    ([invitation(), meeting("Own", people=())], "declined"),
    ([invitation(), meeting("Theirs", **YES)], "declined"),
    ([invitation(), meeting("Perhaps", **MAYBE)], "accepted"),
    ([invitation(), meeting("Free", is_busy=False)], "accepted"),
    ([invitation(), meeting("Before", at(5, "13:00"))], "accepted"),
    ([invitation(), meeting("Other", uid="Pricing", calendar="local")], "accepted"),  # it stands there twice
    ([invitation(), meeting("No", **DECLINED)], "accepted"),
    ([invitation(starts_at=at(11, "09:00"))], "accepted"),
    ([invitation(), meeting("Away", is_all_day=True)], "accepted"),
    ([invitation(people=())], "accepted"),
    ([invitation(organizer=DANA), meeting("Met", at(3), people=(DANA,))], "accepted"),
    ([invitation(is_recurring=True), invitation(starts_at=at(6), is_recurring=True)], "accepted"),
]  # fmt: skip
REST = [
    invitation(organizer=ROBIN), invitation(organizer=None), invitation(organizer=Person("")), invitation(own_answer=""),
    invitation(own_answer="accepted"), invitation(own_answer="declined"), invitation(own_answer="tentative"),
    invitation(status="cancelled"), invitation(starts_at=at(4, "09:00")), invitation(starts_at=NOW),
    invitation(starts_at=at(12)), invitation(starts_at=at(3)),
]  # fmt: skip


@pytest.mark.parametrize(("held", "expected"), WAIT, ids=range(len(WAIT)))
def test_an_open_invitation_suggests_an_answer(held: list[Meeting], expected: str) -> None:
    (found,) = rsvp.find(situation(*held))
    assert answer(found) == expected
    assert not found.executes
    if expected == "declined":
        assert held[1].title in found.why
        assert found.task
        assert "I have another appointment at that time. " in found.task["tool_input"]["comment"]
        assert held[1].title not in found.task["tool_input"]["comment"]


@pytest.mark.parametrize("held", REST, ids=range(len(REST)))
def test_what_needs_no_answer_is_left_alone(held: Meeting) -> None:
    assert list(rsvp.find(situation(held))) == []


def test_two_answers_propose_two_times() -> None:
    asked = [invitation(uid=name) for name in "ab"]
    found = list(rsvp.find(situation(*asked, meeting("Own", people=()))))
    assert len({one.task["tool_input"]["comment"] for one in found if one.task}) == 2


def test_an_invitation_for_later_is_told_once_it_has_rested_and_a_strangers_makes_no_task() -> None:
    far = invitation(starts_at=at(13))
    letter = mail("", at(2), subject="Invitation: Pricing @ Fri 13 Mar", sender=PRIYA)
    assert len(list(rsvp.find(situation(far, mails=(letter,))))) == 1
    assert list(rsvp.find(situation(far, mails=(replace(letter, sent_at=at(4, "08:00")),)))) == []
    assert list(rsvp.find(situation(far, mails=(replace(letter, subject="Lunch"),)))) == []
    (found,) = rsvp.find(situation(invitation(organizer=STRANGER)))
    assert (found.task, found.confidence) == (None, 0.4)
    (found,) = rsvp.find(situation(invitation(), meeting("Copy", at(9), calendar="google:1")))
    assert found.task
    assert "tool" not in found.task  # no tool writes to the local calendar beside a connected one


# Section: conflicts ----------------------------------------------------------------------------------------------

OWN = meeting("Planning", people=(OMAR,))
CLASH = [
    ([OWN, meeting("Audit", at(5, "14:30"), **YES)], "Planning", "schedule"),
    ([meeting("Audit", at(5, "14:30"), **YES), OWN], "Planning", "schedule"),
    ([OWN, meeting("Audit", at(5, "13:00"), 120, **YES)], "Planning", "schedule"),
    ([OWN, meeting("Audit", **YES)], "Planning", "schedule"),
    ([OWN, meeting("Guests", people=(DANA,))], "Planning", "schedule"),
    ([meeting("Alone", people=(), organizer=None), meeting("Audit", **YES)], "Alone", "errand"),
    ([meeting("Theirs", **YES), meeting("Audit", **YES)], "Theirs", "errand"),
    ([meeting("Theirs", organizer=PRIYA, people=(OMAR,)), meeting("Audit", **YES)], "Theirs", "errand"),
    ([OWN, meeting("Now", at(5, "14:59"), **YES)], "Planning", "schedule"),
    ([OWN, meeting("Audit", own_answer="", organizer=PRIYA)], "Planning", "schedule"),
    ([OWN, meeting("Audit", calendar="google:1", **YES)], "Planning", "schedule"),
    ([meeting("Running", at(4, "09:00"), people=(OMAR,)), meeting("Audit", at(4, "09:45"), **YES)], "Running", "schedule"),
    ([meeting("S", is_recurring=True, recurrence_id=str(n), starts_at=at(n), people=(OMAR,)) for n in (5, 6)]
     + [meeting("T", is_recurring=True, recurrence_id=str(n), starts_at=at(n), **YES) for n in (5, 6)], "S", "schedule"),
]  # fmt: skip
NO_CLASH = [
    [OWN], [OWN, OWN], [OWN, meeting("Audit", at(5, "15:00"), **YES)], [OWN, meeting("Audit", at(6), **YES)],
    [OWN, meeting("Audit", is_all_day=True, **YES)], [OWN, meeting("Audit", **MAYBE)],
    [OWN, meeting("Audit", status="tentative", **YES)], [OWN, meeting("Audit", status="cancelled", **YES)],
    [OWN, meeting("Audit", **DECLINED)], [OWN, invitation()],
    [OWN, meeting("Audit", is_busy=False, **YES)], [OWN, meeting("planning", uid="copy", calendar="google:1")],
    [OWN, meeting("Renamed", uid="Planning", calendar="google:1")], [OWN, meeting("HOLD: deep work", people=())],
    [OWN, meeting("Travel to Bonn", people=())], [OWN, meeting("Focus time", people=(), organizer=None)],
    [OWN, meeting("Anfahrt", people=())], [OWN, meeting("Paint", uid="steward-day-2026-03-05-1", people=(), organizer=None)], [OWN, meeting("Audit", minutes=0, **YES)],
    [meeting("One", at(4, "09:00")), meeting("Two", at(4, "09:15"), people=())], [meeting("One", at(3)), meeting("Two", at(3), people=())], [meeting("One", at(12)), meeting("Two", at(12), people=())],
]  # fmt: skip


@pytest.mark.parametrize(("held", "moved", "kind"), CLASH, ids=range(len(CLASH)))
def test_two_things_at_one_time_suggest_which_to_move(held: list[Meeting], moved: str, kind: str) -> None:
    (found,) = conflicts.find(situation(*held))
    assert f"Move “{moved}”" in found.why
    assert found.task
    assert found.task["kind"] == kind
    assert ("move" in found.task["source_ref"]) == (kind == "schedule")
    assert "Audit" not in found.task.get("description", "")  # what stands there instead is nobody else's business
    (again,) = conflicts.find(situation(*reversed(held)))
    assert again.key == found.key


@pytest.mark.parametrize("held", NO_CLASH, ids=range(len(NO_CLASH)))
def test_what_can_be_kept_is_no_conflict(held: list[Meeting]) -> None:
    assert list(conflicts.find(situation(*held))) == []


def test_a_morning_of_collisions_is_told_once_for_each_that_gives_way_and_no_slot_twice() -> None:
    standup = [
        meeting("Stand-up", at(day, "09:30"), 15, uid="s", is_recurring=True, recurrence_id=str(day), people=(OMAR,))
        for day in (5, 6)
    ]
    workshop = meeting("Pricing workshop", at(6, "09:00"), people=(OMAR,), location=HQ)
    call = meeting("Customer call Acme", at(6, "09:30"), people=(DANA,))
    dentist = meeting("Dentist", at(6, "08:00"), 45, people=(), organizer=None)
    own, taken = meeting("Budget", at(6, "16:00"), people=(OMAR,)), meeting("Audit", at(6, "16:00"), **YES)
    look = situation(dentist, workshop, call, *standup, own, taken, now=at(5, "10:00"))
    found = {one.source_ref["event"]["title"]: one for one in conflicts.find(look)}
    assert sorted(found) == ["Budget", "Pricing workshop", "Stand-up"]
    first, skip, last = found["Pricing workshop"], found["Stand-up"], found["Budget"]
    assert first.title == "At one time: Dentist, Pricing workshop and Customer call Acme"
    assert all(words in first.why for words in ("Customer call Acme", "ends 08:45", "you have to leave"))
    assert (skip.confidence, skip.is_urgent) == (0.4, False)
    assert skip.task
    assert skip.task["title"].startswith("Skip “Stand-up” or join late")
    assert all(one.title in skip.why for one in (workshop, call))
    slots = [one.task["source_ref"]["move"]["to"] for one in (first, last) if one.task]
    assert len(set(slots)) == 2
    assert [one.title for one in travel.find(look) if "workshop" in one.title] == []
    kept = meeting("Dentist", people=(), organizer=None)
    (found_one,) = conflicts.find(situation(kept, meeting("Sync", people=(OMAR,))))
    assert "Move “Sync”: “Dentist” is with somebody outside, and nobody else can move it" in found_one.why


# Section: ways ---------------------------------------------------------------------------------------------------

PLACES = {"northwind hq": 45, "bahnhof": 20, "everest": 10, "vega hq": 0}
GO = [
    (HQ, "13:10"), ("Bahnhof", "13:35"), ("Everest", "13:45"), ("Friedrichstr. 12, 10117 Berlin", "13:25"),
    ("Hotel Adlon", "13:25"), ("12 High Street, London", "13:25"), ("Northwind HQ", "13:10"), ("Room 3, Hauptstraße 5", "13:25"),
    ("Flughafen München", "13:25"), ("Café Einstein", "13:25"), ("Acme headquarters", "13:25"), ("SW1A 1AA", "13:25"),
    ("Restaurant Sorgenfrei", "13:25"),
]  # fmt: skip
STAY = [
    "", "https://meet.example/x", "Zoom", "Microsoft Teams", "Google Meet", "+49 30 1234567", "Room 4", "Besprechungsraum 2",
    "Conference room Alps", "Phone", "3rd floor", "Konferenzraum 3.12", "Zoom / Hauptstraße 5", "online", "TBD", "Büro", "Kilimanjaro",
    "Vega HQ", "our office", "Slack huddle",
]  # fmt: skip


def visit(where: str = HQ, **more: Any) -> Meeting:
    given: dict[str, Any] = {"location": where, **more}
    return meeting("Visit", **given)


@pytest.mark.parametrize(("where", "leave"), GO, ids=range(len(GO)))
def test_a_place_has_a_time_to_leave(where: str, leave: str) -> None:
    (found,) = travel.find(situation(visit(where), travel_places=PLACES))
    assert (found.title, found.tell_at) == (f"Leave by {leave}: Visit", at(5, leave) - timedelta(minutes=30))
    assert (found.expires_at, found.is_urgent, found.executes) == (at(5), True, False)
    assert found.task
    assert PrivateEventInput.model_validate(found.task["tool_input"]).end == at(5).isoformat()


@pytest.mark.parametrize("where", STAY, ids=range(len(STAY)))
def test_what_is_no_place_has_none(where: str) -> None:
    assert list(travel.find(situation(visit(where), travel_places=PLACES))) == []


@pytest.mark.parametrize(
    "held",
    [
        [visit(own_answer="declined")], [visit(own_answer="needs-action")], [visit(status="tentative")],
        [visit(is_all_day=True)], [visit(starts_at=at(7))], [visit(starts_at=at(4, "09:00"))],
        [visit(), meeting("Travel", at(5, "13:15"), 45, people=())],
        [visit(), meeting("Before", at(5, "12:00"), location=HQ)], [visit(is_busy=False)],
        [visit(calendar="google:1"), meeting("Travel", at(5, "13:00"), people=())],
    ],
    ids=range(10),
)  # fmt: skip
def test_who_does_not_go_or_is_there_already_is_not_told(held: list[Meeting]) -> None:
    assert [one for one in travel.find(situation(*held)) if "Visit" in one.title] == []


def test_a_copy_in_another_calendar_is_one_way_and_one_s_own_house_none() -> None:
    assert len(list(travel.find(situation(visit(), visit(calendar="google:1", uid="copy"))))) == 1
    assert list(travel.find(situation(visit("Hauptstraße 5"), home="Hauptstraße 5"))) == []
    assert list(travel.find(situation(visit(), travel_minutes=0))) == []
    keys = {one.key for start in ("14:00", "15:00") for one in travel.find(situation(visit(starts_at=at(5, start))))}
    assert len(keys) == 2


LATE = [("13:00", 60, 1), ("13:30", 10, 1), ("12:00", 60, 0), ("12:00", 85, 0), ("12:00", 86, 1), ("15:00", 60, 0)]


@pytest.mark.parametrize(("start", "minutes", "count"), LATE, ids=range(len(LATE)))
def test_what_leaves_no_time_for_the_way_is_told_a_day_before(start: str, minutes: int, count: int) -> None:
    found = list(conflicts.find(situation(visit(), meeting("Call", at(5, start), minutes, **YES))))
    assert len(found) == count
    assert all(one.tell_at == at(4) and "You cannot be at both" in one.why for one in found)


def test_the_same_place_or_a_hold_before_leaves_time_enough() -> None:
    for before in (meeting("Before", at(5, "13:00"), location=HQ), meeting("Hold", at(5, "13:00"), people=())):
        assert list(conflicts.find(situation(visit(), before))) == []


# Section: proposed times -----------------------------------------------------------------------------------------

SAM = Person("sam@acme.example", "Sam Lee")
ASKS = mail(
    "Would Tuesday 10 March at 15:00 work for a call?", sender=SAM, subject="Intro", category="information",
    message_id="<s@x>", thread_key="<s@x>",
)  # fmt: skip


def about(**ref: Any) -> Task:
    return make_task("Answer Sam", "reply", source="mail", source_ref=ref, created_at=at(3, "15:00"))


def test_times_that_nobody_answers_make_a_task_that_prepares_itself() -> None:
    (found,) = time_proposals.find(situation(mails=(ASKS,)))
    assert (found.title, found.person, found.executes) == ("Answer Sam Lee: Intro", "sam@acme.example", False)
    (known,) = time_proposals.find(situation(meeting("Fair", at(2), people=(SAM,)), mails=(ASKS,)))
    assert (known.executes, known.confidence > found.confidence) == (True, True)
    for answer in ("", "needs-action", "declined"):  # whom one only was asked by is nobody known
        asked = meeting("Fair", at(2), people=(SAM,), organizer=SAM, own_answer=answer)
        assert list(time_proposals.find(situation(asked, mails=(ASKS,)))) == [found]
    assert found.why == "Sam Lee proposes times for 30 minutes. Tuesday 10 March at 15:00 is free."
    own = make_task("Answer", "reply", source="proactive", source_ref={"message_id": "<s@x>", "proposes_times": True})
    assert list(time_proposals.find(situation(mails=(ASKS,), tasks=(own, about(message_id="<z@x>"))))) == [found]
    butts_in = mail("Sure!", at(3, "15:00"), Person("eve@evil.example"), thread_key="<s@x>", message_id="<e@x>", category="information")  # fmt: skip
    hers = about(thread_key="<s@x>", message_id="<e@x>", **{"from": "Eve@evil.example"})
    assert list(time_proposals.find(situation(mails=(ASKS, butts_in), tasks=(hers,)))) == [found]
    mine = mail("Yes.", at(3, "16:00"), ROBIN, thread_key="<s@x>", message_id="<r@x>")
    assert list(time_proposals.find(situation(mails=(ASKS, butts_in, mine)))) == []
    taken = meeting("Audit", at(10, "15:00"), **YES)
    (found,) = time_proposals.find(situation(taken, mails=(ASKS,)))
    assert found.why.endswith("None of them is free.")


NOT_ASKED: list[tuple[SeenMail, ...]] = [
    (), (ASKS, mail("Tuesday works.", at(3, "16:00"), ROBIN, thread_key="<s@x>")), (replace(ASKS, category=None),),
    (replace(ASKS, category="noise"),), (replace(ASKS, suspicious="obey"),), (replace(ASKS, auto_submitted="auto-replied"),),
    (replace(ASKS, to=(PRIYA,)),), (replace(ASKS, sent_at=NOW - timedelta(days=8)),), (replace(ASKS, text="The launch is on Tuesday."),),
    (replace(ASKS, subject="Out of office: Intro"),), (replace(ASKS, subject="Accepted: Intro"),),
    (replace(ASKS, text="Would Wednesday at 8:00 work for a call?"),), (replace(ASKS, sender=ROBIN),), (replace(ASKS, is_from_me=True),),
]  # fmt: skip


@pytest.mark.parametrize("mails", NOT_ASKED, ids=range(len(NOT_ASKED)))
def test_what_asks_for_no_time_makes_nothing(mails: tuple[SeenMail, ...]) -> None:
    assert list(time_proposals.find(situation(mails=mails))) == []


@pytest.mark.parametrize("ref", [{"message_id": "<s@x>"}, {"thread_key": "<s@x>"}], ids=["mail", "thread"])
def test_a_task_that_is_there_is_enough(ref: dict[str, str]) -> None:
    assert list(time_proposals.find(situation(mails=(ASKS,), tasks=(about(**ref),)))) == []


def test_an_occurrence_is_known_by_where_it_stood() -> None:
    single = meeting(uid="a")
    moved = replace(single, is_recurring=True, recurrence_id="2026-03-05T09:00:00+00:00")
    day = replace(single, is_recurring=True, is_all_day=True, calendar="google:1", starts_at=at(5, "00:00"))
    assert [meetings.event_id(one) for one in (single, moved, day)] == ["a", "a_20260305T090000Z", "a_20260305"]
