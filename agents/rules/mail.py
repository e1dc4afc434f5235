"""Tasks in mail, found by rules: what others ask of the owner, what is to be paid, what the owner promised.

Everything in a mail was written by others. It is read for what it asks of the owner, who decides; a mail that tries to
command the assistant is flagged and makes no task. Dates are read as the writer meant them: from the day of the mail.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from agents.rules.dates import find_dates
from agents.rules.mail_invoices import find_invoice
from agents.rules.mail_people import Owner
from agents.rules.mail_personal import read_personal_mail
from agents.rules.mail_records import (
    CalendarSlot,
    Category,
    Commitment,
    LinkedEvent,
    MailForTriage,
    MailTriage,
    TriagedMail,
)
from agents.rules.mail_requests import find_promise
from agents.rules.mail_signs import find_command, is_bulk, is_notice
from agents.rules.mail_tasks import Writer, invoice_task, promised_task, with_promise
from agents.rules.mail_text import read_mail_text
from tasks.models import ExtractedTask

__all__ = [
    "CalendarSlot",
    "Commitment",
    "LinkedEvent",
    "MailForTriage",
    "MailTriage",
    "Owner",
    "TriagedMail",
    "tasks_in_mail",
    "triage_mailbox",
]

STALE_AFTER = timedelta(days=30)


def tasks_in_mail(
    mail: MailForTriage, *, now: datetime, me: Owner, calendar: Sequence[CalendarSlot] = ()
) -> MailTriage:
    """What one mail means by itself. `now` is aware; results are in its zone.

    A mail of the owner's own makes no task, only commitments. A mail older than 30 days makes only tasks due later.
    """
    if now.tzinfo is None:
        raise ValueError(f"now must be aware, got {now.isoformat()}")
    seen = min(mail.sent_at, now + timedelta(days=1)).astimezone(now.tzinfo) if mail.sent_at else now
    if me.is_me(mail.from_address):
        return MailTriage("information", commitments=tuple(_commitments(mail, seen)))
    suspicious = find_command(mail.subject, f"{mail.text}\n{mail.quoted}", mail.hidden_text)
    if suspicious:
        return MailTriage("information", suspicious=suspicious)
    writer = Writer(mail.from_address, mail.from_name, mail.subject, seen)
    bulk = is_bulk(mail.from_address, mail.text, has_unsubscribe=mail.list_unsubscribe, precedence=mail.precedence)
    invoice = find_invoice(mail.subject, mail.text, seen)
    if invoice and (not bulk or (invoice.number and invoice.amount)):
        return MailTriage("needs_action", tasks=_timely([invoice_task(invoice, writer)], seen, now))
    if bulk:
        return MailTriage("noise")
    if is_notice(mail.subject, mail.text, is_calendar_reply=mail.is_calendar_reply, auto_submitted=mail.auto_submitted):
        return MailTriage("information")
    tasks, linked = read_personal_mail(mail, writer, me, calendar)
    timely = _timely(tasks, seen, now)
    return MailTriage(_category(timely), tasks=timely, linked_events=tuple(linked))


def _timely(tasks: Sequence[ExtractedTask], seen: datetime, now: datetime) -> tuple[ExtractedTask, ...]:
    if now - seen <= STALE_AFTER:
        return tuple(tasks)
    return tuple(task for task in tasks if task.due_at and task.due_at >= now)


def _commitments(mail: MailForTriage, seen: datetime) -> list[Commitment]:
    found: list[Commitment] = []
    for sentence in read_mail_text(mail.text).sentences:
        if find_promise(sentence.text):
            dates = find_dates(sentence.text, seen)
            due = next((date for date in dates if date.relation in {"by", "before"}), dates[0] if dates else None)
            found.append(
                Commitment(sentence.text, due.due_at if due else None, due_is_all_day=due.is_all_day if due else True)
            )
    return found


def triage_mailbox(
    mails: Sequence[MailForTriage], *, now: datetime, me: Owner, calendar: Sequence[CalendarSlot] = ()
) -> list[TriagedMail]:
    """What the mails of a mailbox mean together, in the order given.

    A thread that the owner answered makes no task; where the answer promises something, the task stays, due as
    promised. Of several reminders the last one counts. A message that stands there twice makes its tasks once.
    """
    found: dict[int, MailTriage] = {}
    threads: dict[str, list[int]] = {}
    thread_of: dict[str, str] = {}
    for position in sorted(range(len(mails)), key=lambda p: (_moment(mails[p], now), p)):
        mail = mails[position]
        if mail.message_id in thread_of:
            found[position] = MailTriage("information")
            continue
        parent = thread_of.get(mail.in_reply_to or "")
        thread_of[mail.message_id] = parent or mail.thread_key or mail.in_reply_to or mail.message_id
        threads.setdefault(thread_of[mail.message_id], []).append(position)
        found[position] = tasks_in_mail(mail, now=now, me=me, calendar=calendar)
    for positions in threads.values():
        _settle(positions, mails, found, now, me)
    return [TriagedMail(mail, found[position]) for position, mail in enumerate(mails)]


def _settle(
    positions: list[int], mails: Sequence[MailForTriage], found: dict[int, MailTriage], now: datetime, me: Owner
) -> None:
    """Go through a thread in order of time, and take from earlier mails what later ones settle."""
    for number, position in enumerate(positions):
        mail, earlier = mails[position], positions[:number]
        if not me.is_me(mail.from_address):
            if any(task.title.startswith("Answer ") for task in found[position].tasks):
                for before in earlier:
                    if mails[before].from_address == mail.from_address:
                        _keep(found, before, [t for t in found[before].tasks if not t.title.startswith("Answer ")])
            continue
        reached = {address.casefold() for address in (*mail.to, *mail.cc)}
        answered = [
            p for p in earlier if found[p].tasks and (not reached or mails[p].from_address.casefold() in reached)
        ]
        promises = found[position].commitments
        promise = next((p for p in promises if p.due_at), promises[0] if promises else None)
        for before in answered[:-1] if promise else answered:
            _keep(found, before, [])
        if promise and answered:
            _keep(found, answered[-1], [with_promise(task, promise) for task in found[answered[-1]].tasks])
        elif promise and promise.due_at and promise.due_at >= now and reached:
            _keep(found, position, [promised_task(promise, mail)])
        for before in earlier:
            if me.is_me(mails[before].from_address):
                _keep(found, before, [])  # a later word of the owner's replaces the earlier promise


def _keep(found: dict[int, MailTriage], position: int, tasks: Sequence[ExtractedTask]) -> None:
    before = found[position]
    if tuple(tasks) != before.tasks:
        category = before.category if before.suspicious else _category(tasks)
        found[position] = replace(before, tasks=tuple(tasks), category=category)


def _category(tasks: Sequence[ExtractedTask]) -> Category:
    if any(task.kind in {"reply", "schedule"} for task in tasks):
        return "needs_reply"
    return "needs_action" if tasks else "information"


def _moment(mail: MailForTriage, now: datetime) -> datetime:
    return mail.sent_at or now
