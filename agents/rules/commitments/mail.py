"""The promises of a mail: the person's own, and those that others make to them. Pure."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from agents.rules.commitments.finding import find_promises, read_promise
from agents.rules.mail_people import Owner, addressed_to_owner, first_names
from agents.rules.mail_records import MailForTriage, TriagedMail
from agents.rules.mail_signs import is_bulk, is_no_reply, is_notice
from agents.rules.mail_text import read_mail_text
from tasks.commitments import NewCommitment

LONGEST_QUOTE = 1_000
CLOCKS_DIFFER = timedelta(days=1)  # a mail that claims to be from later was sent now
SHARED_ADDRESS = re.compile(
    r"(?:[\w.-]*[._-])?(?:orders?|shop|store|shipping|delivery|versand|bestellung(?:en)?|service|kundenservice|kundendienst|customer\w*|support|help\w*|info|kontakt|contact|hello|billing|invoices?|accounts?|"
    r"bookings?|buchung(?:en)?|reservations?|tickets?|team|office|sales|admin|welcome|members?\w*|rechnung(?:en)?)\d*@",
    re.IGNORECASE,
)
IN_PERSON = re.compile(r"\bI\b|\b(?:[Ii]ch|[Ww]ir)\b|\b(?:[Ww]e)(?:['’]ll|\s+will)\s+(?:get|come)\s+back\b")
YOU, YOUR = re.compile(r"\byou\b"), re.compile(r"\byour\b")


def promises_in(triaged: TriagedMail, owner: Owner, now: datetime) -> Iterator[NewCommitment]:
    """The promises of one mail. Bulk, automatic and suspicious mail makes none, nor does what it quotes.

    Days are read from the day of the mail, in the zone of `now`.
    """
    mail = triaged.mail
    said_at = min(mail.sent_at, now + CLOCKS_DIFFER).astimezone(now.tzinfo) if mail.sent_at else now
    if owner.is_me(mail.from_address):
        yield from _own(mail, owner, said_at)
    elif _is_somebodys(triaged):
        yield from _theirs(mail, owner, said_at)


def _own(mail: MailForTriage, owner: Owner, said_at: datetime) -> Iterator[NewCommitment]:
    """What the person promises, to the first that the mail is to."""
    others = [address.casefold() for address in (*mail.to, *mail.cc) if not owner.is_me(address)]
    if not others or mail.auto_submitted:
        return
    name = _name_of(mail, owner) if len(mail.to) == 1 else ""
    for promise in find_promises(mail.text, said_at):
        yield NewCommitment(
            is_mine=True,
            person_address=others[0][:320],
            person_name=name[:300],
            quote=promise.quote[:LONGEST_QUOTE],
            title=_to_them(promise.title, name),
            message_id=mail.message_id,
            thread_key=mail.thread_key or None,
            said_at=said_at,
            due_at=promise.due_at,
            due_is_all_day=promise.due_is_all_day,
        )


def _to_them(title: str, name: str) -> str:
    """ "Send you the list" as the one who promised it would note it: "Send Dana the list"."""
    first = next(iter(name.split()), "")
    return YOU.sub(lambda _: first, YOUR.sub("their", title))[:300] if first else title


def _theirs(mail: MailForTriage, owner: Owner, said_at: datetime) -> Iterator[NewCommitment]:
    """What the writer promises the person: they are written to directly, and nobody else is called by name."""
    if not any(owner.is_me(address) for address in mail.to):
        return
    text = read_mail_text(mail.text)
    others = first_names(mail.people) - owner.first_names
    of_many = SHARED_ADDRESS.match(mail.from_address) is not None  # "you will receive your order tomorrow"
    for sentence in text.sentences:
        promise = read_promise(sentence.text, said_at)
        if promise is None or (of_many and not IN_PERSON.search(promise.quote)):
            continue
        if not addressed_to_owner(sentence, text, owner, others, is_direct=True):
            continue
        yield NewCommitment(
            is_mine=False,
            person_address=mail.from_address.casefold()[:320],
            person_name=mail.from_name[:300],
            quote=promise.quote[:LONGEST_QUOTE],
            title=promise.title,
            message_id=mail.message_id,
            thread_key=mail.thread_key or None,
            said_at=said_at,
            due_at=promise.due_at,
            due_is_all_day=promise.due_is_all_day,
        )


def _is_somebodys(triaged: TriagedMail) -> bool:
    """Did a person write it, in earnest, to this reader?"""
    mail = triaged.mail
    if (
        triaged.triage.suspicious
        or triaged.triage.category == "noise"
        or mail.auto_submitted
        or is_no_reply(mail.from_address)
    ):
        return False
    if is_bulk(mail.from_address, mail.text, has_unsubscribe=mail.list_unsubscribe, precedence=mail.precedence):
        return False
    return not is_notice(mail.subject, "", is_calendar_reply=mail.is_calendar_reply, auto_submitted=mail.auto_submitted)


def _name_of(mail: MailForTriage, owner: Owner) -> str:
    """The name of the only one it is to, where the header has it."""
    mine = {name.casefold() for name in owner.names}
    return next((name for name in mail.people if name.casefold() not in mine), "")
