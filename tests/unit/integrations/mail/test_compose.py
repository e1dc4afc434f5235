"""Composing: what was approved is what goes out, and anything else is refused by name."""

from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import Parser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid, TooLarge
from core.outside.mail import MailAttachment, OutgoingMail
from integrations.mail.compose import compose

MAIL = OutgoingMail(
    from_address="robin@vega.example",
    from_name="Robin Vega",
    to=("john@example.com",),
    subject="Thank you for the meeting",
    body="Hi John,\n\nthank you.\n",
    message_id="<1@vega.example>",
    date=datetime(2026, 3, 4, 9, 30, tzinfo=UTC),
)


def read(mail: OutgoingMail) -> EmailMessage:
    return Parser(_class=EmailMessage, policy=policy.SMTP).parsestr(compose(mail).as_bytes().decode())


def test_a_mail_reads_back_as_it_was_approved() -> None:
    again = read(replace(MAIL, cc=("ana@example.com",), in_reply_to="<0@x>", references=("<a@x>",)))
    assert again["To"] == "john@example.com"
    assert again["Cc"] == "ana@example.com"
    assert again["From"] == "Robin Vega <robin@vega.example>"
    assert again["References"] == "<a@x> <0@x>"
    assert again["In-Reply-To"] == "<0@x>"
    assert again.get_content().replace("\r\n", "\n") == MAIL.body


def test_bcc_stands_in_no_header() -> None:
    raw = compose(replace(MAIL, to=(), bcc=("secret@example.com",))).as_bytes()
    assert b"secret" not in raw
    assert b"bcc" not in raw.lower()


def test_unicode_goes_out_in_seven_bits() -> None:
    raw = compose(
        replace(MAIL, subject="Rückfrage 日本語 🎂" * 5, from_name='Groß, "Jürgen"', body="ü" * 3000)
    ).as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


