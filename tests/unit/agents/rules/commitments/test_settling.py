"""What is written later settles a promise, or does not."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from agents.rules.commitments.settling import LaterMail, Settled, settle
from tasks.commitments import Commitment

BERLIN = ZoneInfo("Europe/Berlin")
SAID = datetime(2026, 3, 3, 10, 2, tzinfo=BERLIN)
DANA, ROBIN, OMAR = "dana@northwind.example", "robin@vega.example", "omar@northwind.example"
MAY = frozenset([UUID(int=1)])


def promise(**more: Any) -> Commitment:
    """Dana's, of a contract on Friday, where nothing else is said."""
    given: dict[str, Any] = {
        "id": UUID(int=1), "is_mine": False, "person_address": DANA, "person_name": "Dana Ortiz", "quote": "I will send the contract on Friday.",
        "title": "Send the contract", "message_id": "<1@x>", "thread_key": "<1@x>", "said_at": SAID, "due_at": datetime(2026, 3, 6, 23, 59, 59, tzinfo=BERLIN),
        "created_at": SAID, "subject": "Next steps",
    }  # fmt: skip
    return Commitment.model_validate(given | more)


def later(text: str, number: int = 2, **more: Any) -> LaterMail:
    """Dana's next mail in the thread, where nothing else is said."""
    given: dict[str, Any] = {
        "message_id": f"<{number}@x>", "thread_key": "<1@x>", "sender": DANA, "sender_name": "Dana Ortiz", "to": frozenset([ROBIN]),
        "subject": "Re: Next steps", "sent_at": SAID + timedelta(days=number),
    }  # fmt: skip
    return LaterMail(text=text, **{**given, **more})


def one(promised: Commitment, *mails: LaterMail) -> Settled | None:
    settled = settle([promised], mails)
    return settled[0] if settled else None


@pytest.mark.parametrize(
    "mail",
    [
        later("Here is the contract, as promised."),
        later("Anbei der Vertrag."),
        later("", files=("contract.pdf",)),
        later("We decided to go with somebody else, sorry."),
        later("Please have a look.", thread_key="<9@x>", subject="Your contract", files=("contract_v2.pdf",)),
        later("As promised, the contract for the next steps.", thread_key="<9@x>", subject="Done"),
    ],
    ids=["here", "german", "file", "otherwise", "elsewhere with the file", "elsewhere in words"],
)
def test_an_answer_closes(mail: LaterMail) -> None:
    found = one(promise(), mail)
    assert found
    assert (found.state, found.closed_at) == ("kept", mail.sent_at)
    assert found.closed_because
    assert found.closed_because.startswith("Dana Ortiz wrote on 5 March: “")


@pytest.mark.parametrize(
    "mail",
    [
        later("Thanks, that helps!"),
        later("Alles klar, danke dir."),
        later("Which version do you need?"),
        later("I will send the contract on Friday."),
        later("The invoice will be late, I'll send the invoice on Tuesday."),
        later("Dana Ortiz has accepted this invitation.", subject="Accepted: Review"),
        later("Lunch on Thursday?", thread_key="<9@x>", subject="Lunch"),
        later("The parts were shipped today.", thread_key="<9@x>", subject="Order 7"),
        later("Here is the contract.", is_from_me=True, sender=ROBIN),
        later("Here is the contract.", sender="omar@vega.example", sender_name="Omar"),
        later("Here is the contract.", sent_at=SAID - timedelta(hours=1)),
        later("Here is the contract.", 1, sent_at=SAID),
        later("Our newsletter about the contract", is_bulk=True),
        later("Your message was received.", is_automatic=True),
    ],
    ids=["thanks", "german thanks", "asks back", "says it again", "of another thing", "invitation", "lunch", "other matter", "the other side", "somebody else", "before", "itself", "bulk", "automatic"],
)  # fmt: skip
def test_what_closes_nothing(mail: LaterMail) -> None:
    found = one(promise(), mail)
    assert found is None


def test_one_of_its_words_in_the_subject_is_enough_where_something_is_handed_over() -> None:
    promised = promise(
        quote="Ich schicke Ihnen die Unterlagen bis Donnerstag.", title="Ich schicke Ihnen die Unterlagen für den Umzug"
    )
    said = "Guten Tag,\n\nanbei wie versprochen die Unterlagen.\n\nViele Grüße\nMaria"
    found = one(promised, later(said, thread_key="<9@x>", subject="Unterlagen"))
    assert found
    assert found.state == "kept"
    assert one(promised, later("Welche Unterlagen fehlen noch?", thread_key="<9@x>", subject="Unterlagen")) is None
    assert one(promised, later("Ich melde mich zu den Unterlagen.", thread_key="<9@x>", subject="Unterlagen")) is None


