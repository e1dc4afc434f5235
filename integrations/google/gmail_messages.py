"""Messages as Gmail hands them out, as the mails that the house knows.

Most come whole (`raw`, RFC 5322). One whose attachments make it large is put together again from the tree of its
parts, in which Gmail leaves the contents of files out.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.errors import StewardError
from core.outside.errors import Malformed
from core.outside.mail import (
    ARCHIVE,
    DRAFTS,
    FLAGGED,
    INBOX,
    SENT,
    SPAM,
    TRASH,
    UNREAD,
    IncomingMail,
    MailAddress,
    believable,
)
from integrations.google.answers import mapping, mappings, values
from integrations.mail.decoding import clean_text
from integrations.mail.incoming import as_incoming
from integrations.mail.parse import parse_message

Json = Mapping[str, Any]
COMMON: Mapping[str, str] = {
    "INBOX": INBOX,
    "SENT": SENT,
    "DRAFT": DRAFTS,
    "TRASH": TRASH,
    "SPAM": SPAM,
    "UNREAD": UNREAD,
    "STARRED": FLAGGED,
}
PLACES = frozenset({INBOX, SENT, DRAFTS, TRASH, SPAM})
MOST_PARTS = 1000
LONGEST_HEADER = 50_000
BOUNDARY = "=_steward_{}_="


def decode_base64url(text: object) -> bytes:
    """Gmail's base64url, padded or not. Raises Malformed."""
    try:
        plain = str(text).rstrip("=").encode("ascii")
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError, UnicodeError) as error:
        raise Malformed("Gmail's answer has content that is not base64url") from error


def label_words(label_ids: object, names: Mapping[str, str]) -> frozenset[str]:
    """The words of `core.outside.mail` for Gmail's label ids, and the names of a person's own labels."""
    words = {COMMON.get(one) or names.get(one, one) for one in map(str, values(label_ids))}
    return frozenset(words if words & PLACES else words | {ARCHIVE})


def read_message(resource: Json, names: Mapping[str, str]) -> IncomingMail:
    """The mail in a message resource of format raw or full, however broken it is. Raises Malformed for no message."""
    ref, thread = resource.get("id"), resource.get("threadId")
    if not isinstance(ref, str) or not ref:
        raise Malformed("Gmail's answer has a message without an id")
    content = decode_base64url(resource["raw"]) if "raw" in resource else rebuilt(mapping(resource.get("payload")))
    labels = label_words(resource.get("labelIds"), names)
    received = internal_date(resource)
    try:
        read = parse_message(content, name=f"message {ref}")
    except StewardError as error:
        return _unreadable(ref, str(thread or ref), labels, received, str(resource.get("snippet") or ""), error)
    mail = as_incoming(read, ref=ref, thread=str(thread or ref), labels=labels)
    sizes = {} if "raw" in resource else dict(enumerate(map(_size, files_of(mapping(resource.get("payload"))))))
    files = tuple(
        replace(one, id=attachment_id(number, one.name), size_bytes=sizes.get(number, one.size_bytes))
        for number, one in enumerate(mail.attachments)
    )
    return replace(mail, attachments=files, sent_at=mail.sent_at or received)


def _unreadable(
    ref: str, thread: str, labels: frozenset[str], received: datetime | None, snippet: str, why: StewardError
) -> IncomingMail:
    """What is left of a message that is no mail: Gmail's own line about it, so that it is seen, and nothing stops."""
    return IncomingMail(
        ref=ref,
        message_id=f"<{ref}@gmail.invalid>",
        thread=thread,
        sender=MailAddress(""),
        subject="(a message that cannot be read)",
        sent_at=received,
        text=clean_text(f"{snippet}\n\n{why.message}".strip()),
        labels=labels,
        auto_submitted=True,
        is_cut=True,
    )


