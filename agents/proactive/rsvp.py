"""An invitation that the person has not answered. What is suggested goes out only when they say so."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from agents.proactive import gatherings, meetings
from agents.proactive.situation import Meeting, Situation
from agents.rules.free_times import OwnTime, is_free, next_free
from agents.rules.workflows.times_answer import say_slot
from agents.rules.workflows.wording import is_german
from core.outside.calendar import Busy
from tasks.nudges import Finding

SOON, RESTED = timedelta(days=7), timedelta(days=1)
INVITES = re.compile(r"\b(?:invit\w+|einladung|eingeladen)\b", re.IGNORECASE)
OPTIONAL = re.compile(
    r"[(\[]\s*(?:optional|freiwillig|fyi|zur info)\b|^\W*(?:optional|fyi)\s*[:–-]", re.IGNORECASE
)  # come who like
KNOWN, UNKNOWN = 0.8, 0.4


def find(situation: Situation) -> Iterator[Finding]:
    """One finding for each invitation of somebody else that waits for an answer; of a series one for all of it.

    No two of them propose one time.
    """
    seen: set[str] = set()
    proposed: list[Busy] = []
    for meeting in situation.meetings:
        if _waits(meeting, situation) and (key := _key(meeting)) not in seen:
            seen.add(key)
            yield _finding(meeting, key, situation, proposed)


def _waits(meeting: Meeting, situation: Situation) -> bool:
    return (
        meeting.organizer is not None
        and bool(meeting.organizer.address)
        and not situation.owner.is_me(meeting.organizer.address)
        and meetings.is_unanswered(meeting)
        and meeting.status != "cancelled"
        and not OPTIONAL.search(meeting.title)
        and situation.now < meeting.starts_at
        and (meeting.starts_at <= situation.now + SOON or _has_rested(meeting, situation))
    )


def _has_rested(meeting: Meeting, situation: Situation) -> bool:
    """Did the invitation come by mail more than a day ago?"""
    return any(
        mail.sent_at <= situation.now - RESTED
        and meeting.organizer is not None
        and mail.sender.address == meeting.organizer.address
        and INVITES.search(mail.subject)
        and gatherings.is_about(meeting.title, mail.subject)
        for mail in situation.mails
    )


def _key(meeting: Meeting) -> str:
    return f"rsvp:{meeting.calendar}:{meeting.uid}"[:300] if meeting.is_recurring else f"rsvp:{meeting.key}"


def _finding(meeting: Meeting, key: str, situation: Situation, proposed: list[Busy]) -> Finding:
    who = meeting.organizer
    assert who is not None  # nosec B101 # narrows the type
    clashes = _clashes(meeting, situation)
    when, title = gatherings.say_when(meeting, situation.now), meeting.title or "(no title)"
    ref: dict[str, Any] = {"event": gatherings.event_ref(meeting)}
    is_known = meetings.is_known(who, situation)
    series = ", a series" if meeting.is_recurring else ""
    why = f"{who.called} invites you to “{title}”, {when}{series}; you have not answered. {_advice(clashes, is_known)}"
    return Finding(
        key=key,
        kind="rsvp",
        title=f"Answer the invitation: {title}"[:300],
        why=why[:2000],
        person=who.address,
        source_ref=ref,
        expires_at=meeting.starts_at,
        is_urgent=meeting.starts_at - situation.now <= timedelta(days=1),
        confidence=KNOWN if is_known else UNKNOWN,
        task=_task(meeting, clashes, why, ref, situation, proposed) if is_known else None,
    )


def _advice(clashes: list[Meeting], is_known: bool) -> str:
    if not is_known:
        return "You have not written with them before: an answer would tell them that your address is read."
    if clashes:
        return f"You have “{clashes[0].title}” then: decline, and propose another time?"
    return "You are free then: accept?"


def _clashes(meeting: Meeting, situation: Situation) -> list[Meeting]:
    """What the person has accepted, or holds, at that time; of a series at any of its times in sight."""
    own = [one for one in situation.meetings if one.uid == meeting.uid and one.calendar == meeting.calendar]
    times = own if meeting.is_recurring else [meeting]
    return [
        one
        for one in situation.meetings
        if meetings.is_firm(one)
        and not any(meetings.is_same(one, other) for other in times)
        and any(meetings.overlap(one, other) for other in times if not other.is_all_day)
    ]


def _task(
    meeting: Meeting,
    clashes: list[Meeting],
    why: str,
    ref: dict[str, Any],
    situation: Situation,
    proposed: list[Busy],
) -> dict[str, Any]:
    """The answer as an act that asks first; where no tool writes to its calendar, it is the person's."""
    answer = "declined" if clashes else "accepted"
    verb = "Decline" if clashes else "Accept"
    item: dict[str, Any] = {
        "title": f"{verb} the invitation: {meeting.title or '(no title)'}"[:300],
        "kind": "schedule",
        "execution_type": "manual",
        "priority": "medium",
        "due_at": meeting.starts_at.isoformat(),
        "due_is_all_day": False,
        "estimated_duration_minutes": 2,
        "ai_confidence": KNOWN,
        "ai_context": why[:2000],
        "source_ref": ref,
    }
    if not meetings.is_written(meeting, situation):
        return item
    given: dict[str, Any] = {"action": "respond", "event_id": meetings.event_id(meeting), "answer": answer}
    if meeting.is_recurring:
        given["scope"] = "all"
    if clashes:
        given["comment"] = _comment(meeting, situation, proposed)
    return item | {"execution_type": "semi_automated", "tool": "calendar_event", "tool_input": given}


def _comment(meeting: Meeting, situation: Situation, proposed: list[Busy]) -> str:
    """A word with the no: nothing of what stands there instead, and when it would do, which is added to what is proposed."""
    german = is_german(f"{meeting.title}\n{meeting.description[:500]}")
    minutes = min(int((meeting.ends_at - meeting.starts_at).total_seconds() // 60), 480)
    own = meetings.own_time(situation, without=[meeting])
    busy = OwnTime(own.hours, (*own.busy, *proposed))
    slots = (
        next_free(busy, max(situation.now, meeting.starts_at), minutes, 1)
        if minutes > 0 and not meeting.is_all_day
        else []
    )
    free = [
        at for at in slots if is_free(at, at + timedelta(minutes=minutes), [Busy(meeting.starts_at, meeting.ends_at)])
    ]
    proposed += [Busy(at, at + timedelta(minutes=minutes)) for at in free]
    then = f" {say_slot(free[0], german=german)}" if free else ""
    if german:
        return "Zu dieser Zeit habe ich schon einen Termin." + (f"{then} würde mir passen." if then else "")
    return "I have another appointment at that time." + (f"{then} would suit me." if then else "")
