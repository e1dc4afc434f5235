"""Mails as they come: wrong charsets, broken parts, missing headers. Whatever it is, it is read or refused by name."""

from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid, StewardError, TooLarge
from integrations.mail.parse import parse_message

PLAIN = b"From: Ana <Ana@Acme.example>\nTo: robin@vega.example\nSubject: Hi\nDate: Tue, 3 Mar 2026 09:12:00 +0100\nMessage-ID: <1@x>\n"


def test_a_plain_mail_is_read() -> None:
    message = parse_message(
        PLAIN
        + b"Cc: Tom Rau <tom@rau.example>, eva@werk.example\nReferences: <a@x> <b@x>\nIn-Reply-To: <b@x>\n\nHello\n"
    )
    assert (message.from_name, message.from_address) == ("Ana", "ana@acme.example")
    assert [box.address for box in message.to] == ["robin@vega.example"]
    assert [(box.name, box.address) for box in message.cc] == [("Tom Rau", "tom@rau.example"), ("", "eva@werk.example")]
    assert message.sent_at == datetime(2026, 3, 3, 9, 12, tzinfo=timezone(timedelta(hours=1)))
    assert (message.message_id, message.in_reply_to, message.references) == ("<1@x>", "<b@x>", ("<a@x>", "<b@x>"))
    assert message.thread_key == "<a@x>"
    assert message.text == "Hello"


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        (b"=?utf-8?q?R=C3=BCckfrage?= zum Angebot", "Rückfrage zum Angebot"),
        (b"=?utf-8?b?UsO8Y2s=?= =?utf-8?b?ZnJhZ2U=?=", "Rückfrage"),
        (b"=?utf-8?b?w7w=?=\n =?utf-8?q?_und_=C3=A4?=", "ü und ä"),
        (b"=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
        (b"=?iso-8859-1?q?Gr=FC=DFe?=", "Grüße"),
        (b"=?utf-8?q?Gr=FC=DFe?=", "Grüße"),
        (b"=?nonsense?q?a=20b?=", "a b"),
        (b"=?utf-8?b?!!!?=", None),
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        (b"a\x00b\x07", "ab"),
        (b"two\n lines\r\n\tand three", "two lines and three"),
        (b"", ""),
        (b"=?utf-8?q?=0D=0ABcc:_x@y?=", "Bcc: x@y"),
    ],
)
def test_a_subject_is_decoded_on_one_line(header: bytes, subject: str | None) -> None:
    found = parse_message(b"From: a@b.example\nSubject: " + header + b"\n\nx").subject
    assert found == subject or subject is None
    assert not set(found) & {"\x00", "\n", "\r"}


@pytest.mark.parametrize(
    ("declared", "raw"),
    [
        ("utf-8", "Grüße".encode()),
        ("utf-8", "Grüße".encode("latin-1")),
        ("us-ascii", "Grüße".encode()),
        ("iso-8859-1", "Grüße".encode("latin-1")),
        ("no-such-charset", "Grüße".encode()),
        ("rot13", "Grüße".encode()),
        ("unicode_escape", "Grüße".encode()),
        ("windows-1252", "Grüße".encode("cp1252")),
    ],
)
def test_a_wrong_charset_does_no_harm(declared: str, raw: bytes) -> None:
    head = PLAIN + f'Content-Type: text/plain; charset="{declared}"\nContent-Transfer-Encoding: 8bit\n\n'.encode()
    assert parse_message(head + raw).text == "Grüße"


def rich() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "a@b.example"
    message.set_content("Plain words")
    message.add_alternative(
        "<html><head><style>p{}</style></head><body><p>Rich <b>words</b></p><img src='https://track.example/p.gif'>"
        "<script>alert(1)</script><a href='javascript:alert(1)' onclick='x()'>here</a><div style='display:none'>secret order</div>"
        "<table><tr><td background='//track.example/b.png' style='background:url(https://track.example/c.png)'>x</td></tr></table></body></html>",
        subtype="html",
    )
    message.add_attachment(b"\x00\x01", maintype="application", subtype="pdf", filename="Fälle/../x.pdf")
    return message


def test_plain_words_win_over_html_and_files_are_kept() -> None:
    message = parse_message(rich().as_bytes())
    assert message.text == "Plain words"
    (attachment,) = message.attachments
    assert (attachment.name, attachment.media_type, attachment.size_bytes) == ("x.pdf", "application/pdf", 2)
    assert attachment.content == b"\x00\x01"
    assert len(attachment.sha256) == 64


def test_html_is_made_harmless_and_its_images_are_counted_not_loaded() -> None:
    message = parse_message(rich().as_bytes())
    html = message.html_sanitized or ""
    assert message.remote_images == 2
    for word in ("track.example", "img", "script", "javascript", "onclick", "style", "url("):
        assert word not in html
    assert "<b>words</b>" in html
    assert message.hidden_text == "secret order"


def test_html_alone_is_read_as_text() -> None:
    raw = (
        PLAIN
        + b"Content-Type: text/html\n\n<p>Hi&nbsp;Robin,</p><p>see<br>below</p><ul><li>one<li>two</ul><p hidden>no</p>"
    )
    message = parse_message(raw)
    assert message.text == "Hi Robin,\n\nsee\nbelow\n\n- one\n- two"
    assert message.hidden_text == "no"


def test_soft_line_breaks_are_joined() -> None:
    raw = (
        PLAIN + b"Content-Type: text/plain; format=flowed\n\nThis is \none line.\nAnd another.\n> a quote \n> goes on\n"
    )
    assert parse_message(raw).text.split("\n")[:2] == ["This is one line.", "And another."]


