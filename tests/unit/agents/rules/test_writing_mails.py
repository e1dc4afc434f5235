"""Mails that the built-in rules write: what the request says, and nothing that it does not give."""

from datetime import timedelta

import pytest

from agents import checker
from agents.strategist import (
    Immediate,
)
from tests.unit.agents.making import NOW, make_context
from tests.unit.agents.rules.deciding import decided, drafted, refused


@pytest.mark.parametrize(
    ("title", "subject", "says"),
    [
        ("Draft email to sam@acme.com apologizing for the late delivery", "Apologies for the late delivery", "I apologise for the late delivery."),
        ("Email hr@acme.com confirming the appointment", "Confirmation: appointment", "I am writing to confirm the appointment."),
        ("Draft an email to mark@acme.com declining the invitation", "Regarding the invitation", "I have to decline the invitation."),
        ("Draft email to lisa@acme.com inviting her to the kickoff", "Invitation: kickoff", "I would like to invite you to the kickoff."),
        ("Write an email to ben@firm.io asking for the slides", "Request: slides", "I would like to ask you for the slides."),
        ("Write an email to ben@firm.io asking whether he can send his slides", "Question: whether you can send your slides", "ask whether you can send your slides."),
        ("Write email to paul@acme.com telling him that the budget was approved", "The budget was approved", "let you know that the budget was approved."),
        ("Email ana@firm.io that her order is delayed by two weeks", "Your order is delayed by two weeks", "that your order is delayed by two weeks."),
        ("Email sam@acme.com to remind him of the deadline", "Reminder: deadline", "a friendly reminder of the deadline."),
        ("Draft email to tom@acme.com congratulating him on the launch", "Congratulations on the launch", "Congratulations on the launch!"),
        ("Write a follow-up email to tom@acme.com about the offer", "Following up on the offer", "I am following up on the offer."),
        ("Draft a thank-you email to sarah@acme.com for the gift", "Thank you for the gift", "Thank you for the gift."),
        ("Draft an email to weber@klinik.de introducing myself", "Introduction", "my name is Robin Vega."),
        ("Draft email to info@acme.com about product delay", "Product delay", "about the product delay."),
        ("Schreib eine E-Mail an anna@firma.de und bedanke dich für das Treffen", "Vielen Dank für das Treffen", "Vielen Dank für das Treffen."),
        ("Schreib Max (max@firma.de) eine Mail, dass das Treffen ausfällt", "Kurze Information", "dass das Treffen ausfällt."),
        ("Schreibe eine E-Mail an kunde@firma.de wegen der Lieferverzögerung", "Wegen der Lieferverzögerung", "wegen der Lieferverzögerung."),
        ("Schreib eine Mail an info@hotel.de und bitte um eine Rechnung", "Anfrage: Rechnung", "Ich bitte um eine Rechnung."),
    ],
)  # fmt: skip
async def test_a_mail_says_what_the_request_says(title: str, subject: str, says: str) -> None:
    context = make_context(title)
    result = await decided(context)
    assert isinstance(result, Immediate), result
    assert result.draft is not None
    assert result.draft.subject == subject
    assert says in result.draft.body
    assert checker.check(result, context, NOW) == []


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("Invite Ben (ben@x.io) to lunch on Friday", "invite you to lunch on Friday."),
        ("Let tom@x.io know that we moved the call", "that we moved the call."),
        ("Email Ben (ben@x.io) saying we will be late", "let you know that we will be late."),
        ("Draft email to anna@x.io letting her know I will be 10 minutes late", "let you know that I will be 10 minutes late."),
        ("Draft email to tom@x.io telling him his contract ends and he must return his laptop", "that your contract ends and you must return your laptop."),
        ("Write to ana@x.io about the contract renewal and ask for a meeting", "I would like to arrange a meeting with you."),
        ("Draft email to peter@x.io to cancel our subscription", "I would like to cancel our subscription."),
        ("Draft email to peter@x.io cancelling the appointment", "Unfortunately, I have to cancel the appointment."),
        ("Ask sam@acme.com to send the invoice", "Could you please send the invoice?"),
        ("Write an email to kim@x.io: the meeting is at 3 instead of 2", "The meeting is at 3 instead of 2."),
        ("Write an email to lea@x.io asking whether she likes the offer", "whether you like the offer."),
        ("Write an email to lea@x.io asking when he goes home and whether he uses it", "when you go home and whether you use it."),
        ("Draft an email to mark@acme.com declining the invitation from Mark", "decline the invitation."),
        ("Email ana@x.io that people are waiting", "that people are waiting."),
        ("Schreib max@x.de eine Mail, dass alle warten", "dass alle warten."),
        ("Lade Anna (anna@x.de) per E-Mail zum Essen ein", "Einladung: Essen."),
        ("Schreib eine Mail an team@x.de über das neue Büro", "Ich schreibe über das neue Büro."),
    ],
)  # fmt: skip
async def test_other_ways_of_asking_for_a_mail(title: str, says: str) -> None:
    assert says in (await drafted(title)).body


