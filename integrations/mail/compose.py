"""Mails as bytes: composed from approved parts, and read back to prove that nothing else got in."""

import re
from email import policy
from email.errors import MessageError
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.parser import Parser
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import cast

from core.errors import TooLarge
from core.outside.addresses import CONTROL, REORDERING, invalid, wire_address
from core.outside.mail import LARGEST_MAIL_BYTES, OutgoingMail

LONGEST_SUBJECT = 900
LONGEST_NAME = 200
MOST_REFERENCES = 50
ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[bq]\?[^?\s]*\?=", re.IGNORECASE)
MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
MEDIA_TYPE = re.compile(r"(?!multipart/|message/)[a-z]+/[a-z0-9][a-z0-9.+-]*", re.IGNORECASE)
UNPRINTABLE_IN_BODY = re.compile(r"[\x00\ud800-\udfff]")


class _IdsHeader(UnstructuredHeader):
    """Message-IDs, folded between them only: the library would write a long one as an encoded word."""

    def fold(self, *, policy: policy.Policy) -> str:
        name = str(getattr(self, "name", ""))
        return f"{name}: " + f"{policy.linesep} ".join(str(self).split()) + policy.linesep


def _policy(*, utf8: bool) -> "EmailPolicy[EmailMessage]":
    registry = HeaderRegistry()
    for name in ("message-id", "in-reply-to", "references"):
        registry.map_to_type(name, cast(type[BaseHeader], _IdsHeader))  # the registry mixes the base class in
    return policy.SMTP.clone(header_factory=registry, utf8=utf8, cte_type="7bit")


def compose(mail: OutgoingMail) -> EmailMessage:
    """The message; Bcc stands in no header; `as_bytes()` has no line that a plain server could not take.

    Raises Invalid that names the field: control characters, an entry that is not exactly one address, no recipient, a
    malformed id, a date without zone; and when what is read back from the message is not what was approved. Raises
    TooLarge beyond 25 MB.
    """
    _check(mail)
    message = EmailMessage(policy=_policy(utf8=mail.needs_smtputf8))
    message["Message-ID"] = mail.message_id
    message["Date"] = format_datetime(mail.date)
    message["From"] = _header_address("from", mail.from_address, mail.from_name)
    for header, values in (("To", mail.to), ("Cc", mail.cc)):
        if values:
            message[header] = [_header_address(header.lower(), value) for value in values]
    message["Subject"] = mail.subject
    replied = [mail.in_reply_to] if mail.in_reply_to else []
    references = list(dict.fromkeys([*mail.references, *replied]))
    if mail.in_reply_to:
        message["In-Reply-To"] = mail.in_reply_to
    if references:
        message["References"] = " ".join([*references[:1], *references[1:][-MOST_REFERENCES:]])
    _set_body(message, mail.body)
    for attachment in mail.attachments:
        media_type = attachment.media_type if MEDIA_TYPE.fullmatch(attachment.media_type) else ""
        main, _, sub = (media_type or "application/octet-stream").partition("/")
        message.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.name)
    _read_back(message, mail)
    return message


def _header_address(field_name: str, value: str, name: str = "") -> Address:
    local, _, domain = wire_address(field_name, value).rpartition("@")
    return Address(name, username=local, domain=domain)


def _check(mail: OutgoingMail) -> None:
    if not mail.recipients:
        raise invalid("to", "there is no recipient")
    for name, values in (("from", (mail.from_address,)), ("to", mail.to), ("cc", mail.cc), ("bcc", mail.bcc)):
        for value in values:
            wire_address(name, value)
    for name, text, longest in (
        ("subject", mail.subject, LONGEST_SUBJECT),
        ("from name", mail.from_name, LONGEST_NAME),
    ):
        if CONTROL.search(text):
            raise invalid(name, "it has a line break or another control character")
        if ENCODED_WORD.search(text):
            raise invalid(name, "it has the form =?...?=, which mail programs would decode into something else")
        if len(text) > longest:
            raise invalid(name, f"it has {len(text)} characters; {longest} are allowed")
    if REORDERING.search(mail.from_name):
        raise invalid("from name", "it has an invisible character")
    if UNPRINTABLE_IN_BODY.search(mail.body):
        raise invalid("body", "it has a character that no mail can carry (NUL or half of a surrogate pair)")
    if mail.date.tzinfo is None:
        raise invalid("date", f"{mail.date.isoformat()} has no time zone")
    replied = [mail.in_reply_to] if mail.in_reply_to else []
    for name, ids in (("message_id", [mail.message_id]), ("in_reply_to", replied), ("references", mail.references)):
        for value in ids:
            if not MESSAGE_ID.fullmatch(value) or (name == "message_id" and "@" not in value):
                raise invalid(name, f"{value[:80]!r} is not of the form <left@right>")
    for attachment in mail.attachments:
        name = attachment.name
        if CONTROL.search(name) or REORDERING.search(name) or not name.strip(" ."):
            raise invalid("attachment", "its name is empty or has a control or an invisible character")
        if re.search(r"[/\\]", name) or len(name) > LONGEST_NAME:
            raise invalid("attachment", f"its name has a slash, or more than {LONGEST_NAME} characters")
    size = len(mail.body.encode()) + sum(len(a.content) for a in mail.attachments)
    if size > LARGEST_MAIL_BYTES:
        raise TooLarge(f"The mail {mail.subject[:80]!r} has {size:,} bytes; {LARGEST_MAIL_BYTES:,} are allowed")


def _set_body(message: EmailMessage, body: str) -> None:
    text = body.replace("\r\n", "\n").replace("\r", "\n")
    plain = text.isascii() and all(len(line) <= 900 for line in text.split("\n"))
    message.set_content(text, cte="7bit" if plain else "quoted-printable")


def _read_back(message: EmailMessage, mail: OutgoingMail) -> None:
    """What a mail program would read must be what was approved: recipients, subject, sender, text, files."""
    try:
        again = Parser(_class=EmailMessage, policy=policy.SMTP).parsestr(message.as_bytes().decode())
    except (MessageError, UnicodeError, ValueError, IndexError) as error:
        raise invalid("content", "it cannot be written as a mail") from error
    approved = {"from": (mail.from_address,), "to": mail.to, "cc": mail.cc, "bcc": ()}
    for header, addresses in approved.items():
        if _addresses(again, header) != [wire_address(header, address) for address in addresses]:
            raise invalid(header, "the addresses of the finished mail are not those that were approved")
    body = again.get_body(("plain",))
    text = body.get_content() if body else ""
    for name, found, wanted in (("subject", str(again["Subject"] or ""), mail.subject), ("body", str(text), mail.body)):
        if _words(found) != _words(wanted):
            raise invalid(name, "what mail programs would read is not what was approved")
    files = [(str(part.get_filename()), part.get_payload(decode=True)) for part in again.iter_attachments()]
    if files != [(one.name, one.content) for one in mail.attachments]:
        raise invalid("attachment", "the files of the finished mail are not those that were approved")


def _addresses(message: EmailMessage, header: str) -> list[str]:
    # `addresses` is what the header registry gives address headers; the type of a looked-up header does not say so.
    found: list[str] = []
    for value in message.get_all(header, []):
        parsed: tuple[Address, ...] = getattr(value, "addresses", ())
        found.extend(f"{a.username}@{a.domain}" for a in parsed)
    return found


def _words(text: str) -> str:
    return "".join(text.split())
