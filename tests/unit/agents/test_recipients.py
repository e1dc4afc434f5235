"""Whom an answer goes to: Reply-To or the sender, everybody on request, oneself never, nobody twice."""

from email.message import EmailMessage
from typing import Any

import pytest

from agents.recipients import Answered, Recipients, wants_all, whom_to_answer, without_all
from agents.tools.mail_writing import headers_of
from integrations.mail.incoming import incoming_mail

OWN = ("robin@vega.example", "r.vega@vega.example")
ANA, BO, CY, DESK = "ana@example.com", "bo@example.com", "cy@example.com", "desk@example.com"
LIST = "dev@lists.example"


Case = tuple[dict[str, Any], list[str], tuple[list[str], list[str]]]
CASES: list[Case] = [
    ({}, [ANA], ([ANA], [])),
    ({"to": [OWN[0], BO], "cc": [CY]}, [ANA], ([ANA], [BO, CY])),
    ({"reply_to": [DESK], "cc": [CY]}, [DESK], ([DESK], [CY])),
    ({"reply_to": [DESK, BO], "cc": [BO, CY, CY.upper()]}, [DESK, BO], ([DESK, BO], [CY])),
    ({"reply_to": [OWN[0]], "cc": [BO]}, [ANA], ([ANA], [BO])),
    ({"cc": [OWN[1], "Robin@Vega.Example", "robin+shop@vega.example", BO]}, [ANA], ([ANA], [BO])),
    ({"to": [BO, ANA], "cc": [BO]}, [ANA], ([ANA], [BO])),
    ({"cc": ["anna@bücher.example", "anna@xn--bcher-kva.example"]}, [ANA], ([ANA], ["anna@bücher.example"])),
    ({"cc": ["", "  "]}, [ANA], ([ANA], [])),
    ({"sender": "", "cc": [BO]}, [], ([BO], [])),
    ({"to": [LIST], "reply_to": [LIST], "lists": [LIST]}, [ANA], ([LIST], [])),
    ({"to": [LIST, BO], "lists": [LIST]}, [ANA], ([ANA], [LIST, BO])),
    ({"sender": LIST, "reply_to": [ANA], "lists": [LIST]}, [ANA], ([ANA], [])),
    ({"sender": LIST, "to": [LIST], "lists": [LIST]}, [], ([LIST], [])),
    ({"sender": OWN[1], "to": [BO], "cc": [CY]}, [BO], ([BO], [CY])),
    ({"sender": OWN[0], "to": [OWN[0]]}, [OWN[0]], ([OWN[0]], [])),
    ({"sender": OWN[0], "to": [OWN[0]], "reply_to": [DESK]}, [DESK], ([DESK], [])),
]  # fmt: skip


def answered(reply_all: bool = False, sender: str = ANA, **headers: Any) -> tuple[list[str], list[str]]:
    found = whom_to_answer(Answered(sender, **({"to": [OWN[0]]} | headers)), OWN, reply_all=reply_all)
    return found.to, found.cc


@pytest.mark.parametrize(("headers", "one", "everybody"), CASES)
def test_who_is_answered_alone_and_with_all(
    headers: dict[str, Any], one: list[str], everybody: tuple[list[str], list[str]]
) -> None:
    assert answered(**headers) == (one, [])
    assert answered(reply_all=True, **headers) == everybody


def test_whoever_was_hidden_is_never_answered() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Bcc"] = ANA, OWN[0], "boss@example.com"
    message.set_content("x")
    mail = headers_of(incoming_mail(message.as_bytes(), ref="1"))
    assert whom_to_answer(mail, OWN, reply_all=True) == Recipients([ANA], [])


def test_names_in_every_script_groups_and_a_list_are_read_from_the_headers() -> None:
    raw = (
        "From: =?utf-8?q?Zo=C3=AB_=C3=81lvarez?= <zoe@example.com>\r\n"
        'To: Team: "Müller, Bö" <bo@example.com>, 李雷 <li@example.com>;, robin@vega.example\r\n'
        "Cc: undisclosed-recipients:;, R. Vega <R.Vega@vega.example>, Ὀδυσσεύς <cy@example.com>, dev@lists.example\r\n"
        "List-Post: <mailto:Dev@Lists.example?subject=x>\r\n"
        "Subject: Plan\r\n\r\nHi\r\n"
    ).encode()
    mail = headers_of(incoming_mail(raw, ref="1"))
    assert mail.lists == (LIST,)
    found = whom_to_answer(mail, OWN, reply_all=True)
    assert found == Recipients(["zoe@example.com"], [BO, "li@example.com", CY, LIST])
    assert whom_to_answer(mail, OWN) == Recipients(["zoe@example.com"], [])


@pytest.mark.parametrize("header", ["NO", "NO (posting is not allowed)", "", "<https://lists.example/post>", "\x00"])
def test_a_list_that_takes_no_posts_has_no_address(header: str) -> None:
    mail = incoming_mail(f"From: {ANA}\r\nList-Post: {header}\r\n\r\nHi".encode(), ref="1")
    assert mail.list_post == ()


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        ("Reply all that we renew in May", "Reply that we renew in May"),
        ("Reply-all: we renew", "Reply: we renew"),
        ("please reply to all, saying yes", "please Reply, saying yes"),
        ("Answer everybody that we renew", "Reply that we renew"),
        ("Respond to everyone", "Reply"),
        ("reply to all recipients that it is done", "Reply that it is done"),
        ("Antworte allen, dass wir liefern", "Antworte, dass wir liefern"),
        ("Allen antworten, dass wir liefern", "Antworte, dass wir liefern"),
        ("Bitte an alle antworten: passt", "Bitte Antworte: passt"),
        ("antworte bitte an alle Beteiligten", "Antworte"),
    ],
)
def test_words_that_ask_for_everybody(words: str, plain: str) -> None:
    assert wants_all(words)
    assert without_all(words) == plain


@pytest.mark.parametrize(
    "words",
    [
        "",
        "Reply to Dana",
        "Answer all of Dana's questions",
        "Answer all questions",
        "Reply to everyone's concerns",
        "Don't reply all",
        "Reply to Dana, do not reply to all",
        "Nicht allen antworten",
        "Antworte Dana, ohne allen zu antworten",
        "Alle Fragen beantworten",
        "Antworte allen Kunden",
        "All replies are in",
    ],
)
def test_words_that_do_not(words: str) -> None:
    assert not wants_all(words)
    assert without_all(words) == words