@pytest.mark.parametrize(
    "title",
    [
        "Draft email to client@x.io explaining why the project is late",
        "Email ana@x.io to say how it went",
        "Frag max@x.de, ob er Zeit hat",
    ],
)
async def test_what_the_words_do_not_give_is_not_written(title: str) -> None:
    await refused(title, "email")


async def test_two_purposes_are_two_paragraphs() -> None:
    draft = await drafted("Write an email to ben@firm.io apologizing for missing the call and asking for a new date")
    assert "I apologise for missing the call." in draft.body
    assert "I would like to ask you for a new date." in draft.body


@pytest.mark.parametrize(
    ("title", "greeting"),
    [
        ("Draft email to Maria (m.k@acme.io) thanking her for the call", "Hello Maria,"),
        ("Draft email to Dr. Weber (weber@klinik.de) thanking him for the call", "Dear Dr. Weber,"),
        ("Draft email to jsmith@acme.io thanking him for the call", "Hello,"),
        ("Draft email to support@acme.io thanking them for the help", "Hello,"),
        ("Schreib Max (max@firma.de) eine Mail, dass das Treffen ausfällt", "Hallo Max,"),
        ("Schreib eine E-Mail an info@firma.de und bedanke dich für das Treffen", "Guten Tag,"),
    ],
)
async def test_a_greeting_uses_only_a_name_that_is_known(title: str, greeting: str) -> None:
    assert (await drafted(title)).body.startswith(f"{greeting}\n")


async def test_an_unknown_sender_signs_without_a_name() -> None:
    draft = await drafted("Draft email to john@example.com thanking him for the meeting", sender_name="")
    assert draft.body.endswith("Best regards\n")


async def test_a_missing_address_is_asked_for_not_made_up() -> None:
    context = make_context("Draft a thank-you email to Sarah for the gift", columns={"recipient": "Sarah"})
    result = await decided(context)
    assert isinstance(result, Immediate)
    assert result.draft is not None
    assert result.draft.to == []
    assert [finding.message for finding in checker.check(result, context, NOW)] == ["No address for Sarah"]


async def test_a_date_that_belongs_to_the_content_is_in_the_mail() -> None:
    said = "Draft email to lisa@acme.com inviting her to the kickoff on 12 March"
    draft = await drafted(
        said.removesuffix(" on 12 March"), columns={"due_at": NOW + timedelta(8)}, conversation=[("user", said)]
    )
    assert "invite you to the kickoff on 12 March." in draft.body


async def test_a_deadline_is_not_in_the_mail() -> None:
    said = "Draft email to lisa@acme.com inviting her to the kickoff by Friday"
    draft = await drafted(
        said.removesuffix(" by Friday"), columns={"due_at": NOW + timedelta(2)}, conversation=[("user", said)]
    )
    assert "Friday" not in draft.body


@pytest.mark.parametrize(
    "title", ["Email team@acme.com", "Write an email to Ana", "Draft an email", "Schreib eine E-Mail an anna@firma.de"]
)
async def test_a_mail_about_nothing_is_not_written(title: str) -> None:
    assert "does not say" in (await refused(title, "email")).reason


async def test_a_file_that_is_not_here_is_not_promised() -> None:
    assert "nothing can be attached" in (await refused("Send the signed contract to legal@corp.com", "email")).reason
