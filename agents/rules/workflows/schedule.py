"""Proposing a time by mail: those that `find_time` found on the calendar before, else the one of the task. Nothing is booked."""

import ast
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from agents.rules.workflows import moving
from agents.rules.workflows.letter import letter, recipient_of
from agents.rules.workflows.wording import capitalised, is_german, say_date, zone_name
from agents.strategist import ADDRESS, Blocked, Immediate, TaskContext

WHAT = re.compile(
    r"\b(?P<what>(?:\d+[- ]?(?:minutes?|mins?|hours?|h)\s+)?(?:(?:video|phone|zoom|team|project|kick-?off|status|follow-up|review|planning|intro)\s+)?"
    r"(?:call|meeting|chat|sync|catch-?up|coffee|lunch|dinner|interview|demo|workshop|appointment|review|session|termin|besprechung|treffen|telefonat|gespräch))\b",
    re.IGNORECASE,
)
ABOUT = re.compile(
    r"\b(?:about|regarding|to discuss|to talk about|on the topic of|über|zum thema|wegen|bezüglich)\s+(?P<about>.+)$",
    re.IGNORECASE,
)
WITH = re.compile(r"\b(?:with|mit)\s+(?P<who>.+)$", re.IGNORECASE)
MOST_SLOTS = 4
LONGEST_OUTPUT = 50_000


def decide(context: TaskContext, now: datetime) -> Immediate | Blocked:
    """A mail that proposes the time of the task, or asks for one; Blocked when there is no address to write to."""
    if move := moving.move_of(context):
        return moving.decide(context, move, now)
    task = context.task
    german = is_german(task.title)
    who = WITH.search(task.title)
    recipient = recipient_of(context, who["who"] if who else "")
    if not recipient.address:
        whom = f" or an address for {recipient.name}" if recipient.name else ""
        return Blocked(
            reason=f"Requires access to a calendar{whom}",
            unblocked_by="Add the address to the task to have a mail drafted, or book it yourself and tick it off",
            message="No calendar that books is connected",
        )
    slots = found_slots(context, now)
    if not slots and task.due_at and task.due_at <= now:
        return Blocked(
            reason="The time in the task is over", unblocked_by="Give the task a new date, then execute it again"
        )
    what = WHAT.search(ADDRESS.sub("", task.title))
    thing = what["what"] if what else ("Termin" if german else "meeting")
    about = ABOUT.search(ADDRESS.sub("", task.title))
    topic = about["about"].strip(" .") if about else ""
    subject, paragraph = _words(context, thing, topic, german, slots)
    draft = letter(context, recipient, subject, [paragraph], german=german)
    seen = "with times that were found on the calendar" if slots else "no calendar was looked at"
    return Immediate(
        output=draft.body,
        format="text",
        confidence=0.8 if slots else 0.7 if task.due_at else 0.5,
        draft=draft,
        message=f"A proposal by mail; {seen} and nothing is booked",
    )


def found_slots(context: TaskContext, now: datetime) -> list[datetime]:
    """When the times begin that `find_time` found for a task before this one; those still to come, in its order."""
    for _, output in context.outputs:
        found = _mapping(output)
        slots = found.get("slots")
        if "summary" not in found or not isinstance(slots, list):
            continue
        starts = [_moment(slot) for slot in cast("list[object]", slots)]
        return [at.astimezone(now.tzinfo) for at in starts if at and at > now][:MOST_SLOTS]
    return []


def _mapping(output: str) -> Mapping[str, Any]:
    """An output that was a mapping before it became text; empty for any other."""
    if not output.startswith("{") or len(output) > LONGEST_OUTPUT:
        return {}
    try:
        value: object = ast.literal_eval(output)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {}
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _moment(slot: object) -> datetime | None:
    start = cast("Mapping[str, object]", slot).get("start") if isinstance(slot, dict) else None
    try:
        at = datetime.fromisoformat(str(start))
    except ValueError:
        return None
    return at if at.tzinfo else None


def _words(context: TaskContext, thing: str, topic: str, german: bool, slots: Sequence[datetime]) -> tuple[str, str]:
    due = context.task.due_at
    when = _in_words(due, german, with_time=not context.task.due_is_all_day) if due and not slots else ""
    listed = "".join(f"\n- {_in_words(at, german, with_time=True)}" for at in slots)
    if german:
        on = f" zu {topic}" if topic else ""
        subject = f"Terminvorschlag{f': {topic}' if topic else ''}"
        ask = f"Würde {when} passen?" if when else "Welche Zeiten würden passen?"
        ask = f"Würde eine dieser Zeiten passen?{listed}" if slots else ask
        return subject, f"ich möchte gern Folgendes vereinbaren: {thing}{on}. {ask}"
    on = f" about {topic}" if topic else ""
    ask = f"Would {when} suit you?" if when else "Which times would suit you?"
    ask = f"Would one of these times suit you?{listed}" if slots else ask
    article = "an" if re.match(r"[aeiou]|8|11|18", thing, re.IGNORECASE) else "a"
    return f"{capitalised(thing)}{on}", f"I would like to arrange {article} {thing} with you{on}. {ask}"


def _in_words(at: datetime, german: bool, *, with_time: bool) -> str:
    zone = zone_name(at) if with_time else ""
    return say_date(at, german=german, with_time=with_time) + (f" ({zone})" if zone else "")
