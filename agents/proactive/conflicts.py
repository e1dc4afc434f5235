"""Two things at one time, or too little time between two places."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations
from typing import Any

from agents.proactive import gatherings, meetings, travel
from agents.proactive.situation import Meeting, Person, Situation
from agents.rules.free_times import next_free
from agents.rules.workflows.times_answer import say_slot
from tasks.nudges import Finding

AHEAD, SOON = timedelta(days=7), timedelta(days=1)
CONFIDENCE = 0.85
MOST_FINDINGS = 20


def find(situation: Situation) -> Iterator[Finding]:
    """One finding for each pair of meetings of the next week that cannot both be kept; of two series one for all."""
    seen: set[str] = set()
    for one, other in _pairs(situation):
        if (key := key_of(one, other)) not in seen and len(seen) < MOST_FINDINGS:
            seen.add(key)
            yield _finding(one, other, key, situation)
    for before, after, minutes in travel.too_late(situation):
        if (key := key_of(before, after)) not in seen:
            seen.add(key)
            yield _of_travel(before, after, minutes, key, situation)


def key_of(one: Meeting, other: Meeting) -> str:
    """Names the pair, in whichever order; of two series as such."""
    is_series = one.is_recurring and other.is_recurring
    names = sorted(f"{each.calendar}:{each.uid}" if is_series else each.key for each in (one, other))
    return f"conflict:{hashlib.sha256('|'.join(names).encode()).hexdigest()[:40]}"


def _pairs(situation: Situation) -> Iterator[tuple[Meeting, Meeting]]:
    """In order of time; a copy of an event in another calendar counts once."""
    now = situation.now
    firm: list[Meeting] = []
    for meeting in situation.meetings:
        is_near = meeting.ends_at > now and meeting.starts_at <= now + AHEAD
        if not is_near or not meetings.is_firm(meeting) or meetings.is_hold(meeting, situation):
            continue
        if not meetings.is_travel(meeting, situation) and not any(
            meetings.is_same(meeting, one) and meetings.overlap(meeting, one) for one in firm
        ):
            firm.append(meeting)
    for one, other in combinations(firm, 2):
        if (
            meetings.overlap(one, other)
            and max(one.starts_at, other.starts_at) > now
            and not meetings.is_same(one, other)
        ):
            yield one, other


def _finding(one: Meeting, other: Meeting, key: str, situation: Situation) -> Finding:
    moved, kept = _to_move(one, other, situation)
    when = gatherings.say_when(max(one, other, key=lambda each: each.starts_at), situation.now)
    overlap = int((min(one.ends_at, other.ends_at) - max(one.starts_at, other.starts_at)).total_seconds() // 60)
    why = (
        f"“{one.title}” and “{other.title}” are at one time, {when}, for {overlap} minutes. "
        f"Move “{moved.title}”: {_because(moved, kept, situation)}."
    )
    return _as_finding(one, other, moved, kept, key, why, situation)


def _of_travel(before: Meeting, after: Meeting, minutes: int, key: str, situation: Situation) -> Finding:
    moved, kept = _to_move(before, after, situation)
    place = meetings.place_of(after, situation)
    why = (
        f"You cannot be at both: “{before.title}” ends {before.ends_at:%H:%M}, and for “{after.title}” at {place}, "
        f"{gatherings.say_when(after, situation.now)}, you have to leave {minutes} minutes before it begins. "
        f"Move “{moved.title}”: {_because(moved, kept, situation)}."
    )
    found = _as_finding(before, after, moved, kept, key, why, situation)
    return found.model_copy(update={"tell_at": after.starts_at - SOON})


def _to_move(one: Meeting, other: Meeting, situation: Situation) -> tuple[Meeting, Meeting]:
    """Which of the two to move, and which to keep: what the person organizes, then what fewer outsiders, fewer people come to."""

    def weight(meeting: Meeting) -> tuple[bool, int, int, float]:
        people = gatherings.others(meeting, situation.owner)
        is_own = gatherings.is_organized_by(meeting, situation.owner)
        return not is_own, len(meetings.outsiders(meeting, situation)), len(people), -meeting.starts_at.timestamp()

    moved, kept = sorted((one, other), key=weight)
    return moved, kept


def _because(moved: Meeting, kept: Meeting, situation: Situation) -> str:
    owner = situation.owner
    if gatherings.is_organized_by(moved, owner) and not gatherings.is_organized_by(kept, owner):
        return "it is yours to move"
    if len(meetings.outsiders(moved, situation)) < len(meetings.outsiders(kept, situation)):
        return "fewer people from outside come to it"
    return (
        "fewer people come to it"
        if len(_others(moved, situation)) < len(_others(kept, situation))
        else "it begins later"
    )


def _others(meeting: Meeting, situation: Situation) -> list[Person]:
    return gatherings.others(meeting, situation.owner)


def _as_finding(
    one: Meeting, other: Meeting, moved: Meeting, kept: Meeting, key: str, why: str, situation: Situation
) -> Finding:
    first = min(one.starts_at, other.starts_at)
    ref: dict[str, Any] = {"event": gatherings.event_ref(moved), "other_event": gatherings.event_ref(kept)}
    return Finding(
        key=key,
        kind="conflict",
        title=f"At one time: {one.title} and {other.title}"[:300],
        why=why[:2000],
        source_ref=ref,
        expires_at=max(one.starts_at, other.starts_at),
        is_urgent=first - situation.now <= SOON,
        confidence=CONFIDENCE,
        task=_task(moved, kept, why, ref, situation),
    )


def _task(moved: Meeting, kept: Meeting, why: str, ref: dict[str, Any], situation: Situation) -> dict[str, Any]:
    """A mail that proposes another time to those who come, where it is the person's to move; else theirs to decide."""
    item: dict[str, Any] = {
        "title": f"Decide between “{moved.title[:100]}” and “{kept.title[:100]}”",
        "kind": "errand",
        "execution_type": "manual",
        "priority": "high" if moved.starts_at - situation.now <= SOON else "medium",
        "due_at": max(min(moved.starts_at, kept.starts_at), situation.now).isoformat(),
        "due_is_all_day": False,
        "estimated_duration_minutes": 5,
        "ai_confidence": CONFIDENCE,
        "ai_context": why[:2000],
        "source_ref": ref,
    }
    people = [one.address for one in _others(moved, situation) if "@" in one.address]
    if not gatherings.is_organized_by(moved, situation.owner):
        return item
    slot = _slot(moved, situation)
    if not people or slot is None:
        then = f" to {say_slot(slot, german=False)}" if slot else ""
        return item | {"title": f"Move “{moved.title[:150]}”{then}"}
    return (
        item
        | {
            "title": f"Propose another time for “{moved.title[:150]}”: {say_slot(slot, german=False)}",
            "kind": "schedule",
            "execution_type": "semi_automated",
            "recipient": ", ".join(people[:20]),
            "description": (  # what the mail may say: not what stands there instead
                f"“{moved.title[:300]}” is on {say_slot(moved.starts_at, german=False)} and cannot be kept then. "
                f"Ask those who come whether {say_slot(slot, german=False)} would suit them instead."
            ),
            "source_ref": ref
            | {"move": {"to": slot.isoformat(), "from": moved.starts_at.isoformat(), "title": moved.title[:300]}},
        }
    )


def _slot(moved: Meeting, situation: Situation) -> Any:
    minutes = min(int((moved.ends_at - moved.starts_at).total_seconds() // 60), 480)
    after = max(situation.now + timedelta(hours=2), moved.starts_at)
    found = next_free(meetings.own_time(situation), after, minutes, 1) if minutes > 0 else []
    return found[0].astimezone(situation.now.tzinfo) if found else None
