"""Two things at one time, or too little time between two places."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import combinations, pairwise
from typing import Any

from agents.proactive import gatherings, meetings, travel
from agents.proactive.situation import Meeting, Person, Situation
from agents.rules.free_times import OwnTime, next_free
from agents.rules.workflows.times_answer import say_slot
from core.outside.calendar import Busy
from tasks.nudges import Finding

AHEAD, SOON = timedelta(days=7), timedelta(days=1)
CONFIDENCE, UNSURE = 0.85, 0.4
MOST_FINDINGS, MOST_PAIRS, MOST_NAMED = 20, 200, 5
ROUTINE = timedelta(minutes=30)
APPOINTMENT = re.compile(
    r"\b(?:dentist|doctor|physician|gp|dr\.?|hospital|clinic|surgery|physio\w*|therap\w+|checkup|check-up|vaccination|optician|hairdresser|haircut|barber|vet|notary"
    r"|solicitor|lawyer|school|kindergarten|daycare|nursery|parents'? evening|funeral|wedding|appointment|handover of keys|\w*arzt\w*|\w*ärztin|praxis|klinik\w*|krankenhaus"
    r"|impfung|vorsorge|friseur\w*|notar\w*|anwalt\w*|anwältin|schule|kita|elternabend|beerdigung|hochzeit|behörde|bürgeramt|amt|termin bei[m]?|handwerker|werkstatt)\b",
    re.IGNORECASE,
)
Pair = tuple[
    Meeting, Meeting, int
]  # what gives way, what stays, and the minutes of the way where that is what is missing


def find(situation: Situation) -> Iterator[Finding]:
    """One finding for each meeting of the next week that has to give way, with all that it cannot be kept beside.

    Of two series one for all. No two findings propose one slot.
    """
    groups: dict[str, list[Pair]] = {}
    seen: set[str] = set()
    for one, other, way in _pairs(situation):
        if (key := key_of(one, other)) not in seen:
            seen.add(key)
            moved, kept = _to_move(one, other, situation)
            groups.setdefault(moved.key, []).append((moved, kept, way))
    own = meetings.own_time(situation)
    taken = list(_offered(situation))
    for pairs in list(groups.values())[:MOST_FINDINGS]:
        moved = pairs[0][0]
        others = [Busy(moved.starts_at, moved.ends_at)]  # it cannot be kept there
        slot = _slot(moved, OwnTime(own.hours, (*own.busy, *taken, *others)), situation)
        if slot and gatherings.is_organized_by(moved, situation.owner) and not _is_routine(moved, situation):
            taken.append(Busy(slot, slot + (moved.ends_at - moved.starts_at)))
        yield _finding(pairs, slot, situation)


def key_of(*together: Meeting) -> str:
    """Names what stands against each other, in whichever order; of series as such."""
    is_series = all(each.is_recurring for each in together)
    names = sorted({f"{each.calendar}:{each.uid}" if is_series else each.key for each in together})
    return f"conflict:{hashlib.sha256('|'.join(names).encode()).hexdigest()[:40]}"


def _offered(situation: Situation) -> Iterator[Busy]:
    """Slots that an earlier look has proposed to others, in tasks that are still open."""
    for task in situation.tasks:
        move: Any = task.source_ref.get("move")
        if not isinstance(move, dict) or task.execution_status == "completed":
            continue
        try:
            start = datetime.fromisoformat(str(move["to"]))  # pyright: ignore[reportUnknownArgumentType]
        except (KeyError, ValueError):
            continue
        if start.tzinfo:
            yield Busy(start, start + timedelta(minutes=60))


def _pairs(situation: Situation) -> Iterator[tuple[Meeting, Meeting, int]]:
    """What shares time, in order, then what leaves no time for the way (in minutes)."""
    found = 0
    for one, other in _overlapping(situation):
        yield one, other, 0
        if (found := found + 1) >= MOST_PAIRS:
            return
    yield from travel.too_late(situation)


def _overlapping(situation: Situation) -> Iterator[tuple[Meeting, Meeting]]:
    """A copy of an event in another calendar counts once."""
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


def _is_routine(meeting: Meeting, situation: Situation) -> bool:
    """A short meeting that comes again at least every week: nobody moves one for something that overlaps."""
    if not meeting.is_recurring or meeting.ends_at - meeting.starts_at > ROUTINE:
        return False
    times = sorted(
        one.starts_at for one in situation.meetings if (one.calendar, one.uid) == (meeting.calendar, meeting.uid)
    )
    is_often = any(after - before <= timedelta(days=7, hours=1) for before, after in pairwise(times))
    return is_often or gatherings.is_stand_up(meeting)


def _is_appointment(meeting: Meeting, situation: Situation) -> bool:
    """The person's own, with somebody who is not invited here: a dentist, a school, whatever is marked private or elsewhere."""
    if _others(meeting, situation) or not gatherings.is_organized_by(meeting, situation.owner):
        return False
    is_elsewhere = bool(meetings.place_of(meeting, situation))
    return meeting.is_private or is_elsewhere or APPOINTMENT.search(meeting.title) is not None


def _to_move(one: Meeting, other: Meeting, situation: Situation) -> tuple[Meeting, Meeting]:
    """Which of the two gives way, and which stays.

    What is short and comes every week gives way; a private appointment stays. Else what the person organizes moves,
    then what fewer outsiders, fewer people come to.
    """

    def weight(meeting: Meeting) -> tuple[bool, bool, bool, int, int, float]:
        people = _others(meeting, situation)
        is_own = gatherings.is_organized_by(meeting, situation.owner)
        return (
            not _is_routine(meeting, situation),
            _is_appointment(meeting, situation),
            not is_own,
            len(meetings.outsiders(meeting, situation)),
            len(people),
            -meeting.starts_at.timestamp(),
        )

    moved, kept = sorted((one, other), key=weight)
    return moved, kept


