"""Mail as the API tells it. Everything in it was written by others."""

from datetime import datetime

from pydantic import BaseModel

from core.outside.mail import IncomingMail

EXCERPT = 300


class Person(BaseModel):
    """Somebody in a header."""

    address: str
    name: str


class MailFile(BaseModel):
    """An attached file; its content stays in the mailbox."""

    name: str
    media_type: str
    size_bytes: int


class MailSummary(BaseModel):
    """A mail in a list: `excerpt` is the beginning of its text."""

    id: str
    message_id: str
    thread_key: str
    sender: Person
    to: list[Person]
    subject: str
    sent_at: datetime | None
    labels: list[str]
    excerpt: str
    attachments: list[MailFile]

    @classmethod
    def of(cls, mail: IncomingMail) -> "MailSummary":
        return cls.model_validate(_common(mail))


class Mail(MailSummary):
    """A whole mail: its plain text, and its HTML made harmless (no scripts, no images from elsewhere)."""

    cc: list[Person]
    text: str
    html: str | None

    @classmethod
    def of(cls, mail: IncomingMail) -> "Mail":
        cc = [Person(address=one.address, name=one.name) for one in mail.cc]
        return cls.model_validate({**_common(mail), "cc": cc, "text": mail.text, "html": mail.html})


class MailList(BaseModel):
    """Mail, newest first."""

    items: list[MailSummary]


def _common(mail: IncomingMail) -> dict[str, object]:
    return {
        "id": mail.ref,
        "message_id": mail.message_id,
        "thread_key": mail.thread,
        "sender": Person(address=mail.sender.address, name=mail.sender.name),
        "to": [Person(address=one.address, name=one.name) for one in mail.to],
        "subject": mail.subject,
        "sent_at": mail.sent_at,
        "labels": sorted(mail.labels),
        "excerpt": mail.text[:EXCERPT],
        "attachments": [
            MailFile(name=one.name, media_type=one.media_type, size_bytes=one.size_bytes) for one in mail.attachments
        ],
    }
