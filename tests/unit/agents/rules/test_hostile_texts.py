"""Every reader of others' texts comes to an end with 100 kB of one thing: none is quadratic."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from agents.learning import letters
from agents.learning.differences import Letter, differences
from agents.learning.style import propose_style
from agents.proactive import gatherings
from agents.proactive.meeting_context import fresh_part
from agents.proactive.meetings import place_of
from agents.proactive.situation import Meeting, Person, SeenMail, Situation
from agents.rules.commitments.absence import away_until, is_absence
from agents.rules.commitments.finding import find_promises
from agents.rules.commitments.mail import promises_in
from agents.rules.commitments.questions import question_in
from agents.rules.commitments.settling import LaterMail, settle
from agents.rules.day_request import day_asked_for
from agents.rules.extract import extract_tasks
from agents.rules.mail import MailForTriage, Owner, triage_mailbox
from agents.rules.mail_signs import find_command, is_bulk, is_notice
from agents.rules.mail_text import read_mail_text
from agents.rules.proposed_times import read_proposal
from agents.rules.workflows.action_items import find_action_items
from agents.rules.workflows.meeting_points import wishes_of
from core.outside.calendar import hours_from
from tasks.commitments import Commitment
from tasks.preferences import OwnMail

AT = datetime(2026, 3, 4, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))
ME = Owner(("robin@vega.example",), ("Robin Vega",))
LONG, FAIRLY_LONG = 100_000, 30_000  # of blanks, and of what is read word by word
UNITS: Mapping[str, str] = {
    "newlines": "\n",
    "spaces": " ",
    "tabs": "\t",
    "crlf": "\r\n",
    "separators": "\u2028",
    "blank lines": " \n",
    "letters": "a",
    "short words": "a ",
    "names": "Aaa, ",
    "links": "http://",
    "quotes": "> ",
    "dashes": "-",
    "points": "- \n",
    "marks": '"',
    "commas": ", ",
    "digits": "1",
    "numbers": "1 ",
    "underlines": "_",
    "tags": "<br",
    "intros": "On 3 March 2026 Dana wrote:\n",
    "long lines": f"Eve: {'-' * 500} please\n",
    "asks": "please send ",
    "promises": "I will send you the contract by Friday. ",
    "times": "10:00 or ",
    "days": "on 5 March ",
    "questions": "Can we meet? ",
}


def mail(text: str) -> MailForTriage:
    return MailForTriage(
        message_id="<1@x>", from_address="eve@x.example", from_name="Eve", to=ME.addresses, text=text, sent_at=AT
    )


def read_mailbox(text: str) -> Any:
    (triaged,) = triage_mailbox([mail(text)], now=AT, me=ME, calendar=[])
    return triaged, list(promises_in(triaged, ME, AT))


def settled(text: str) -> Any:
    promised = Commitment(
        id=UUID(int=1),
        is_mine=False,
        person_address="eve@x.example",
        person_name="Eve",
        quote="I will send the contract",
        title="Send the contract",
        source_kind="mail",
        thread_key="t",
        said_at=AT,
        due_at=AT,
        due_is_all_day=False,
        state="open",
        created_at=AT,
    )
    later = LaterMail(
        message_id="<2@x>", thread_key="t", sender="eve@x.example", text=text, sent_at=AT + timedelta(days=1)
    )
    return settle([promised], [later])


def place(text: str) -> str:
    talk = Meeting(calendar="", uid="1", title="Talk", location=text, starts_at=AT, ends_at=AT)
    return place_of(talk, Situation(now=AT, owner=ME, hours=hours_from("Mon-Fri 09:00-17:00", "UTC"))) + text[:1]


def wishes(text: str) -> list[str]:
    seen = SeenMail(message_id="<1@x>", thread_key="t", account="", sender=Person("e@x"), text=text, sent_at=AT)
    return wishes_of(seen, "Talk")


READERS: Mapping[str, Callable[[str], Any]] = {
    "the mailbox": read_mailbox,
    "promises": lambda text: find_promises(text, AT),
    "later mail": settled,
    "questions": lambda text: question_in(text) or "",
    "absences": lambda text: (
        away_until("Away", text, AT, auto_submitted=True),
        is_absence(text, text, auto_submitted=True),
    ),
    "commands": lambda text: (
        find_command("Hi", text, text),
        is_bulk("a@b.example", text, has_unsubscribe=False, precedence=""),
    ),
    "notices": lambda text: is_notice(text, text, is_calendar_reply=False, auto_submitted=False),
    "proposed times": lambda text: read_proposal(text, AT, subject="Talk") or "",
    "sentences": read_mail_text,
    "action items": lambda text: find_action_items(text, AT),
    "wishes": wishes,
    "agendas": lambda text: (gatherings.holds_agenda(text), gatherings.holds_notes(text)),
    "topics": lambda text: gatherings.is_about("Quarterly review", text),
    "new parts": fresh_part,
    "places": place,
    "what is said": lambda text: extract_tasks(text, AT),
    "days asked for": lambda text: day_asked_for(text, AT) or "",
    "own mail": lambda text: propose_style([OwnMail(key="1", body=text, at=AT)] * 3),
    "edits": lambda text: differences(Letter(body=f"Hi Dana,\n\n{text}"), Letter(body=text)),
    "letters": lambda text: (letters.take_apart(text), letters.sentences_of(text), letters.bullets_in(text)),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_comes_to_an_end_with_a_hundred_thousand_of_anything(reader: str) -> None:
    for name, unit in UNITS.items():
        text = f"Hi Robin,\n\n{unit * ((FAIRLY_LONG if unit.strip() else LONG) // len(unit))}y"
        assert READERS[reader](text) is not None, name
