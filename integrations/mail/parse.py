"""Mails as records, however broken they are."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from functools import cached_property
from typing import cast
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field

from core.errors import Invalid, TooLarge
from core.outside.addresses import CONTROL, REORDERING
from core.outside.mail import DeliveryReport, believable
from integrations.mail.decoding import clean_text, decode_header, decode_text, unflow
from integrations.mail.html import ReadHtml, read_html, sanitize_html
from integrations.mail.reports import delivery_report

LARGEST_MAIL_BYTES = 25 * 1024 * 1024
LONGEST_TEXT = 1_000_000
LONGEST_HEADER = 50_000
MOST_PARTS = 1_000
MOST_REFERENCES = 200
MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]\\@]{1,64}@[^\s<>,;:\"()\[\]\\@]{1,254}")
POSTING = re.compile(r"<\s*mailto:([^<>\s]{1,1000})\s*>", re.IGNORECASE)
MAIL_HEADERS = {
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "received",
    "return-path",
    "delivered-to",
    "sender",
    "cc",
}
AUTOMATIC_HEADERS = {"x-autoreply", "x-autorespond", "x-auto-response-suppress"}


class Mailbox(BaseModel):
    """A person in a header; the address is in lower case."""

    model_config = ConfigDict(frozen=True)
    name: str = ""
    address: str


class MailAttachment(BaseModel):
    """A file in a mail; `sha256` is hex over `content`, `part` its number in the mail as IMAP counts (RFC 3501: 2, 1.3)."""

    model_config = ConfigDict(frozen=True)
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    content: bytes = Field(repr=False)
    part: str = "1"


class MailMessage(BaseModel):
    """A mail as read. Everything in it was written by others: untrusted. No string holds NUL.

    `message_id` is derived from the content where the mail has none. `text` is the best plain text, quotes included
    (`quotes.split_quoted` takes them off); `hidden_text` is what its HTML hides from sight.
    """

    model_config = ConfigDict(frozen=True)
    message_id: str
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    from_name: str = ""
    from_address: str = ""
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    subject: str = ""
    sent_at: datetime | None = None
    text: str = Field("", repr=False)
    html_sanitized: str | None = Field(None, repr=False)
    hidden_text: str = Field("", repr=False)
    remote_images: int = 0
    attachments: tuple[MailAttachment, ...] = ()
    list_unsubscribe: bool = False
    is_list: bool = False
    list_post: tuple[str, ...] = ()
    auto_submitted: bool = False
    precedence: str = ""
    is_calendar_reply: bool = False
    delivery_report: DeliveryReport | None = None

    @property
    def thread_key(self) -> str:
        """The Message-ID that the thread began with, as far as this mail tells."""
        return self.references[0] if self.references else self.in_reply_to or self.message_id


def parse_message(raw: bytes, *, name: str = "message") -> MailMessage:
    """A mail from its bytes; `name` says in errors where it comes from.

    Raises TooLarge beyond 25 MB, Invalid for what is empty, has no header of a mail, or is nested too deeply.
    """
    if len(raw) > LARGEST_MAIL_BYTES:
        raise TooLarge(f"{name} has {len(raw):,} bytes; a mail may have {LARGEST_MAIL_BYTES:,}")
    if not raw.strip():
        raise Invalid(f"{name} is empty")
    try:
        message = message_from_bytes(raw, policy=policy.compat32)
        headers = _headers(message)
        if not MAIL_HEADERS & headers.keys():
            raise Invalid(f"{name} is not a mail: it has no header such as From, Date or Subject")
        return _read(message, headers, raw)
    except RecursionError as error:
        raise Invalid(f"{name} is nested too deeply to be read") from error


def _read(message: "Message[str, str]", headers: dict[str, str], raw: bytes) -> MailMessage:
    body = _Body()
    for number, part in _leaves(message):
        body.take(part, number)
    senders = _mailboxes(headers.get("from") or headers.get("sender", ""))
    sender = senders[0] if senders else None
    ids = MESSAGE_ID.findall(headers.get("message-id", ""))
    replied = MESSAGE_ID.findall(headers.get("in-reply-to", ""))
    automatic = headers.get("auto-submitted", "no").partition(";")[0].strip().casefold()
    return MailMessage(
        message_id=ids[0] if ids else f"<{hashlib.sha256(raw).hexdigest()[:40]}@derived.invalid>",
        in_reply_to=replied[0] if replied else None,
        references=tuple(dict.fromkeys(MESSAGE_ID.findall(headers.get("references", ""))))[:MOST_REFERENCES],
        from_name=sender.name if sender else "",
        from_address=sender.address if sender else "",
        to=tuple(_mailboxes(headers.get("to", ""))),
        cc=tuple(_mailboxes(headers.get("cc", ""))),
        reply_to=tuple(_mailboxes(headers.get("reply-to", ""))),
        subject=decode_header(headers.get("subject", "")),
        sent_at=_date(headers.get("date", "")),
        text=body.text,
        html_sanitized=sanitize_html(body.html) if body.html else None,
        hidden_text=body.read.hidden_text[:LONGEST_TEXT],
        remote_images=body.read.remote_images,
        attachments=tuple(body.attachments),
        list_unsubscribe="list-unsubscribe" in headers,
        is_list="list-id" in headers,
        list_post=_posting_addresses(headers.get("list-post", "")),
        auto_submitted=automatic not in {"", "no"} or bool(AUTOMATIC_HEADERS & headers.keys()),
        precedence=decode_header(headers.get("precedence", "")).casefold()[:40],
        is_calendar_reply=body.is_calendar_reply,
        delivery_report=delivery_report(message, headers),
    )


class _Body:
    """The parts of a mail, sorted into text, HTML and files."""

    def __init__(self) -> None:
        self._plain: list[str] = []
        self._html: list[str] = []
        self.attachments: list[MailAttachment] = []
        self.is_calendar_reply = False

    def take(self, part: "Message[str, str]", number: str) -> None:
        media_type = part.get_content_type()
        content = _content(part)
        file_name = _parameter(part, "filename", "content-disposition") or _parameter(part, "name", "content-type")
        is_file = part.get_content_disposition() == "attachment" or bool(file_name)
        if media_type == "text/calendar" and _parameter(part, "method", "content-type").upper() in {"REPLY", "COUNTER"}:
            self.is_calendar_reply = True
        if media_type == "text/plain" and not is_file:
            text = decode_text(content, _charset(part))
            if _parameter(part, "format", "content-type").casefold() == "flowed":
                text = unflow(text, delete_space=_parameter(part, "delsp", "content-type").casefold() == "yes")
            self._plain.append(text)
        elif media_type == "text/html" and not is_file:
            self._html.append(decode_text(content, _charset(part)))
        elif content or is_file:
            plain = REORDERING.sub("", CONTROL.sub("", decode_header(file_name)))
            name = plain.replace("\\", "/").rpartition("/")[2].strip(". ")[:200]
            digest = hashlib.sha256(content).hexdigest()
            kind = media_type if re.fullmatch(r"[\w.+-]+/[\w.+-]+", media_type) else "application/octet-stream"
            self.attachments.append(
                MailAttachment(
                    name=name or "attachment",
                    media_type=kind,
                    size_bytes=len(content),
                    sha256=digest,
                    content=content,
                    part=number,
                )
            )

    @property
    def html(self) -> str:
        return "\n".join(self._html)

    @cached_property
    def read(self) -> ReadHtml:
        return read_html(self.html)

    @property
    def text(self) -> str:
        plain = "\n".join(self._plain).strip()
        return (plain or self.read.text)[:LONGEST_TEXT]


def _headers(message: "Message[str, str]") -> dict[str, str]:
    """The first header of each name, as it stands; raw bytes in it are surrogate escapes."""
    found: dict[str, str] = {}
    for name, value in message.raw_items():
        found.setdefault(str(name).casefold(), re.sub(r"[\r\n]+", "", str(value))[:LONGEST_HEADER])
    return found


def _leaves(message: "Message[str, str]") -> Iterator[tuple[str, "Message[str, str]"]]:
    """The parts that hold content, in order, with their numbers; a mail inside a mail is one part."""
    waiting = [("", message)]
    for _ in range(MOST_PARTS):
        if not waiting:
            return
        number, part = waiting.pop()
        payload: object = part.get_payload()
        if isinstance(payload, list) and part.get_content_maintype() != "message":
            inner = cast(list["Message[str, str]"], payload)
            prefix = f"{number}." if number else ""
            waiting.extend((f"{prefix}{n}", one) for n, one in reversed(list(enumerate(inner, 1))))
        else:
            yield number or "1", part


def _content(part: "Message[str, str]") -> bytes:
    payload: object = part.get_payload()
    if isinstance(payload, list):
        inner = cast(list[object], payload)
        try:
            return b"".join(p.as_bytes() for p in inner if isinstance(p, Message))
        except (UnicodeError, LookupError, AttributeError):
            return b""  # an enclosed mail too broken to be written again
    try:
        decoded: object = part.get_payload(decode=True)
    except (ValueError, LookupError):
        decoded = None
    return decoded if isinstance(decoded, bytes) else str(payload or "").encode("utf-8", errors="surrogateescape")


def _charset(part: "Message[str, str]") -> str | None:
    return _parameter(part, "charset", "content-type") or None


def _parameter(part: "Message[str, str]", name: str, header: str) -> str:
    try:
        value = part.get_param(name, "", header)
    except (ValueError, LookupError, IndexError, TypeError):
        return ""
    if isinstance(value, tuple):  # RFC 2231: charset, language, text
        charset, _, text = value
        return decode_text(text.encode("latin-1", errors="replace"), charset or None)
    return clean_text(value).strip()


def _mailboxes(header: str) -> list[Mailbox]:
    try:
        pairs = getaddresses([header])
    except (RecursionError, IndexError, ValueError):
        pairs = []
    found = [
        Mailbox(name=decode_header(name)[:200], address=clean_text(address.encode(errors="ignore").decode()).casefold())
        for name, address in pairs
        if ADDRESS.fullmatch(address.strip())
    ]
    if not found:
        found = [Mailbox(address=address.casefold()) for address in ADDRESS.findall(decode_header(header))]
    return found[:1000]


def _posting_addresses(header: str) -> tuple[str, ...]:
    """The addresses in List-Post, in lower case: "<mailto:dev@example.org>" (RFC 2369); NO means none."""
    written = (unquote(one.partition("?")[0]) for one in POSTING.findall(header))
    found = (one for address in written for one in ADDRESS.findall(clean_text(address)))
    return tuple(dict.fromkeys(one.casefold() for one in found))[:10]


def _date(value: str) -> datetime | None:
    try:
        sent_at = parsedate_to_datetime(clean_text(value))
        sent_at = sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return believable(sent_at)
