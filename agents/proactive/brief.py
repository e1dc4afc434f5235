"""A meeting with people from outside that begins soon: who they are and what is open with them, on one page."""

from collections.abc import Iterator
from typing import Any

from agents.proactive import gatherings
from agents.proactive.situation import Meeting, Person, Situation
from tasks.nudges import Finding

CONFIDENCE = 0.8
CROWD = 12  # where more come, somebody speaks and the others listen


def find(situation: Situation) -> Iterator[Finding]:
    """One finding for each meeting before the end of the next working day that somebody from outside comes to, but no crowd."""
    for meeting in gatherings.each_once(situation.meetings):
        if not gatherings.is_to_come(meeting, situation) or gatherings.is_stand_up(meeting):
            continue
        if not gatherings.is_attended_by(meeting, situation.owner) or gatherings.is_private(meeting):
            continue
        guests = [one for one in gatherings.others(meeting, situation.owner) if situation.is_outside(one)]
        if 0 < len(guests) <= CROWD:
            yield _finding(meeting, guests, situation)


def _finding(meeting: Meeting, guests: list[Person], situation: Situation) -> Finding:
    when = gatherings.say_when(meeting, situation.now)
    title = f"Prepare brief: {meeting.title}"[:300]
    why = f"{when[:1].upper()}{when[1:]} with {gatherings.say_people(guests)} from outside."[:2000]
    ref: dict[str, Any] = {"event": gatherings.event_ref(meeting)}
    return Finding(
        key=f"brief:{meeting.key}",
        kind="brief",
        title=title,
        why=why,
        person=guests[0].address[:320] if len(guests) == 1 else None,
        source_ref=ref,
        expires_at=meeting.starts_at,
        is_urgent=meeting.starts_at.date() == situation.now.date(),
        confidence=CONFIDENCE,
        executes=True,
        task={
            "title": title,
            "kind": "brief",
            "execution_type": "fully_automated",
            "due_at": meeting.starts_at.isoformat(),
            "due_is_all_day": False,
            "estimated_duration_minutes": 10,
            "ai_confidence": CONFIDENCE,
            "ai_context": why,
            "source_ref": ref,
        },
    )
