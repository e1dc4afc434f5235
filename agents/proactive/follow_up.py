"""A meeting that is over and whose notes have come."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from agents.proactive import gatherings
from agents.proactive.situation import Meeting, SeenMail, Situation
from tasks.nudges import Finding

CONFIDENCE = 0.8
DAYS = 7


def find(situation: Situation) -> Iterator[Finding]:
    """One finding for each meeting of the last week with others whose notes lie in a mail, or in its description."""
    over = [one for one in gatherings.each_once(situation.meetings) if _is_over(one, situation)]
    with_mail: set[str] = set()
    for meeting, mail in gatherings.notes_by_meeting(over, situation.mails, situation.owner):
        with_mail.add(meeting.key)
        yield _finding(meeting, mail, situation)
    for meeting in over:
        if meeting.key not in with_mail and gatherings.holds_notes(meeting.description):
            yield _finding(meeting, None, situation)


def _is_over(meeting: Meeting, situation: Situation) -> bool:
    return (
        situation.now - timedelta(days=DAYS) <= meeting.ends_at <= situation.now
        and meeting.status != "cancelled"
        and not meeting.is_all_day
        and not gatherings.is_stand_up(meeting)
        and gatherings.is_attended_by(meeting, situation.owner)
        and bool(gatherings.others(meeting, situation.owner))
    )


def _finding(meeting: Meeting, mail: SeenMail | None, situation: Situation) -> Finding:
    title = f"Follow up: {meeting.title}"[:300]
    when = gatherings.say_when(meeting, situation.now)
    if mail is None:
        why = f"It was {when}, and its notes stand in the event."
    elif mail.is_from_me:
        why = f"It was {when}, and your notes went out on {mail.sent_at.astimezone(situation.now.tzinfo):%A}: “{mail.subject}”."
    else:
        why = f"It was {when}, and {mail.sender.called} has sent notes: “{mail.subject}”."
    ref: dict[str, Any] = {"event": gatherings.event_ref(meeting)}
    if mail is not None:
        ref |= {"message_id": mail.message_id, "thread_key": mail.thread_key}
    return Finding(
        key=f"follow_up:{meeting.key}",
        kind="follow_up",
        title=title,
        why=why[:2000],
        person=mail.sender.address[:320] if mail and not mail.is_from_me else None,
        thread_key=mail.thread_key[:1000] if mail else None,
        source_ref=ref,
        expires_at=meeting.ends_at + timedelta(days=DAYS),
        confidence=CONFIDENCE,
        executes=True,
        task={
            "title": title,
            "kind": "follow_up",
            "execution_type": "fully_automated",
            "due_at": (situation.end_of_next_working_day - timedelta(seconds=1)).isoformat(),
            "due_is_all_day": True,
            "estimated_duration_minutes": 15,
            "ai_confidence": CONFIDENCE,
            "ai_context": why[:2000],
            "source_ref": ref,
        },
    )
