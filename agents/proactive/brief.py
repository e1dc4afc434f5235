"""A meeting with people from outside that begins soon: who they are and what is open with them, on one page."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from agents.proactive import gatherings
from agents.proactive.meetings import is_known
from agents.proactive.situation import Meeting, Person, Situation
from tasks.nudges import Finding

CONFIDENCE = 0.8
OF_STRANGERS = 0.4
CROWD = 12  # where more come, somebody speaks and the others listen


def find(situation: Situation) -> Iterator[Finding]:
    """One finding for each meeting before the end of the next working day that somebody from outside comes to, but no crowd.

    Of a series one a day. What strangers put into the calendar is told, and costs nothing until the person wants it.
    """
    answered = replace(situation, meetings=[one for one in situation.meetings if _is_wanted(one, situation)])
    seen: set[tuple[str, str, date]] = set()
    for meeting in gatherings.each_once(situation.meetings):
        if not gatherings.is_to_come(meeting, situation) or gatherings.is_stand_up(meeting):
            continue
        if not gatherings.is_attended_by(meeting, situation.owner) or gatherings.is_private(meeting):
            continue
        guests = [one for one in gatherings.others(meeting, situation.owner) if situation.is_outside(one)]
        of_day = (meeting.calendar, meeting.uid, meeting.starts_at.date())
        if 0 < len(guests) <= CROWD and of_day not in seen:
            seen.add(of_day)
            wanted = _is_wanted(meeting, situation) or any(is_known(one, answered) for one in _askers(meeting, guests))
            yield _finding(meeting, guests, situation, executes=wanted)


def _is_wanted(meeting: Meeting, situation: Situation) -> bool:
    """Does the person hold it, or have they said that they come?"""
    is_own = gatherings.is_organized_by(meeting, situation.owner)
    return is_own or meeting.own_answer in {"accepted", "tentative"}


def _askers(meeting: Meeting, guests: list[Person]) -> list[Person]:
    return [*guests, *([meeting.organizer] if meeting.organizer else [])]


def _finding(meeting: Meeting, guests: list[Person], situation: Situation, *, executes: bool) -> Finding:
    when = gatherings.say_when(meeting, situation.now)
    title = f"Prepare brief: {meeting.title}"[:300]
    why = f"{when[:1].upper()}{when[1:]} with {gatherings.say_people(guests)} from outside."[:2000]
    confidence = CONFIDENCE if executes else OF_STRANGERS
    # However often a series comes on a day, and wherever its occurrences are moved to: one a day.
    key = f"{meeting.calendar}:{meeting.uid}:{meeting.starts_at.date()}" if meeting.is_recurring else meeting.key
    ref: dict[str, Any] = {"event": gatherings.event_ref(meeting)}
    return Finding(
        key=f"brief:{key}"[:300],
        kind="brief",
        title=title,
        why=why,
        person=guests[0].address[:320] if len(guests) == 1 else None,
        source_ref=ref,
        expires_at=meeting.starts_at,
        is_urgent=meeting.starts_at.date() == situation.now.date(),
        confidence=confidence,
        executes=executes,
        task={
            "title": title,
            "kind": "brief",
            "execution_type": "fully_automated",
            "due_at": meeting.starts_at.isoformat(),
            "due_is_all_day": False,
            "estimated_duration_minutes": 10,
            "ai_confidence": confidence,
            "ai_context": why,
            "source_ref": ref,
        },
    )