def test_what_is_missing_is_derived_or_empty() -> None:
    first, second = parse_message(b"From: a@b.example\n\nx"), parse_message(b"From: a@b.example\n\ny")
    assert first.message_id == parse_message(b"From: a@b.example\n\nx").message_id
    assert first.message_id != second.message_id
    assert first.message_id.endswith("@derived.invalid>")
    assert (first.sent_at, first.subject, first.to, first.thread_key) == (None, "", (), first.message_id)


@pytest.mark.parametrize(
    "date",
    [b"yesterday", b"Tue, 99 Foo 2026", b"", b"Thu, 1 Jan 99999 00:00:00 +0000", b"Tue, 3 Mar 2026 09:12:00 +9999999"],
)
def test_a_broken_date_is_none(date: bytes) -> None:
    assert parse_message(b"From: a@b.example\nDate: " + date + b"\n\nx").sent_at is None


def test_a_date_without_a_zone_is_utc() -> None:
    assert parse_message(b"Date: Tue, 3 Mar 2026 09:12:00\n\nx").sent_at == datetime(2026, 3, 3, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (b"ana@acme.example", "ana@acme.example"),
        (b'"Kovac, Ana" <ana@acme.example>', "ana@acme.example"),
        (b"<ana@acme.example> (Ana)", "ana@acme.example"),
        (b"=?utf-8?q?J=C3=BCrgen?= <j@acme.example>", "j@acme.example"),
        (b"Ana ana@acme.example", "ana@acme.example"),
        (b"undisclosed-recipients:;", ""),
        (b"nobody", ""),
        (b"(" * 20_000, ""),
        (b"<" * 20_000, ""),
    ],
)
def test_a_sender_is_found_or_empty(header: bytes, address: str) -> None:
    assert parse_message(b"Subject: x\nFrom: " + header + b"\n\nx").from_address == address


def test_headers_for_triage() -> None:
    raw = PLAIN + b"List-Unsubscribe: <mailto:a@b>\nList-Id: x\nAuto-Submitted: auto-replied\nPrecedence: Bulk\n\nx"
    message = parse_message(raw)
    assert message.list_unsubscribe
    assert message.is_list
    assert message.auto_submitted
    assert message.precedence == "bulk"
    assert not parse_message(PLAIN + b"Auto-Submitted: no\n\nx").auto_submitted


def test_a_calendar_reply_is_known() -> None:
    raw = (
        PLAIN
        + b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\n--b--\n"
    )
    assert parse_message(raw).is_calendar_reply


def test_a_mail_inside_a_mail_is_a_file() -> None:
    raw = (
        PLAIN
        + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSee below\n--b\nContent-Type: message/rfc822\n\nFrom: c@d.example\n\nInner\n--b--\n"
    )
    message = parse_message(raw)
    assert message.text == "See below"
    assert b"Inner" in message.attachments[0].content


@pytest.mark.parametrize(
    "tail",
    [
        b"Content-Type: multipart/mixed\n\nno boundary",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n",
        b"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\nHi",
        b"Content-Transfer-Encoding: base64\n\n!!!not base64!!!",
        b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\nx\nend",
        b"Content-Type: ;;;\n\nx",
        b"Content-Type: text/plain; charset*=nonsense''x\n\nx",
        b"Content-Disposition: attachment; filename*0*=utf-8''%FF; filename*1=x\n\nx",
    ],
)
def test_broken_parts_do_no_harm(tail: bytes) -> None:
    assert parse_message(PLAIN + tail).subject == "Hi"


@pytest.mark.parametrize(
    ("raw", "message"),
    [(b"", "is empty"), (b" \n\n", "is empty"), (b"just words", "not a mail"), (b"\x00\xff" * 99, "not a mail")],
)
def test_what_is_no_mail_is_told_by_name(raw: bytes, message: str) -> None:
    with pytest.raises(Invalid, match=f"a.eml {message}|a.eml is {message}"):
        parse_message(raw, name="a.eml")


def test_too_large_a_mail_is_refused_by_name() -> None:
    with pytest.raises(TooLarge, match="has 27,"):
        parse_message(PLAIN + b"\n" + b"x" * (26 << 20), name="a.eml")


def test_a_mail_nested_without_end_is_refused_or_read() -> None:
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000))
    try:
        parse_message(PLAIN + nested)
    except Invalid as error:
        assert "nested" in error.message  # noqa: PT017


@pytest.mark.parametrize("piece", ["<div>", "<b", "<!--", "<p style='", "<table><tr><td>", "<li>"])
def test_endless_html_is_read_as_far_as_it_goes(piece: str) -> None:
    raw = PLAIN + b"Content-Type: text/html\n\n<p>Hello</p>" + piece.encode() * 5_000
    assert parse_message(raw).text.startswith("Hello")


@given(raw=st.binary(max_size=600))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for content in (raw, PLAIN + raw):
        try:
            message = parse_message(content)
        except StewardError:
            continue
        assert "\x00" not in message.text + message.subject + message.from_name + message.from_address


@given(words=st.text(max_size=300))
def test_any_html_is_made_harmless(words: str) -> None:
    raw = PLAIN + b"Content-Type: text/html; charset=utf-8\n\n<p>" + words.encode(errors="replace")
    html = (parse_message(raw).html_sanitized or "").casefold()
    assert "<img" not in html
    assert "<script" not in html
