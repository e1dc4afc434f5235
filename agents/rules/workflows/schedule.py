"""Proposing a time by mail. The calendar is not looked at and nothing is booked."""

import re
from datetime import datetime

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


def decide(context: TaskContext, now: datetime) -> Immediate | Blocked:
    """A mail that proposes the time of the task, or asks for one; Blocked when there is no address to write to."""
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
    if task.due_at and task.due_at <= now:
        return Blocked(
            reason="The time in the task is over", unblocked_by="Give the task a new date, then execute it again"
        )
    what = WHAT.search(ADDRESS.sub("", task.title))
    thing = what["what"] if what else ("Termin" if german else "meeting")
    about = ABOUT.search(ADDRESS.sub("", task.title))
    topic = about["about"].strip(" .") if about else ""
    subject, paragraph = _words(context, thing, topic, german)
    draft = letter(context, recipient, subject, [paragraph], german=german)
    return Immediate(
        output=draft.body,
        format="text",
        confidence=0.7 if task.due_at else 0.5,
        draft=draft,
        message="A proposal by mail; no calendar was looked at and nothing is booked",
    )


def _words(context: TaskContext, thing: str, topic: str, german: bool) -> tuple[str, str]:
    due = context.task.due_at
    with_time = not context.task.due_is_all_day
    when = say_date(due, german=german, with_time=with_time) if due else ""
    if due and with_time and zone_name(due):
        when += f" ({zone_name(due)})"
    if german:
        on = f" zu {topic}" if topic else ""
        subject = f"Terminvorschlag{f': {topic}' if topic else ''}"
        ask = f"Würde {when} passen?" if when else "Welche Zeiten würden passen?"
        return subject, f"ich möchte gern Folgendes vereinbaren: {thing}{on}. {ask}"
    on = f" about {topic}" if topic else ""
    ask = f"Would {when} suit you?" if when else "Which times would suit you?"
    article = "an" if re.match(r"[aeiou]|8|11|18", thing, re.IGNORECASE) else "a"
    return f"{capitalised(thing)}{on}", f"I would like to arrange {article} {thing} with you{on}. {ask}"
