"""Somebody answered an agenda that was sent, before its meeting: their points belong into it."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from agents.proactive import gatherings
from agents.proactive.situation import SeenMail, Situation
from tasks.models import Task
from tasks.nudges import Finding

CONFIDENCE = 0.75
SENT_DRAFT = re.compile(r"<(?P<draft>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@", re.IGNORECASE)
NOTHING = re.compile(
    r"^\W*(?:(?:many )?thanks?(?: you)?(?: so much| a lot)?|ok(?:ay)?|great|perfect|fine|looks? good|works for me|all good|see you(?: \w+)?|danke\w*"
    r"|vielen dank|passt|super|prima|alles klar|bis (?:dann|morgen)|noted|\+1|👍)\b[^\n?]{0,40}$",
    re.IGNORECASE,
)


def find(situation: Situation) -> Iterator[Finding]:
    """One finding for each meeting to come whose agenda was answered with something to put into it, sender and day.

    Of somebody who comes, or whom a mail of the person's in that thread went to; their newest answer counts.
    """
    threads = _threads(situation)
    newest: dict[str, tuple[Task, SeenMail]] = {}
    for mail in situation.mails:
        agenda = threads.get(mail.thread_key) or threads.get(_draft_in(mail.thread_key))
        if agenda is None or not _adds(mail) or _starts_at(agenda) <= max(situation.now, mail.sent_at):
            continue
        if mail.sender.address in _asked(agenda, mail, situation):
            day = mail.sent_at.astimezone(situation.now.tzinfo).date()
            newest[f"{agenda.id}:{day}:{mail.sender.address}"] = (agenda, mail)
    for key, (agenda, mail) in newest.items():
        yield _finding(key, agenda, mail)


def _asked(agenda: Task, answer: SeenMail, situation: Situation) -> set[str]:
    """Whose answer was asked for: who comes to the meeting, and who got the agenda."""
    event = _event(agenda)
    found = {
        person.address
        for meeting in situation.meetings
        if (meeting.calendar, meeting.uid) == (event.get("calendar"), event.get("uid"))
        for person in gatherings.others(meeting, situation.owner)
    }
    for mail in situation.mails:
        if mail.is_from_me and mail.thread_key == answer.thread_key and mail.sent_at <= answer.sent_at:
            found |= gatherings.people_of(mail)
    return found


def _threads(situation: Situation) -> dict[str, Task]:
    """The agendas that were sent, by the draft that was sent and by the thread of the mail as the provider has it."""
    agendas = {
        task.id: task for task in situation.tasks if task.kind == "agenda" and "agenda_task_id" not in task.source_ref
    }
    found: dict[str, Task] = {}
    for sending in situation.tasks:
        draft = _sent_draft(sending)
        agenda = agendas.get(sending.parent_task_id) if draft and sending.parent_task_id else None
        if draft is None or agenda is None:
            continue
        found[draft] = agenda
        subject = f"Agenda: {_event(agenda).get('title', '')},"
        own = [one for one in situation.mails if one.is_from_me and one.sent_at >= agenda.created_at]
        found |= {one.thread_key: agenda for one in own if one.subject.startswith(subject)}
    return found


def _draft_in(thread_key: str) -> str:
    """The draft that a Message-ID of ours was made of."""
    made = SENT_DRAFT.match(thread_key)
    return made["draft"].lower() if made else ""


def _sent_draft(task: Task) -> str | None:
    """The draft that a finished task has sent by mail."""
    if task.tool != "email_send" or task.execution_status != "completed":
        return None
    draft = task.tool_input.get("draft_id")
    return draft.lower() if isinstance(draft, str) else None


def _adds(mail: SeenMail) -> bool:
    """Does it say anything beyond thanks, and did a person write it?"""
    said = [line for line in mail.text.splitlines() if line.strip() and not line.lstrip().startswith(">")]
    is_by_person = not mail.is_from_me and not gatherings.is_by_machine(mail) and not mail.suspicious
    return is_by_person and bool(said) and not (len(said) < 4 and NOTHING.match(said[0]))


def _event(task: Task) -> Mapping[str, Any]:
    event: object = task.source_ref.get("event")
    return event if isinstance(event, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _starts_at(task: Task) -> datetime:
    try:
        return datetime.fromisoformat(str(_event(task).get("starts_at")))
    except ValueError:
        return task.created_at - timedelta(days=1)


def _finding(key: str, agenda: Task, mail: SeenMail) -> Finding:
    event = _event(agenda)
    title = f"Update agenda: {event.get('title', '')}"[:300]
    why = (
        f"{mail.sender.called} answered the agenda that was sent; a new version takes it in. It is not sent by itself."
    )
    ref: dict[str, Any] = {
        "event": dict(event),
        "message_id": mail.message_id,
        "thread_key": mail.thread_key,
        "agenda_task_id": str(agenda.id),
    }
    return Finding(
        key=f"agenda_reply:{key}"[:300],
        kind="agenda_reply",
        title=title,
        why=why[:2000],
        person=mail.sender.address[:320],
        thread_key=mail.thread_key[:1000],
        source_ref=ref,
        expires_at=_starts_at(agenda),
        confidence=CONFIDENCE,
        executes=True,
        task={
            "title": title,
            "kind": "agenda",
            "execution_type": "fully_automated",
            "due_at": _starts_at(agenda).isoformat(),
            "due_is_all_day": False,
            "estimated_duration_minutes": 10,
            "ai_confidence": CONFIDENCE,
            "ai_context": why[:2000],
            "source_ref": ref,
        },
    )
