"""A meeting of one's own that begins soon and has no agenda."""

from collections.abc import Iterator
from typing import Any

from agents.proactive import gatherings
from agents.proactive.situation import Meeting, Situation
from tasks.nudges import Finding

CONFIDENCE = 0.85


def find(situation: Situation) -> Iterator[Finding]:
    """One finding for each meeting before the end of the next working day that the person holds for others without an agenda."""
    for meeting in gatherings.each_once(situation.meetings):
        if _lacks_agenda(meeting, situation):
            yield _finding(meeting, situation)


def _lacks_agenda(meeting: Meeting, situation: Situation) -> bool:
    owner = situation.owner
    return (
        gatherings.is_to_come(meeting, situation)
        and gatherings.is_organized_by(meeting, owner)
        and bool(gatherings.others(meeting, owner))
        and not gatherings.is_stand_up(meeting)
        and not gatherings.is_standing_talk(meeting, owner)
        and not gatherings.wants_no_agenda(meeting)
        and not gatherings.holds_agenda(meeting.description)
        and gatherings.sent_agenda(meeting, owner, situation.mails, situation.now) is None
    )


def _finding(meeting: Meeting, situation: Situation) -> Finding:
    count = len(gatherings.others(meeting, situation.owner))
    when = gatherings.say_when(meeting, situation.now)
    who = "1 other" if count == 1 else f"{count} others"
    title = f"Draft meeting agenda: {meeting.title}"[:300]
    why = f"{when[:1].upper()}{when[1:]}, {who}, no agenda in the invitation."
    ref: dict[str, Any] = {"event": gatherings.event_ref(meeting)}
    return Finding(
        key=f"agenda:{meeting.key}",
        kind="agenda",
        title=title,
        why=why,
        source_ref=ref,
        expires_at=meeting.starts_at,
        is_urgent=meeting.starts_at.date() == situation.now.date(),
        confidence=CONFIDENCE,
        executes=True,
        task={
            "title": title,
            "kind": "agenda",
            "execution_type": "fully_automated",
            "priority": "high" if meeting.starts_at.date() == situation.now.date() else "medium",
            "due_at": meeting.starts_at.isoformat(),
            "due_is_all_day": False,
            "estimated_duration_minutes": 15,
            "ai_confidence": CONFIDENCE,
            "ai_context": why,
            "source_ref": ref,
        },
    )
