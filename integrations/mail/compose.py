"""Mails as bytes: composed from approved parts, and read back to prove that nothing else got in."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import format_datetime, getaddresses

from core.errors import Invalid

CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")
LOCAL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}")
DOMAIN = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,253}")
MESSAGE_ID = re.compile(r"<[^\s<>@]+@[^\s<>@]+>")


@dataclass(frozen=True)
class MailAttachment:
    """A file that goes with a mail."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class OutgoingMail:
    """A mail to be sent. Addresses are bare, one an entry; `message_id` is in angle brackets; `date` is aware."""

    from_address: str
    from_name: str
    to: list[str]
    subject: str
    body: str
    message_id: str
    date: datetime
    cc: list[str] = field(default_factory=list[str])
    bcc: list[str] = field(default_factory=list[str])
    in_reply_to: str | None = None
    references: list[str] = field(default_factory=list[str])
    attachments: list[MailAttachment] = field(default_factory=list[MailAttachment])

    @property
    def recipients(self) -> list[str]:
        """Everybody it goes to, once each, in order."""
        return list(dict.fromkeys([*self.to, *self.cc, *self.bcc]))


def compose(mail: OutgoingMail) -> EmailMessage:
    """The message; Bcc stands in no header.

    Raises Invalid that names the field: control characters, an entry that is not exactly one address, no recipient, a
    malformed id; and when the addresses read back from the message are not those approved.
    """
    if not mail.recipients:
        raise _invalid("to", "there is no recipient")
    for name, values in (("from", [mail.from_address]), ("to", mail.to), ("cc", mail.cc), ("bcc", mail.bcc)):
        for value in values:
            _address(name, value)
    for name, text in (("subject", mail.subject), ("from name", mail.from_name)):
        if CONTROL.search(text):
            raise _invalid(name, "it has a line break or another control character")
    for name, ids in (
        ("message_id", [mail.message_id]),
        ("in_reply_to", [mail.in_reply_to] if mail.in_reply_to else []),
        ("references", mail.references),
    ):
        for value in ids:
            if not MESSAGE_ID.fullmatch(value):
                raise _invalid(name, f"{value[:80]!r} is not of the form <left@right>")
    message = EmailMessage(policy=policy.SMTP)
    message["Message-ID"] = mail.message_id
    message["Date"] = format_datetime(mail.date)
    message["From"] = Address(mail.from_name, addr_spec=mail.from_address)
    for header, values in (("To", mail.to), ("Cc", mail.cc)):
        if values:
            message[header] = [Address(addr_spec=value) for value in values]
    message["Subject"] = mail.subject
    if mail.in_reply_to:
        message["In-Reply-To"] = mail.in_reply_to
        message["References"] = " ".join(dict.fromkeys([*mail.references, mail.in_reply_to]))
    message.set_content(mail.body.replace("\r\n", "\n").replace("\r", "\n"))
    for attachment in mail.attachments:
        if CONTROL.search(attachment.name):
            raise _invalid("attachment", "its name has a control character")
        main, _, sub = attachment.media_type.partition("/")
        message.add_attachment(
            attachment.content, maintype=main, subtype=sub or "octet-stream", filename=attachment.name
        )
    _same_recipients(message, mail)
    return message


def _address(field_name: str, value: str) -> None:
    local, at, domain = value.rpartition("@")
    if not at or not LOCAL.fullmatch(local) or not DOMAIN.fullmatch(domain) or CONTROL.search(value):
        raise _invalid(field_name, f"{value[:100]!r} is not one address")
    try:
        domain.encode("idna")
    except UnicodeError as error:
        raise _invalid(field_name, f"{domain[:100]!r} is not a domain") from error


def _same_recipients(message: EmailMessage, mail: OutgoingMail) -> None:
    again = BytesParser(policy=policy.SMTP).parsebytes(message.as_bytes(policy=policy.SMTPUTF8))
    for header, approved in (("To", mail.to), ("Cc", mail.cc), ("Bcc", [])):
        if _read_back(again.get_all(header, [])) != approved:
            raise _invalid(header.lower(), "the addresses of the finished mail are not those that were approved")


def _read_back(headers: Iterable[object]) -> list[str]:
    return [address for _, address in getaddresses([str(header) for header in headers])]


def _invalid(field_name: str, problem: str) -> Invalid:
    return Invalid(f"The mail's {field_name} is wrong: {problem}", errors=[{"field": field_name, "message": problem}])
