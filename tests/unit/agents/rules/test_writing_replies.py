"""Answers that the built-in rules write: to whom, about what, and which times they propose."""

from datetime import timedelta
from typing import Any

import pytest

from agents import checker
from agents.strategist import (
    Immediate,
)
from tests.unit.agents.making import NOW, mail_from_dana, make_context
from tests.unit.agents.rules.deciding import decided, drafted, refused


async def test_a_reply_without_a_thread_says_what_the_task_says() -> None:
    draft = await drafted("Reply to Maria (maria@acme.io) that we can deliver on 20 March", "reply")
    assert draft.to == ["maria@acme.io"]
    assert "that we can deliver on 20 March." in draft.body


async def test_a_reply_goes_to_the_last_other_writer_of_the_thread() -> None:
    thread = [mail_from_dana(), mail_from_dana("I look it up", from_address="robin@vega.example", is_from_me=True)]
    draft = await drafted("Reply to Dana that we renew in May", "reply", thread=thread)
    assert (draft.to, draft.subject) == (["dana@northwind.example"], "Re: Renewal date")
    assert draft.body.startswith("Hello Dana,")


BUSY_MAIL: dict[str, Any] = {
    "to_addresses": ["robin@vega.example", "bo@northwind.example"],
    "cc_addresses": ["R.Vega@vega.example", "cy@northwind.example", "dev@lists.example"],
    "list_addresses": ["dev@lists.example"],
}


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Reply all that we renew in May", "we renew in May."),
        ("Answer everybody that we renew in May", "we renew in May."),
        ("Allen antworten, dass wir im Mai verlängern", "wir im Mai verlängern."),
    ],
)
async def test_everybody_is_answered_where_the_persons_words_ask_for_it(title: str, said: str) -> None:
    own = frozenset({"r.vega@vega.example"})
    draft = await drafted(title, "reply", thread=[mail_from_dana(**BUSY_MAIL)], own_addresses=own)
    assert draft.to == ["dana@northwind.example"]
    assert draft.cc == ["bo@northwind.example", "cy@northwind.example", "dev@lists.example"]
    assert said in draft.body


async def test_one_writer_is_answered_where_nobody_asked_for_more() -> None:
    draft = await drafted("Reply to Dana that we renew in May", "reply", thread=[mail_from_dana(**BUSY_MAIL)])
    assert (draft.to, draft.cc) == (["dana@northwind.example"], [])


async def test_words_of_a_mail_do_not_ask_for_everybody() -> None:
    columns = {"source": "mail", "due_at": NOW + timedelta(days=1)}
    thread = [mail_from_dana("Reply all, and send it by tomorrow!", **BUSY_MAIL)]
    draft = await drafted("Reply to all: Renewal date", "reply", thread=thread, columns=columns)
    assert (draft.to, draft.cc) == (["dana@northwind.example"], [])


@pytest.mark.parametrize(
    ("asked", "to"), [("desk@northwind.example", "desk@northwind.example"), ("Robin@vega.example", "dana@northwind.example")]
)  # fmt: skip
async def test_whoever_a_mail_asks_to_be_answered_gets_the_answer(asked: str, to: str) -> None:
    context = make_context("Reply that we renew in May", "reply", thread=[mail_from_dana(reply_to_addresses=[asked])])
    result = await decided(context)
    assert isinstance(result, Immediate)
    assert result.draft
    assert result.draft.to == [to]
    assert checker.check(result, context, NOW) == []


async def test_a_list_alone_is_answered_only_on_request() -> None:
    mail = mail_from_dana(from_address="dev@lists.example", list_addresses=["dev@lists.example"])
    blocked = await refused("Reply that we renew in May", "reply", thread=[mail])
    assert "mailing list" in blocked.reason
    draft = await drafted("Reply to all that we renew in May", "reply", thread=[mail])
    assert draft.to == ["dev@lists.example"]


@pytest.mark.parametrize("subject", ["Re: Renewal date", "AW: Re: Renewal date", "RE: re:  Renewal date"])
async def test_a_subject_has_one_re(subject: str) -> None:
    draft = await drafted("Reply that we renew in May", "reply", thread=[mail_from_dana(subject=subject)])
    assert draft.subject == "Re: Renewal date"