def _finding(pairs: Sequence[Pair], slot: datetime | None, situation: Situation) -> Finding:
    moved, first_kept, _ = pairs[0]
    kept = [one for _, one, _ in pairs]
    is_routine = _is_routine(moved, situation)
    told = " ".join(_told(pair, situation) for pair in pairs[:MOST_NAMED])
    if len(pairs) > MOST_NAMED:
        told += f" And {len(pairs) - MOST_NAMED} more."
    why = f"{told} {_advice(moved, kept, situation)}"[:2000]
    ref: dict[str, Any] = {"event": gatherings.event_ref(moved), "other_event": gatherings.event_ref(first_kept)}
    together = sorted([moved, *kept], key=lambda one: (one.starts_at, one.title))
    first = together[0].starts_at
    overlapping = [one for _, one, way in pairs if not way]
    named = _in_a_row([one.title for one in together], "and")
    return Finding(
        key=key_of(moved, *kept),
        kind="conflict",
        title=f"{'At one time' if overlapping else 'Too little time between'}: {named}"[:300],
        why=why,
        source_ref=ref,
        tell_at=None if overlapping else max(moved.starts_at, first_kept.starts_at) - SOON,
        expires_at=max(max(moved.starts_at, one.starts_at) for one in kept),
        is_urgent=first - situation.now <= SOON and not is_routine,
        confidence=UNSURE if is_routine else CONFIDENCE,
        task=_skip(moved, why, ref, situation) if is_routine else _task(moved, kept, slot, why, ref, situation),
    )


def _told(pair: Pair, situation: Situation) -> str:
    """What stands against what, in a sentence."""
    moved, kept, way = pair
    one, other = sorted((moved, kept), key=lambda each: (each.starts_at, each.title))
    when = gatherings.say_when(other, situation.now)
    if way:
        ends = one.ends_at.astimezone(situation.now.tzinfo)
        return (
            f"You cannot be at both: “{one.title}” ends {ends:%H:%M}, and for “{other.title}” at "
            f"{meetings.place_of(other, situation)}, {when}, you have to leave {way} minutes before it begins."
        )
    overlap = int((min(one.ends_at, other.ends_at) - max(one.starts_at, other.starts_at)).total_seconds() // 60)
    return f"“{one.title}” and “{other.title}” are at one time, {when}, for {overlap} minutes."


def _advice(moved: Meeting, kept: Sequence[Meeting], situation: Situation) -> str:
    if _is_routine(moved, situation):
        return f"Skip “{moved.title}” this time, or join late: it comes again soon, so it is not moved."
    return f"Move “{moved.title}”: {_because(moved, kept[0], situation)}."


def _because(moved: Meeting, kept: Meeting, situation: Situation) -> str:
    owner = situation.owner
    if _is_appointment(kept, situation) and not _is_appointment(moved, situation):
        return f"“{kept.title}” is with somebody outside, and nobody else can move it"
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


def _in_a_row(titles: Sequence[str], word: str) -> str:
    """ "A, B and C"; of many the first few."""
    shown = [one[:100] for one in titles[:MOST_NAMED]]
    if len(titles) > MOST_NAMED:
        shown.append(f"{len(titles) - MOST_NAMED} more")
    return f"{', '.join(shown[:-1])} {word} {shown[-1]}" if len(shown) > 1 else shown[0]


def _skip(moved: Meeting, why: str, ref: dict[str, Any], situation: Situation) -> dict[str, Any]:
    """A word to those who wait, which is the person's to say."""
    return {
        "title": f"Skip “{moved.title[:150]}” or join late: {gatherings.say_when(moved, situation.now)}",
        "kind": "errand",
        "execution_type": "manual",
        "priority": "low",
        "due_at": max(moved.starts_at, situation.now).isoformat(),
        "due_is_all_day": False,
        "estimated_duration_minutes": 2,
        "ai_confidence": UNSURE,
        "ai_context": why,
        "source_ref": ref,
    }


def _task(
    moved: Meeting,
    kept: Sequence[Meeting],
    slot: datetime | None,
    why: str,
    ref: dict[str, Any],
    situation: Situation,
) -> dict[str, Any]:
    """A mail that proposes another time to those who come, where it is the person's to move; else theirs to decide."""
    item: dict[str, Any] = {
        "title": f"Decide between {_in_a_row([f'“{one.title[:100]}”' for one in (moved, *kept)], 'and')}"[:300],
        "kind": "errand",
        "execution_type": "manual",
        "priority": "high" if moved.starts_at - situation.now <= SOON else "medium",
        "due_at": max(min(one.starts_at for one in (moved, *kept)), situation.now).isoformat(),
        "due_is_all_day": False,
        "estimated_duration_minutes": 5,
        "ai_confidence": CONFIDENCE,
        "ai_context": why[:2000],
        "source_ref": ref,
    }
    people = [one.address for one in _others(moved, situation) if "@" in one.address]
    if not gatherings.is_organized_by(moved, situation.owner):
        return item
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


def _slot(moved: Meeting, own: OwnTime, situation: Situation) -> datetime | None:
    minutes = min(int((moved.ends_at - moved.starts_at).total_seconds() // 60), 480)
    after = max(situation.now + timedelta(hours=2), moved.starts_at)
    found = next_free(own, after, minutes, 1) if minutes > 0 else []
    return found[0].astimezone(situation.now.tzinfo) if found else None
