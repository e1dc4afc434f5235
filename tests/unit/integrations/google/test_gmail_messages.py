"""Messages out of the tree of their parts, as Gmail hands out those with large files."""

import base64
from typing import Any

import pytest

from core.outside.errors import Malformed
from core.outside.mail import ARCHIVE, INBOX, UNREAD
from integrations.google.gmail_messages import decode_base64url, files_of, label_words, read_message


def data(text: str | bytes) -> str:
    content = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def leaf(media_type: str, content: str | bytes, **more: Any) -> dict[str, Any]:
    return {"mimeType": media_type, "filename": "", "headers": [], "body": {"data": data(content)}, **more}


def resource(payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    headers = [
        {"name": "From", "value": "Ana Lind <ana@example.com>"},
        {"name": "Subject", "value": "=?utf-8?q?Gr=C3=BC=C3=9Fe?="},
        {"name": "Message-ID", "value": "<1@example.com>"},
        {"name": "List-Unsubscribe", "value": "<mailto:u@example.com>"},
    ]
    whole = {"mimeType": "multipart/mixed", "headers": headers, **payload}
    return {"id": "m1", "threadId": "t1", "labelIds": ["INBOX", "UNREAD", "Label_1"], "payload": whole, **more}


FILE: dict[str, Any] = {
    "mimeType": "application/pdf",
    "filename": 'plan "A".pdf',
    "headers": [],
    "body": {"attachmentId": "long", "size": 9_000_000},
}


def test_text_html_and_files_are_told_apart() -> None:
    both = {
        "mimeType": "multipart/alternative",
        "parts": [leaf("text/plain", "Grüße, 日本"), leaf("text/html", "<p>Grüße</p><script>x</script>")],
    }
    mail = read_message(resource({"parts": [both, FILE]}), {"Label_1": "Orders"})
    assert (mail.subject, mail.text, mail.sender.name) == ("Grüße", "Grüße, 日本", "Ana Lind")
    assert "script" not in (mail.html or "")
    assert [(file.id, file.media_type, file.size_bytes) for file in mail.attachments] == [
        ("0/plan _A_.pdf", "application/pdf", 9_000_000)
    ]
    assert mail.labels == {INBOX, UNREAD, "Orders"}
    assert mail.list_unsubscribe


def test_text_that_is_not_utf8_is_read_by_its_charset() -> None:
    header = [{"name": "Content-Type", "value": "text/plain; charset=iso-8859-1"}]
    part = leaf("text/plain", "Grüße".encode("latin-1"), headers=header)
    assert read_message(resource({"parts": [part]}), {}).text == "Grüße"


def test_a_mail_of_one_part_has_its_text_at_the_root() -> None:
    message = resource({})
    message["payload"] |= leaf("text/plain", "Hello") | {"headers": message["payload"]["headers"]}
    assert read_message(message, {}).text == "Hello"


def test_a_boundary_inside_a_text_does_not_split_it() -> None:
    text = "--=_steward_0_root\r\nContent-Type: text/html\r\n\r\n<b>x</b>"
    mail = read_message(resource({"parts": [leaf("text/plain", text), leaf("text/plain", "second")]}), {})
    assert "second" in mail.text
    assert mail.html is None


@pytest.mark.parametrize("name", ["From\r\nBcc", "", "X Y", "Ä"])
def test_a_header_with_an_odd_name_is_left_out(name: str) -> None:
    message = resource({"parts": [leaf("text/plain", "Hello")]})
    message["payload"]["headers"].append({"name": name, "value": "eve@example.net"})
    mail = read_message(message, {})
    assert mail.sender.address == "ana@example.com"
    assert mail.text == "Hello"


@pytest.mark.parametrize(
    "payload",
    [
        {"parts": "x"},
        {"parts": [7, None]},
        {"headers": 7},
        {"mimeType": 7},
        {"body": 7},
        {"parts": [{"body": {"data": ""}}]},
    ],
)
def test_a_tree_of_any_shape_stops_nothing(payload: dict[str, Any]) -> None:
    assert read_message(resource(payload), {}).ref == "m1"


def test_files_keep_their_order_in_nested_trees() -> None:
    inner: dict[str, Any] = {
        "mimeType": "multipart/related",
        "parts": [leaf("text/html", "x"), FILE | {"filename": "b"}],
    }
    found = files_of(
        {"mimeType": "multipart/mixed", "parts": [FILE | {"filename": "a"}, inner, FILE | {"filename": "c"}]}
    )
    assert [part["filename"] for part in found] == ["a", "b", "c"]


def test_a_mail_in_no_place_is_archived() -> None:
    assert label_words(["UNREAD"], {}) == {UNREAD, ARCHIVE}
    assert label_words(["INBOX"], {}) == {INBOX}
    assert label_words(None, {}) == {ARCHIVE}


@pytest.mark.parametrize("text", ["*", "a b", "ä", "A"])
def test_base64_that_is_none_is_not_understood(text: str) -> None:
    with pytest.raises(Malformed):
        decode_base64url(text)
