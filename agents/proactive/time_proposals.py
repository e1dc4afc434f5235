"""Somebody proposes times in a mail for which no task was made."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from agents.proactive import meetings
from agents.proactive.situation import SeenMail, Situation
from agents.rules.free_times import OfferedTimes, weigh_times
from agents.rules.mail_signs import AWAY, CALENDAR_REPLY
from agents.rules.proposed_times import Proposal, read_proposal
from agents.rules.workflows.times_answer import say_slot
from tasks.models import Task
from tasks.nudges import Finding

FRESH = timedelta(days=7)
KNOWN, UNKNOWN = 0.75, 0.4
KEY = "time_proposal:"


def find(situation: Situation) -> Iterator[Finding]:
    """One finding for each whose last mail in a thread proposes times to the person, unanswered, and that no task is about."""
    last: dict[tuple[str, str], SeenMail] = {}
    for mail in situation.mails:
        if mail.is_from_me:
            last = {place: one for place, one in last.items() if place[0] != mail.thread_key}
        else:
            last[mail.thread_key, mail.sender.address] = mail
    for mail in last.values():
        if not _is_asked(mail, situation) or any(_is_about(task, mail) for task in situation.tasks):
            continue
        written_at = mail.sent_at.astimezone(situation.now.tzinfo)
        proposal = read_proposal(mail.text, written_at, subject=mail.subject)
        if proposal and not _is_over(proposal, situation):
            yield _finding(mail, proposal, situation)


def _is_asked(mail: SeenMail, situation: Situation) -> bool:
    """Was it written by a person, to this person, lately; and was it read for tasks?"""
    return (
        not mail.is_from_me
        and not situation.owner.is_me(mail.sender.address)
        and situation.now - FRESH <= mail.sent_at <= situation.now
        and mail.category is not None
        and mail.category != "noise"
        and not mail.suspicious
        and mail.auto_submitted in {"", "no"}
        and not AWAY.search(mail.subject)
        and not CALENDAR_REPLY.search(mail.subject)
        and any(situation.owner.is_me(one.address) for one in mail.to)
    )


def _is_about(task: Task, mail: SeenMail) -> bool:
    """Is a task about this mail, but the one that this rule made?"""
    ref = task.source_ref
    if ref.get("proposes_times"):
        return False
    return ref.get("message_id") == mail.message_id or (
        task.kind == "reply"
        and ref.get("thread_key") == mail.thread_key
        and str(ref.get("from") or mail.sender.address).casefold() == mail.sender.address
        and task.created_at >= mail.sent_at
    )


def _is_over(proposal: Proposal, situation: Situation) -> bool:
    return bool(proposal.options) and all((one.until or one.start) <= situation.now for one in proposal.options)


def _finding(mail: SeenMail, proposal: Proposal, situation: Situation) -> Finding:
    times = weigh_times(proposal, meetings.own_time(situation), situation.now)
    who, last = mail.sender.called, max((one.until or one.start for one in proposal.options), default=None)
    is_known = meetings.is_known(mail.sender, situation)
    why = f"{who} {'proposes times' if proposal.options else 'asks when you are free'} for {proposal.minutes} minutes. {_free(times)}"
    ref = {
        "message_id": mail.message_id,
        "thread_key": mail.thread_key,
        "subject": mail.subject,
        "from": mail.sender.address,
        **situation.account_of(mail.thread_key),
    }
    return Finding(
        key=f"{KEY}{mail.message_id}"[:300],
        kind="time_proposal",
        title=f"Answer {who}: {mail.subject or 'a time to meet'}"[:300],
        why=why[:2000],
        person=mail.sender.address,
        thread_key=mail.thread_key[:1000],
        source_ref=ref,
        expires_at=last,
        is_urgent=last is not None and last - situation.now <= timedelta(days=1),
        confidence=KNOWN if is_known else UNKNOWN,
        executes=is_known,  # what a stranger wants costs nothing unasked
        task=_task(mail, why, ref),
    )


def _free(times: OfferedTimes) -> str:
    if times.free:
        return f"{say_slot(times.free[0], german=False)} is free."
    return "None of them is free." if times.proposed else ""


def _task(mail: SeenMail, why: str, ref: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": f"Answer {mail.sender.called}: {mail.subject or 'a time to meet'}"[:300],
        "kind": "reply",
        "execution_type": "semi_automated",
        "priority": "medium",
        "recipient": mail.sender.address,
        "estimated_duration_minutes": 5,
        "ai_confidence": KNOWN,
        "ai_context": why[:2000],
        "source_ref": ref | {"references": [mail.message_id], "proposes_times": True},
    }
