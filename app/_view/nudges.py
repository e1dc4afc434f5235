"""Nudges in words, and where each leads."""

from dataclasses import dataclass

from tasks.attention import clock_words
from tasks.nudges import Attention, Mute, Nudge

KINDS = {
    "agenda": "Meetings without an agenda",
    "agenda_reply": "Answers to an agenda",
    "brief": "Briefs before meetings",
    "follow_up": "Follow-ups after meetings",
    "rsvp": "Invitations without an answer",
    "conflict": "Two things at one time",
    "travel": "When to leave",
    "time_proposal": "Times that others propose",
    "promise": "Your own promises",
    "unanswered": "Answers that others owe",
    "reminder": "Reminders",
    "preference": "Things to learn",
}
HELD = {
    "early": "its time has not come",
    "quiet": "it is quiet",
    "budget": "enough was told today",
    "confidence": "it is not certain enough; the digest tells it",
    "person": "enough was told about this person today; the digest tells it",
    "digest": "the digest of this morning tells it",
}
ENDED = {
    "acted": "useful",
    "dismissed": "not useful",
    "lapsed": "ran out",
    "settled": "settled by itself",
    "muted": "muted",
    "told": "open",
    "held": "held back",
}
DONE = {"completed": "Read it", "blocked": "Look at it", "failed": "See why it failed"}


@dataclass(frozen=True)
class Link:
    """Where a nudge leads: an address here, and the words of its button."""

    href: str
    words: str


def kind_words(kind: str) -> str:
    """The kind as people name it; the kind itself where it is none of ours."""
    return KINDS.get(kind, kind.replace("_", " "))


def link_of(nudge: Nudge) -> Link | None:
    """The draft, the task, or the page of what it is about; None where there is nothing to open."""
    task = nudge.task
    if task is not None:
        if task.open_draft_id:
            return Link(f"/review/{task.open_draft_id}", "Look at the draft")
        return Link(f"/tasks/{task.id}", DONE.get(task.execution_status, "Open the task"))
    source = nudge.source_ref
    if nudge.kind == "reminder" and source.get("task_id"):
        return Link(f"/tasks/{source['task_id']}", "Open the task")
    if nudge.kind == "preference":
        return Link("/settings/preferences", "Look at it")
    if source.get("commitment_id"):
        return Link("/commitments", "See the promise")
    if source.get("event") or source.get("events"):
        return Link("/calendar", "See the calendar")
    return None


def quiet_words(attention: Attention) -> str:
    """How quiet it is: "2 of 5 today; quiet from 20:00"."""
    rules = attention.rules
    told = f"{attention.told_today} of {rules.daily_nudges} today"
    if rules.proactive == "off":
        return "Nothing is brought up unasked: it is switched off"
    if attention.is_quiet:
        return f"{told}; quiet now" + (
            "" if rules.quiet_from == rules.quiet_until else f", until {clock_words(rules.quiet_until)}"
        )
    if rules.quiet_from == rules.quiet_until:
        return told
    return f"{told}; quiet from {clock_words(rules.quiet_from)}"


def mute_words(mute: Mute) -> str:
    """What is muted: "Briefs before meetings, about priya@vega.example"."""
    parts = [kind_words(mute.kind)] if mute.kind else []
    if mute.person:
        parts.append(f"about {mute.person}" if parts else f"All about {mute.person}")
    if mute.thread_key:
        parts.append("in one thread" if parts else "One thread")
    return ", ".join(parts)
