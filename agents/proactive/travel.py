"""When to leave for a meeting at a place, and what leaves no time to get there."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from agents.proactive import gatherings, meetings
from agents.proactive.situation import Meeting, Situation
from tasks.nudges import Finding

IN_SIGHT, AHEAD = timedelta(hours=36), timedelta(days=7)
SPARE, NOTICE = timedelta(minutes=5), timedelta(minutes=30)
STAYS = timedelta(hours=2)
CONFIDENCE = 0.8


def find(situation: Situation) -> Iterator[Finding]:
    """One finding for each meeting of the next day and a half that the person has to go to, told half an hour before they leave."""
    ways = [one for one in _ways(situation, IN_SIGHT) if not _is_blocked(one[0], one[2], situation)]
    told = {after.key for _, after, _ in too_late(situation)} if ways else set[str]()  # as a conflict, and once
    for meeting, place, minutes in ways:
        if meeting.key not in told:
            yield _finding(meeting, place, minutes, situation)


def too_late(situation: Situation) -> Iterator[tuple[Meeting, Meeting, int]]:
    """Pairs that leave no time for the way: what ends after one has to leave, the meeting at a place, the minutes needed."""
    for meeting, _, minutes in _ways(situation, AHEAD):
        leave_at = leave_by(meeting, minutes)
        for before in situation.meetings:
            is_before = before.starts_at < meeting.starts_at and leave_at < before.ends_at <= meeting.starts_at
            if (
                is_before
                and meetings.is_firm(before)
                and not meetings.is_hold(before, situation)
                and not meetings.is_travel(before, situation)
            ):
                yield before, meeting, minutes + int(SPARE.total_seconds() // 60)


def leave_by(meeting: Meeting, minutes: int) -> datetime:
    """When to leave for it, with five minutes to spare."""
    return meeting.starts_at - timedelta(minutes=minutes) - SPARE


def _ways(situation: Situation, ahead: timedelta) -> Iterator[tuple[Meeting, str, int]]:
    """Each firm meeting at a place within that time, with the place and the minutes to it; not where one already is."""
    now = situation.now
    seen: list[Meeting] = []
    for meeting in situation.meetings:
        is_near = now < meeting.starts_at <= now + ahead
        if not is_near or not meetings.is_firm(meeting) or meetings.is_hold(meeting, situation):
            continue
        place = meetings.place_of(meeting, situation)
        if (
            not place
            or meetings.is_travel(meeting, situation)
            or any(meetings.is_same(meeting, one) for one in seen if one.starts_at == meeting.starts_at)
        ):
            continue
        seen.append(meeting)
        minutes = meetings.minutes_to(place, situation)
        if minutes and not _is_there_already(meeting, place, situation):
            yield meeting, place, minutes


def _is_there_already(meeting: Meeting, place: str, situation: Situation) -> bool:
    """Is the last meeting before at the same place, and not long over?"""
    before = [
        one
        for one in situation.meetings
        if one is not meeting
        and meetings.is_firm(one)
        and one.starts_at < meeting.starts_at
        and one.ends_at + STAYS >= meeting.starts_at
    ]
    last = max(before, key=lambda one: one.ends_at, default=None)
    return last is not None and meetings.is_same_place(meetings.place_of(last, situation), place)


def _is_blocked(meeting: Meeting, minutes: int, situation: Situation) -> bool:
    """Has the person put the way on the calendar?"""
    leave_at = leave_by(meeting, minutes)
    return any(
        meetings.is_travel(one, situation) and one.ends_at > leave_at and one.starts_at < meeting.starts_at
        for one in situation.meetings
        if one is not meeting and one.status != "cancelled" and not one.is_all_day
    )


def _finding(meeting: Meeting, place: str, minutes: int, situation: Situation) -> Finding:
    leave_at = leave_by(meeting, minutes)
    ref: dict[str, Any] = {"event": gatherings.event_ref(meeting)}
    why = (
        f"“{meeting.title}” begins {gatherings.say_when(meeting, situation.now)} at {place}; "
        f"the way is taken to be {minutes} minutes, and 5 to spare."
    )
    return Finding(
        key=f"travel:{meeting.key}:{leave_at:%H%M}",  # another time to leave is told anew
        kind="travel",
        title=f"Leave by {leave_at:%H:%M}: {meeting.title}"[:300],
        why=why[:2000],
        source_ref=ref,
        tell_at=leave_at - NOTICE,
        expires_at=meeting.starts_at,
        is_urgent=True,
        confidence=CONFIDENCE,
        task=_task(meeting, place, leave_at, why, ref) if leave_at > situation.now else None,
    )


def _task(meeting: Meeting, place: str, leave_at: datetime, why: str, ref: dict[str, Any]) -> dict[str, Any]:
    """A private block on the own calendar, made when the person asks for it."""
    return {
        "title": f"Block travel time: {meeting.title}"[:300],
        "kind": "schedule",
        "execution_type": "fully_automated",
        "priority": "low",
        "due_at": leave_at.isoformat(),
        "due_is_all_day": False,
        "estimated_duration_minutes": 1,
        "ai_confidence": CONFIDENCE,
        "ai_context": why[:2000],
        "source_ref": ref,
        "tool": "private_event",
        "tool_input": {
            "action": "create",
            "title": f"Travel: {meeting.title}"[:200],
            "start": leave_at.isoformat(),
            "end": meeting.starts_at.isoformat(),
            "location": place[:500],
        },
    }