def internal_date(resource: Json) -> datetime | None:
    """When Gmail took the message in (milliseconds since 1970)."""
    text = str(resource.get("internalDate") or "")
    if not text.isdecimal() or len(text) > 14:
        return None
    return believable(datetime.fromtimestamp(int(text) / 1000, UTC))


def attachment_id(number: int, name: str) -> str:
    """Our name for a file of a mail. Gmail's own ids change with every look."""
    return f"{number}/{name}"


# A mail from the tree of its parts


def rebuilt(payload: Json) -> bytes:
    """A mail with the headers and texts of a payload; files are there by name and type, without content."""
    return b"".join(_part(payload, "0"))


def _part(part: Json, place: str) -> Iterator[bytes]:
    inner = parts_of(part)
    media_type = str(part.get("mimeType") or "text/plain").casefold()
    is_tree = bool(inner) and media_type.startswith("multipart/")
    for name, value in _headers(part):
        if name.casefold() not in {"content-transfer-encoding", "content-type", "content-disposition"}:
            yield _header(name, value)
    if is_tree:
        boundary = BOUNDARY.format(place)
        yield _header("Content-Type", f'{media_type}; boundary="{boundary}"') + b"\r\n"
        for number, one in enumerate(inner[:MOST_PARTS]):
            yield f"--{boundary}\r\n".encode()
            yield from _part(one, f"{place}.{number}")
            yield b"\r\n"
        yield f"--{boundary}--\r\n".encode()
        return
    yield from _leaf(part, media_type)


def _leaf(part: Json, media_type: str) -> Iterator[bytes]:
    body, file_name = mapping(part.get("body")), str(part.get("filename") or "")
    is_file = bool(file_name) or "attachmentId" in body or not media_type.startswith("text/")
    if is_file:
        quoted = re.sub(r'["\\\r\n]', "_", file_name or "attachment")
        yield _header("Content-Type", media_type)
        yield _header("Content-Disposition", f'attachment; filename="{quoted}"') + b"\r\n"
        return
    content = decode_base64url(body.get("data", ""))
    given = next((value for name, value in _headers(part) if name.casefold() == "content-type"), media_type)
    yield _header("Content-Type", f"{media_type}; charset=utf-8" if _is_utf8(content) else given)
    yield _header("Content-Transfer-Encoding", "base64") + b"\r\n"
    yield base64.encodebytes(content)


def files_of(payload: Json) -> list[Json]:
    """The parts that are files, in order: those that `read_message` numbers."""
    found: list[Json] = []
    waiting = [payload]
    while waiting and len(found) < MOST_PARTS:
        part = waiting.pop()
        media_type = str(part.get("mimeType") or "text/plain").casefold()
        inner = parts_of(part)
        if inner and media_type.startswith("multipart/"):
            waiting.extend(reversed(inner))
        elif part.get("filename") or "attachmentId" in mapping(part.get("body")) or not media_type.startswith("text/"):
            found.append(part)
    return found


def _size(part: Json) -> int:
    size = mapping(part.get("body")).get("size")
    return size if isinstance(size, int) and size > 0 else 0


def header_of(resource: Json, name: str) -> str:
    """A header of a message resource of format full or metadata; empty where it has none."""
    for known, value in _headers(mapping(resource.get("payload"))):
        if known.casefold() == name.casefold():
            return value
    return ""


def parts_of(part: Json) -> list[dict[str, Any]]:
    """The parts inside a part."""
    return mappings(part.get("parts"))


def _headers(part: Json) -> Iterator[tuple[str, str]]:
    for field in mappings(part.get("headers")):
        yield str(field.get("name", "")), str(field.get("value", ""))


def _header(name: str, value: str) -> bytes:
    if not re.fullmatch(r"[!-9;-~]{1,100}", name):
        return b""
    line = re.sub(r"[\r\n\x00]+", " ", value)[:LONGEST_HEADER]
    return f"{name}: {line}\r\n".encode("utf-8", errors="replace")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