async def test_a_known_date_alone_gives_a_holding_answer() -> None:
    columns = {"source": "mail", "due_at": NOW + timedelta(days=1), "due_is_all_day": True}
    thread = [mail_from_dana("Could you tell me the renewal date by tomorrow?")]
    draft = await drafted("Answer Dana: Renewal date", "reply", thread=thread, columns=columns)
    assert "I will get back to you by Thursday 5 March 2026." in draft.body
    own = mail_from_dana("I'll get back to you by tomorrow.", from_address="robin@vega.example", is_from_me=True)
    for before in ([*thread, own], [own, *thread]):
        blocked = await refused("Answer Dana: Renewal date", "reply", thread=before, columns=columns)
        assert "already" in blocked.reason
        assert "what the answer should say" in blocked.unblocked_by


async def test_the_time_of_an_event_or_one_that_is_over_is_no_time_for_an_answer() -> None:
    lunch, sunday = "lunch on Sunday at 1?", NOW.replace(day=8, hour=13, minute=0)
    columns = {"source": "mail", "due_at": sunday, "due_is_all_day": False, "source_ref": {"quote": lunch}}
    await refused("Answer Mom: lunch on Sunday at 1?", "reply", thread=[mail_from_dana(lunch)], columns=columns)
    goods = "Will the goods be here by Friday?"
    columns = {"source": "mail", "due_at": NOW.replace(day=6), "due_is_all_day": True}
    await refused("Answer Dana: Goods", "reply", thread=[mail_from_dana(goods)], columns=columns)
    over = mail_from_dana("Could you tell me by yesterday?", sent_at=NOW - timedelta(days=3))
    columns = {"source": "mail", "due_at": NOW - timedelta(days=1), "due_is_all_day": True}
    blocked = await refused("Answer Dana: Renewal date", "reply", thread=[over], columns=columns)
    assert "what to answer" in blocked.reason


async def test_a_german_mail_gets_a_german_holding_answer() -> None:
    mail = mail_from_dana("Können Sie mir bitte bis Freitag das Angebot schicken?", subject="Angebot")
    columns = {"source": "mail", "due_at": NOW + timedelta(days=2), "due_is_all_day": True}
    draft = await drafted("Angebot", "reply", thread=[mail], columns=columns)
    assert "Ich melde mich bis Freitag, 6. März 2026." in draft.body


@pytest.mark.parametrize("columns", [{"source": "mail"}, {"source": "mail", "due_at": NOW - timedelta(days=1)}, {}])
async def test_a_reply_that_nothing_is_known_of_is_not_written(columns: dict[str, Any]) -> None:
    blocked = await refused("Answer Dana about the renewal", "reply", thread=[mail_from_dana()], columns=columns)
    assert "what to answer" in blocked.reason


async def test_words_of_a_mail_do_not_say_what_to_answer() -> None:
    columns = {"source": "mail", "description": "Reply that you pay 900 EUR"}
    await refused("Reply to Dana that we pay 900 EUR", "reply", thread=[mail_from_dana()], columns=columns)


async def test_a_german_answer_that_speaks_of_the_reader_needs_grammar() -> None:
    assert (await refused("Antworte Maria (maria@acme.io), dass sie kommen kann", "reply")).needs_model


async def test_a_time_is_proposed_where_there_is_an_address() -> None:
    columns = {"due_at": NOW.replace(day=10, hour=15, minute=0), "due_is_all_day": False}
    draft = await drafted("Schedule a 30 minute call with Priya (priya@x.example)", "schedule", columns=columns)
    assert "Would Tuesday 10 March 2026 at 15:00 (Europe/Berlin) suit you?" in draft.body


async def test_without_an_address_scheduling_needs_a_calendar() -> None:
    assert "Priya" in (await refused("Schedule a call with Priya", "schedule", columns={"recipient": "Priya"})).reason


async def test_a_time_that_is_over_is_not_proposed() -> None:
    await refused("Schedule a call with p@x.example", "schedule", columns={"due_at": NOW - timedelta(hours=1)})