def test_a_long_reference_is_not_mangled() -> None:
    long = f"<{'a' * 300}@x>"
    assert (
        f" {long}\r\n".encode()
        in compose(
            replace(
                MAIL,
                references=(
                    long,
                    "<b@x>",
                ),
            )
        ).as_bytes()
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to": []}, "to"),
        ({"to": ["a@x.example, b@y.example"]}, "to"),
        ({"to": ["a@x.example;b@y.example"]}, "to"),
        ({"to": ["a@x.example b@y.example"]}, "to"),
        ({"to": ["Bob <a@x.example>"]}, "to"),
        ({"to": ["a@b@c.example"]}, "to"),
        ({"to": [""]}, "to"),
        ({"to": ["  "]}, "to"),
        ({"to": ["nobody"]}, "to"),
        ({"to": ["@x.example"]}, "to"),
        ({"to": ["a@"]}, "to"),
        ({"to": ["a..b@x.example"]}, "to"),
        ({"to": ["a@x..example"]}, "to"),
        ({"to": ["a@-x.example"]}, "to"),
        ({"to": [f"a@{'x' * 70}.example"]}, "to"),
        ({"to": [f"{'x' * 70}@x.example"]}, "to"),
        ({"to": ["a@x.example\r\nBcc: b@y.example"]}, "to"),
        ({"to": ["a\u202e@x.example"]}, "to"),
        ({"to": ["a\u200b@x.example"]}, "to"),
        ({"to": ["a@straße.example"]}, "to"),
        ({"to": ['"a b"@x.example']}, "to"),
        ({"cc": ["no"]}, "cc"),
        ({"bcc": ["a@x.example\n"]}, "bcc"),
        ({"from_address": ""}, "from"),
        ({"from_name": "Robin\r\nBcc: x@y.example"}, "from name"),
        ({"from_name": "Robin\u202egpj"}, "from name"),
        ({"from_name": "x" * 300}, "from name"),
        ({"subject": "Hi\r\nBcc: x@y.example"}, "subject"),
        ({"subject": "Hi\nthere"}, "subject"),
        ({"subject": "Hi\x00"}, "subject"),
        ({"subject": "Hi\u2028there"}, "subject"),
        ({"subject": "\ud800"}, "subject"),
        ({"subject": "=?utf-8?q?Hi=0ABcc:_x@y.example?="}, "subject"),
        ({"subject": "x" * 2000}, "subject"),
        ({"body": "a\x00b"}, "body"),
        ({"body": "\udfff"}, "body"),
        ({"date": datetime(2026, 3, 4)}, "date"),
        ({"message_id": "1@x"}, "message_id"),
        ({"message_id": "<1>"}, "message_id"),
        ({"in_reply_to": "<a@x>\r\nBcc: x@y.example"}, "in_reply_to"),
        ({"references": ["<a b@x>"]}, "references"),
        ({"attachments": [MailAttachment("a\r\nb", "text/plain", b"")]}, "attachment"),
        ({"attachments": [MailAttachment(" ", "text/plain", b"")]}, "attachment"),
        ({"attachments": [MailAttachment("..", "text/plain", b"")]}, "attachment"),
        ({"attachments": [MailAttachment("../../x", "text/plain", b"")]}, "attachment"),
        ({"attachments": [MailAttachment("C:\\x", "text/plain", b"")]}, "attachment"),
        ({"attachments": [MailAttachment("gpj.\u202eexe", "text/plain", b"")]}, "attachment"),
        ({"attachments": [MailAttachment("x" * 300, "text/plain", b"")]}, "attachment"),
        ({"attachments": [MailAttachment("=?utf-8?q?a=0Ab?=", "text/plain", b"")]}, "attachment"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_by_name(change: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        compose(replace(MAIL, **change))  # pyright: ignore[reportArgumentType]
    assert caught.value.errors[0]["field"] == field


def test_more_than_a_mail_can_hold_is_refused() -> None:
    with pytest.raises(TooLarge, match="allowed"):
        compose(replace(MAIL, attachments=(MailAttachment("a.bin", "image/png", b"x" * (26 << 20)),)))


def test_a_foreign_domain_is_written_in_ascii() -> None:
    mail = replace(MAIL, to=("anna@bücher.example",))
    assert not mail.needs_smtputf8
    assert read(mail)["To"] == "anna@xn--bcher-kva.example"


def test_a_foreign_local_part_asks_for_smtputf8() -> None:
    mail = replace(MAIL, to=("jürgen@example.com",))
    assert mail.needs_smtputf8
    assert read(mail)["To"] == "jürgen@example.com"


def test_an_attachment_arrives_whole_and_keeps_to_harmless_types() -> None:
    files = [
        MailAttachment("Fälle.txt", "text/plain", b"\x00\xff\r\n.\r\n"),
        MailAttachment("x.eml", "message/rfc822", b"From: a"),
        MailAttachment("y", "text/plain\r\nX: y", b""),
    ]
    parts = list(read(replace(MAIL, attachments=files)).iter_attachments())
    assert [p.get_filename() for p in parts] == ["Fälle.txt", "x.eml", "y"]
    assert [p.get_content_type() for p in parts] == ["text/plain", *["application/octet-stream"] * 2]
    assert parts[0].get_payload(decode=True) == files[0].content


@given(subject=st.text(max_size=200), name=st.text(max_size=60), body=st.text(max_size=400))
def test_any_text_is_sent_as_approved_or_refused(subject: str, name: str, body: str) -> None:
    try:
        message = compose(replace(MAIL, subject=subject, from_name=name, body=body))
    except Invalid as error:
        assert error.errors[0]["field"] in {"subject", "from name", "body"}  # noqa: PT017
    else:
        lines = message.as_bytes().split(b"\r\n\r\n", 1)[0].split(b"\r\n")
        names = [line.split(b":")[0].lower() for line in lines if not line.startswith((b" ", b"\t"))]
        assert sorted(names) == sorted(dict.fromkeys(names))
        assert b"bcc" not in names