@pytest.mark.parametrize(
    ("mail", "is_kept"),
    [
        (later("Here is the contract for Dana.", sender=OMAR, helps=MAY, sender_name="Omar"), True),
        (later("Anbei für Dana.", sender=OMAR, helps=MAY, files=("contract.pdf",)), True),
        (later("The contract is not attached yet.", sender=OMAR, helps=MAY), False),
        (later("Is the contract attached?", sender=OMAR, helps=MAY), False),
        (later("I would like to see the contract as well.", sender=OMAR, helps=MAY), False),
        (later("Here is the invoice.", sender=OMAR, helps=MAY), False),
        (later("Here is the contract.", 9, sender=OMAR, helps=MAY), False),
        (later("Here is the contract.", sender=OMAR), False),
    ],
    ids=["here", "german file", "not yet", "asks", "chatter", "another thing", "over", "a stranger"],
)
def test_somebody_else_may_hand_it_over_in_the_thread(mail: LaterMail, is_kept: bool) -> None:
    found = one(promise(), mail)
    assert (found is not None and found.state == "kept") is is_kept


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("By Tuesday instead.", "2026-03-10"),
        ("Sorry, it takes longer. I'll send it by Monday.", "2026-03-09"),
        ("Das verzögert sich leider, du bekommst es am Dienstag.", "2026-03-10"),
        ("I need more time, until 12 March.", "2026-03-12"),
    ],
)
def test_another_day_moves_it(text: str, day: str) -> None:
    found = one(promise(), later(text))
    assert found
    assert found.state is None
    assert found.due_at
    assert found.due_at.date().isoformat() == day


def test_moved_and_then_kept() -> None:
    found = one(promise(), later("Here it is.", 5), later("By Tuesday instead.", 3))
    assert found
    assert found.state == "kept"


def test_what_only_moves_is_no_second_promise() -> None:
    again = promise(
        id=UUID(int=2), message_id="<2@x>", quote="I'll send it by Monday.", said_at=SAID + timedelta(days=2)
    )
    settled = {
        one.commitment_id.int: one
        for one in settle([again, promise()], [later("It takes longer. I'll send it by Monday.")])
    }
    assert settled[1].due_at
    assert settled[2].state == "dropped"


def test_an_absence_is_kept_with_it() -> None:
    mail = later("I am away until 12 March.", subject="Automatic reply", is_automatic=True)
    found = one(promise(), mail)
    assert found
    assert (found.state, found.away_until) == (None, datetime(2026, 3, 13, 9, tzinfo=BERLIN))
    assert one(promise(away_until=found.away_until), mail) is None


def test_ones_own_is_closed_by_ones_own_words_alone() -> None:
    mine = promise(is_mine=True)
    reply: dict[str, Any] = {"is_from_me": True, "sender": ROBIN, "to": frozenset([DANA])}
    found = one(mine, later("Here is the contract.", **reply))
    assert found
    assert found.closed_because
    assert found.closed_because.startswith("You wrote on")
    assert (
        one(mine, later("Here is the contract.", is_from_me=True, sender=ROBIN, to=frozenset(["omar@vega.example"])))
        is None
    )
    assert one(mine, later("Where is it?")) is None


def test_what_was_opened_again_is_closed_by_newer_mail_alone() -> None:
    opened = promise(reopened_at=SAID + timedelta(days=3))
    assert one(opened, later("Here is the contract.", 2)) is None
    assert one(opened, later("Here is the contract.", 4))
    assert settle([promise(state="kept", closed_at=SAID)], [later("Here is the contract.")]) == []


def test_a_name_alone_closes_only_what_its_known_address_answers() -> None:
    owed = promise(person_address="", source_kind="notes")
    says = "Here is the contract, as promised."
    assert one(owed, later(says)) is None
    assert one(owed, later(says, named_since=SAID)) is None  # only since then
    assert one(owed, later(says, named_since=SAID - timedelta(days=1), sender_name="Eve")) is None
    found = one(owed, later(says, named_since=SAID - timedelta(days=1), sender_name="dana ortiz "))
    assert found
    assert found.state == "kept"
