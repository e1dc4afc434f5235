"""What came into a mailbox, kept, and the tasks in it found: exactly as from a mailbox file."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from agents.services.mail import Mailbox
from core.database import Caller
from core.outside.mail import DRAFTS, SPAM, TRASH, IncomingMail
from jobs.apart import problem_of
from jobs.outside.world import Given
from jobs.promises import keep_promises, settle_promises
from tasks import accounts, capture, mail
from tasks.functions import task_item
from tasks.models import ExtractedTask, Task

if TYPE_CHECKING:
    from agents.rules.mail import Owner
    from agents.rules.mail_records import CalendarSlot, MailForTriage, TriagedMail

log = structlog.get_logger()
LOOK_BACK, LOOK_AHEAD = timedelta(days=7), timedelta(days=60)
NOT_READ_FOR_TASKS = frozenset({SPAM, TRASH, DRAFTS})


@dataclass(frozen=True)
class TakenIn:
    """What a page of mail added."""

    messages_added: int
    tasks: tuple[Task, ...]


async def owner_of(caller: Caller, mailbox: Mailbox, address: str) -> "Owner":
    """Whose mailbox it is, for the rules: all addresses and names of the person."""
    from agents.rules.mail import Owner

    profile = await capture.get_profile(caller)
    own = [address, *(one.address for one in await mailbox.addresses())]
    names = {one.name for one in await mailbox.addresses() if one.name} | {str(profile.get("name") or "")}
    return Owner(tuple(dict.fromkeys(one.casefold() for one in own)), tuple(sorted(names - {""})))


async def take_in(
    given: Given, person: Caller, account: str, owner: "Owner", messages: Sequence[IncomingMail]
) -> TakenIn:
    """Keep messages of an account, and make the tasks in those that are new here; twice is once.

    A mail that is known brings its new labels alone: a task that was deleted does not come back when its mail is read.
    One that cannot be read for tasks is kept without any.
    """
    kept = [one for one in messages if SPAM not in one.labels]
    if not kept:
        return TakenIn(0, ())
    known = await accounts.list_known_mail(person, account, [one.message_id for one in kept])
    fresh = [one for one in kept if one.message_id not in known and not one.labels & NOT_READ_FOR_TASKS]
    own, given = frozenset(owner.addresses), await given.of(person)
    slots = await _slots(given, person) if fresh else []
    triaged = await asyncio.to_thread(_triage, fresh, given.clock.now(), owner, slots)  # a while, where there is much
    meant = {one.mail.message_id: one.triage for one in triaged}
    rows = [
        mail.mail_row(
            one,
            account,
            own,
            category=meant[one.message_id].category if one.message_id in meant else None,
            suspicious=meant[one.message_id].suspicious if one.message_id in meant else None,
        )
        for one in kept
    ]
    account_id = await _account_id(person, account) if fresh else None
    items = [
        mail_task(found, one, number, account_id)
        for one in fresh
        for number, found in enumerate(meant[one.message_id].tasks if one.message_id in meant else ())
    ]
    await keep_promises(person, triaged, owner, given.clock.now())
    result = await capture.import_mail(person, rows, items)
    if triaged:
        await settle_promises(person, given.clock.timezone, triaged)
    return TakenIn(result.messages_added, tuple(result.tasks))


def _triage(
    fresh: Sequence[IncomingMail], now: datetime, owner: "Owner", slots: Sequence["CalendarSlot"]
) -> list["TriagedMail"]:
    """What the mails mean together, without those that the rules cannot read."""
    from agents.rules.mail import triage_mailbox

    try:
        return triage_mailbox([for_triage(one) for one in fresh], now=now, me=owner, calendar=slots)
    except Exception as error:  # of whatever others wrote, one mail stops no mailbox: which one is it?
        log.warning("mails_not_read_together", count=len(fresh), error=problem_of(error))
    readable: list[MailForTriage] = []
    for message in fresh:
        try:
            one = for_triage(message)
            triage_mailbox([one], now=now, me=owner, calendar=slots)
            readable.append(one)
        except Exception as error:
            log.warning("mail_not_read_for_tasks", message_id=message.message_id[:200], error=problem_of(error))
    return triage_mailbox(readable, now=now, me=owner, calendar=slots)


def for_triage(message: IncomingMail) -> "MailForTriage":
    """The mail as the rules read it: what is new in it apart from what it quotes."""
    from agents.rules.mail_records import MailForTriage
    from integrations.mail.quotes import split_quoted

    new, quoted = split_quoted(message.text)
    return MailForTriage(
        message_id=message.message_id,
        thread_key=message.thread_key,
        in_reply_to=message.in_reply_to,
        from_address=message.sender.address,
        from_name=message.sender.name,
        to=tuple(one.address for one in message.to),
        cc=tuple(one.address for one in message.cc),
        people=tuple(one.name for one in [*message.to, *message.cc] if one.name),
        subject=message.subject,
        text=new,
        quoted=quoted,
        hidden_text=message.hidden_text,
        sent_at=message.sent_at,
        list_unsubscribe=message.list_unsubscribe,
        auto_submitted=message.auto_submitted,
        precedence=message.precedence,
        is_calendar_reply=message.is_calendar_reply,
    )


async def _account_id(person: Caller, mail_name: str) -> str | None:
    """The connected account whose mail has this name, so that an answer leaves from where the mail came in."""
    known = [one for one in await accounts.list_accounts(person) if one.mail_name == mail_name]
    return next(
        (str(one.id) for one in known if one.provider in accounts.MAIL_PROVIDERS and one.state == "connected"), None
    )


def mail_task(
    found: ExtractedTask, message: IncomingMail, number: int, account_id: str | None = None
) -> dict[str, Any]:
    """The new task for the `number`th finding in a message; the same message makes it no second time."""
    reference = {
        "message_id": message.message_id,
        "thread_key": message.thread_key,
        "references": [*message.references, message.message_id],
        "subject": message.subject,
        "from": message.sender.address,
        "quote": found.quote,
        "thread_id": message.thread,
    }
    if account_id:
        reference["account_id"] = account_id
    return task_item(found, source="mail", source_ref=reference, source_key=f"mail:{message.message_id}:{number}")


async def _slots(given: Given, person: Caller) -> list["CalendarSlot"]:
    from agents.rules.mail_records import CalendarSlot
    from integrations.calendar.ics import CalendarEntry
    from integrations.calendar.recurrence import all_occurrences

    now = given.clock.now()
    begin, end = now - LOOK_BACK, now + LOOK_AHEAD
    stored = await capture.list_calendar_events(person, end, begin)
    entries = [CalendarEntry.model_validate(event.model_dump(exclude={"id"})) for event in stored]
    return [CalendarSlot(one.entry.title, one.starts_at, one.entry.uid) for one in all_occurrences(entries, begin, end)]
