"""Asking those who come to a meeting for another time: the task knows from when to when. Nothing is moved by it."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from agents.rules.workflows.letter import GIVEN_NAMES, Recipient, greeting, letter
from agents.rules.workflows.times_answer import clock_of, say_slot
from agents.rules.workflows.wording import is_german
from agents.strategist import ADDRESS, Blocked, Immediate, TaskContext

MOST_NAMED = 4


def move_of(context: TaskContext) -> Mapping[str, Any] | None:
    """What a task of the house's own says of a meeting to move: {title, from, to}; None for any other task."""
    move: object = context.task.source_ref.get("move") if context.task.source == "proactive" else None
    return cast("Mapping[str, Any]", move) if isinstance(move, dict) else None


def decide(context: TaskContext, move: Mapping[str, Any], now: datetime) -> Immediate | Blocked:
    """A mail to all who come that proposes the free time; Blocked where that is over."""
    to, before = (datetime.fromisoformat(str(move[name])).astimezone(now.tzinfo) for name in ("to", "from"))
    if min(to, before) <= now:
        return Blocked(
            reason="The time to propose it is over" if before > now else "The meeting has begun",
            unblocked_by="Write to the others yourself, or delete the task",
        )
    title = str(move.get("title") or "")
    german = is_german(title)
    was, then, clock = say_slot(before, german=german), say_slot(to, german=german), clock_of(to, german=german)
    if german:
        subject = f"Neuer Termin: {title}"
        text = f"zu „{title}“ ({was}) kann ich zur geplanten Zeit leider nicht. Würde stattdessen {then} passen{clock}?"
    else:
        subject = f"Another time for {title}"
        text = f"I am afraid I cannot keep “{title}” ({was}) at its time. Would {then} suit you instead{clock}?"
    people = list(dict.fromkeys(ADDRESS.findall(context.task.recipient or "")))
    only = Recipient(_first_name(context, people[0]), people[0]) if len(people) == 1 else Recipient()
    draft = letter(context, only, subject, [text], german=german)
    if len(people) > 1:
        body = draft.body.replace(greeting("", german=german), _greeting(context, people, german=german), 1)
        draft = draft.model_copy(update={"body": body})
    return Immediate(
        output=draft.body,
        format="text",
        confidence=0.75,
        draft=draft.model_copy(update={"to": people}),
        message="Asks for another time, which is free on your calendar. Nothing is moved yet",
    )


def _first_name(context: TaskContext, address: str) -> str:
    """As mail and calendar know it, else where the address begins with a first name; "" for neither."""
    known = context.known_names.get(address.casefold(), "").split(" ", maxsplit=1)[0]
    first = re.split(r"[._+-]", address.partition("@")[0].casefold())[0]
    return known or (first.capitalize() if first in GIVEN_NAMES else "")


def _greeting(context: TaskContext, people: Sequence[str], *, german: bool) -> str:
    """Few by first name, where each is known; else all at once."""
    names = [_first_name(context, one) for one in people]
    if len(names) > MOST_NAMED or not all(names):
        return "Hallo zusammen," if german else "Hello everyone,"
    said = f"{', '.join(names[:-1])} {'und' if german else 'and'} {names[-1]}"
    return f"{'Hallo' if german else 'Hello'} {said},"
