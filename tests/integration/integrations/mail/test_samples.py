"""The sample mailbox through every part: read from its file, and triaged by the built-in rules as its table says."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agents.rules.mail import CalendarSlot, MailForTriage, Owner, TriagedMail, triage_mailbox
from integrations.calendar.ics import read_ics
from integrations.calendar.recurrence import all_occurrences
from integrations.mail.mbox import read_mbox
from integrations.mail.parse import MailMessage
from integrations.mail.quotes import split_quoted

SAMPLES = Path(__file__).parents[3] / "data/samples"
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=BERLIN)
ME = Owner(("robin@vega.example",), ("Robin Vega",))


def for_triage(message: MailMessage) -> MailForTriage:
    new, quoted = split_quoted(message.text)
    return MailForTriage(
        message_id=message.message_id,
        thread_key=message.thread_key,
        in_reply_to=message.in_reply_to,
        from_address=message.from_address,
        from_name=message.from_name,
        to=tuple(person.address for person in message.to),
        cc=tuple(person.address for person in message.cc),
        people=tuple(person.name for person in (*message.to, *message.cc) if person.name),
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


@pytest.fixture(scope="module")
def mailbox() -> dict[str, TriagedMail]:
    window = (datetime(2026, 3, 1, tzinfo=BERLIN), datetime(2026, 4, 1, tzinfo=BERLIN))
    events = all_occurrences(read_ics(SAMPLES / "calendar.ics", window=window), *window)
    slots = [CalendarSlot(event.entry.title, event.starts_at, event.entry.uid) for event in events]
    mails = [for_triage(message) for message in read_mbox(SAMPLES / "inbox.mbox")]
    triaged = triage_mailbox(mails, now=NOW, me=ME, calendar=slots)
    return {mail.mail.message_id.strip("<>").partition("@")[0]: mail for mail in triaged}


def found(mailbox: dict[str, TriagedMail], name: str) -> list[tuple[str, str, str, datetime | None]]:
    return [(t.title, t.kind, t.execution_type, t.due_at) for t in mailbox[name].triage.tasks]


def at(day: int, *time: int) -> datetime:
    return datetime(2026, 3, day, *(time or (23, 59, 59)), tzinfo=BERLIN)


def test_the_promise_dates_the_answer(mailbox: dict[str, TriagedMail]) -> None:
    assert found(mailbox, "m01") == [
        ("Answer Dana Ortiz: Delay of order NW-2231?", "reply", "semi_automated", at(5, 12, 0))
    ]
    assert found(mailbox, "m02") == []


def test_a_german_request(mailbox: dict[str, TriagedMail]) -> None:
    assert found(mailbox, "m03") == [
        (
            "Schick Jürgen Groß eine korrigierte Fassung (Rückfrage zum Angebot 88/26)",
            "reply",
            "semi_automated",
            at(6),
        )
    ]


def test_an_invoice(mailbox: dict[str, TriagedMail]) -> None:
    assert found(mailbox, "m04") == [("Pay invoice 2026-0312", "payment", "manual", at(15))]
    assert "EUR 184.50" in mailbox["m04"].triage.tasks[0].description


@pytest.mark.parametrize(("name", "category"), [("m05", "noise"), ("m10", "information"), ("m12", "information")])
def test_newsletters_acceptances_and_notices_make_nothing(
    mailbox: dict[str, TriagedMail], name: str, category: str
) -> None:
    assert found(mailbox, name) == []
    assert mailbox[name].triage.category == category
    assert mailbox[name].triage.suspicious is None


def test_notes_make_the_items_that_name_robin(mailbox: dict[str, TriagedMail]) -> None:
    ((title, *_),) = found(mailbox, "m06")
    assert title == "Ask legal whether the new terms need a re-consent, and tell Priya"
    assert [event.uid for event in mailbox["m06"].triage.linked_events] == ["demo@cal.example"]


def test_the_commanding_mail_is_flagged_and_obeyed_in_nothing(mailbox: dict[str, TriagedMail]) -> None:
    assert "automated assistant" in (mailbox["m07"].triage.suspicious or "")
    assert found(mailbox, "m07") == []
    assert [name for name, mail in mailbox.items() if mail.triage.suspicious] == ["m07"]


def test_lunch_and_grandma(mailbox: dict[str, TriagedMail]) -> None:
    assert found(mailbox, "m08") == [
        ("Answer Mom: Are you coming for lunch on Sunday at 1?", "reply", "semi_automated", at(8, 13, 0)),
        ("Bring the blue bowl", "errand", "manual", at(8, 13, 0)),
        ("Call grandma, it's her birthday", "call", "manual", at(7)),
    ]


def test_proposed_times_ask_for_an_answer(mailbox: dict[str, TriagedMail]) -> None:
    (task,) = mailbox["m09"].triage.tasks
    assert (task.kind, task.recipient) == ("reply", "sam@acme.example")
    assert "Tuesday 10 March 2026, 15:00" in task.description
    assert "Wednesday 11 March 2026, 11:00" in task.description


def test_until_tomorrow_evening_counts_from_the_mail(mailbox: dict[str, TriagedMail]) -> None:
    assert found(mailbox, "m11") == [
        ("Send Lena Fox a two-line bio and a photo (speaker slot)", "reply", "semi_automated", at(5, 18, 0))
    ]
