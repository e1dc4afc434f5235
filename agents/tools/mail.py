"""Tools for mail: search and read it; write one, which a person approves before it is sent; write a rejected one anew."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field, field_validator, model_validator

from agents.equipment import Run
from agents.sending import send_approved_draft
from agents.services.mail import Mailbox, Mailboxes
from agents.tools.mail_writing import deliver_mail, mailbox_named
from agents.tools.tool import AnyTool, Done, Outcome, Settled, StrictInput, Tool
from core.errors import StewardError
from core.outside.addresses import CONTROL, wire_address
from core.outside.mail import COMMON_LABELS, IncomingMail, MailQuery
from tasks.actions import Effect

LONGEST_TEXT = 20_000
LONGEST_EXCERPT = 300
MOST_RECIPIENTS = 100
FIELDS_OF_A_MAIL = ("to", "cc", "bcc", "subject", "body", "reply_to_message_id", "reply_all", "attachments", "account")


class EmailInput(StrictInput):
    """A mail to be written; or the approved draft that is sent."""

    to: list[str] = Field(default=[], max_length=MOST_RECIPIENTS, description="Bare addresses, like ana@example.com")
    cc: list[str] = Field(default=[], max_length=MOST_RECIPIENTS)
    bcc: list[str] = Field(default=[], max_length=MOST_RECIPIENTS)
    subject: str = Field(default="", max_length=900, description="May be left out in an answer")
    body: str = Field(default="", max_length=500_000, description="Plain text, without a signature")
    reply_to_message_id: str | None = Field(
        default=None, pattern=r"^<[!-;=?-~]{1,900}>$", description="The Message-ID of the mail that this one answers"
    )
    reply_all: bool = Field(
        default=False,
        description="Answer everybody that the mail went to, its mailing list too; only where the person asks for it",
    )
    attachments: list[str] = Field(default=[], max_length=20, description="Ids or names of files of this plan")
    account: UUID | None = Field(default=None, description="The account it is sent from; else the usual one")
    draft_id: UUID | None = Field(default=None, description="An approved draft; nothing else is given then")

    @field_validator("to", "cc", "bcc")
    @classmethod
    def _are_addresses(cls, value: list[str]) -> list[str]:
        for one in value:
            try:
                wire_address("recipient", one)
            except StewardError as error:
                raise ValueError(error.message) from None
        return value

    @field_validator("subject")
    @classmethod
    def _is_one_line(cls, value: str) -> str:
        if CONTROL.search(value):
            raise ValueError("it has a line break or another control character")
        return value

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "EmailInput":
        given = [name for name in FIELDS_OF_A_MAIL if getattr(self, name)]
        if self.draft_id is not None:
            if given:
                raise ValueError(f"give either draft_id, or a mail; with draft_id there is {given[0]}")
            return self
        if not self.body.strip():
            raise ValueError("body is empty")
        if self.reply_to_message_id is None and not (self.to or self.cc or self.bcc):
            raise ValueError("there is no recipient: give to, or reply_to_message_id")
        if self.reply_to_message_id is None and self.reply_all:
            raise ValueError("reply_all needs reply_to_message_id, the mail whose recipients are answered")
        if self.reply_to_message_id is None and not self.subject.strip():
            raise ValueError("subject is empty; only an answer takes that of the mail it answers")
        return self


class RevisionInput(StrictInput):
    """Which draft, and what the person who rejected it said."""

    draft_id: UUID
    feedback: str = Field(min_length=1)


class SearchInput(StrictInput):
    """What is looked for; every field that is given must fit."""

    sender: str | None = Field(default=None, max_length=320, description="Part of the sender's address or name")
    to: str | None = Field(default=None, max_length=320, description="Part of an address it went to")
    subject: str | None = Field(default=None, max_length=500)
    words: str | None = Field(default=None, max_length=500, description="Words that all stand in it")
    after: datetime | None = Field(default=None, description="Sent at this time or later, with offset")
    before: datetime | None = Field(default=None, description="Sent before this time, with offset")
    is_unread: bool | None = None
    limit: int = Field(default=20, ge=1, le=50)
    account: UUID | None = None

    @field_validator("sender", "to", "subject", "words")
    @classmethod
    def _is_plain(cls, value: str | None) -> str | None:
        if value is not None and CONTROL.search(value):
            raise ValueError("it has a line break or another control character")
        return value

    @field_validator("after", "before")
    @classmethod
    def _is_aware(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("it needs an offset, like 2026-03-04T09:30:00+01:00")
        return value


class ReadInput(StrictInput):
    """Which mail, or which whole thread."""

    ref: str | None = Field(default=None, min_length=1, max_length=500, description="A mail's ref, from mail_search")
    thread: str | None = Field(default=None, min_length=1, max_length=1000, description="A thread, from mail_search")
    account: UUID | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "ReadInput":
        if (self.ref is None) == (self.thread is None):
            raise ValueError("give either ref or thread")
        return self


class FoundFile(BaseModel):
    """An attached file; its content stays in the mailbox."""

    id: str
    name: str
    media_type: str
    size_bytes: int


class FoundMail(BaseModel):
    """A mail, as others wrote it. `text` is its beginning in a search, and up to 20,000 characters when it is read."""

    ref: str
    message_id: str
    thread: str
    sender: str
    sender_name: str = ""
    to: list[str] = Field(default_factory=list[str])
    cc: list[str] = Field(default_factory=list[str])
    subject: str = ""
    sent_at: datetime | None = None
    labels: list[str] = Field(default_factory=list[str])
    text: str = ""
    is_cut: bool = False
    attachments: list[FoundFile] = Field(default_factory=list[FoundFile])


class FoundMails(BaseModel):
    """Mails: newest first where they were searched, oldest first where a thread was read."""

    mails: list[FoundMail]
    count: int


async def send_or_write(run: Run, given: EmailInput) -> Outcome:
    """Send the approved draft, once; or deliver the mail as a draft for a person to approve."""
    if given.draft_id is not None:
        return await send_approved_draft(run, given.draft_id)
    await deliver_mail(
        run,
        to=given.to,
        cc=given.cc,
        bcc=given.bcc,
        subject=given.subject,
        body=given.body,
        answers=given.reply_to_message_id,
        files=given.attachments,
        account_id=given.account,
        reply_all=given.reply_all,
    )
    return Settled()


async def revise(run: Run, given: RevisionInput) -> Outcome:
    """Write the draft anew, with the feedback of the person who rejected it."""
    from agents.work import revise_draft  # thinking brings heavy libraries with it

    return await revise_draft(run)


async def search(run: Run, given: SearchInput) -> Outcome:
    """Mails that fit, newest first."""
    mailbox = await mailbox_named(run, given.account)
    query = MailQuery(given.sender, given.to, given.subject, given.words, given.after, given.before, given.is_unread)
    found = await mailbox.search(query, limit=given.limit)
    return _done([_as_found(mail, LONGEST_EXCERPT) for mail in found])


async def read(run: Run, given: ReadInput) -> Outcome:
    """One mail, or the mails of a thread, with their text."""
    mailbox = await mailbox_named(run, given.account)
    mails = [await mailbox.get(given.ref)] if given.ref else list(await mailbox.thread(str(given.thread)))
    return _done([_as_found(mail, LONGEST_TEXT) for mail in mails])


def _done(mails: list[FoundMail]) -> Done:
    return Done(FoundMails(mails=mails, count=len(mails)).model_dump(mode="json"))


def _as_found(mail: IncomingMail, longest: int) -> FoundMail:
    files: list[Any] = [vars(one) for one in mail.attachments]
    return FoundMail(
        ref=mail.ref,
        message_id=mail.message_id,
        thread=mail.thread,
        sender=mail.sender.address,
        sender_name=mail.sender.name,
        to=[one.address for one in mail.to],
        cc=[one.address for one in mail.cc],
        subject=mail.subject,
        sent_at=mail.sent_at,
        labels=sorted(mail.labels & COMMON_LABELS),
        text=mail.text[:longest],
        is_cut=mail.is_cut or len(mail.text) > longest,
        attachments=[FoundFile.model_validate(one) for one in files],
    )


MAIL_TOOLS: tuple[AnyTool, ...] = (
    Tool(
        "email_send",
        "Writes a mail: give to, subject and body, or reply_to_message_id and body for an answer in its thread. "
        "It becomes a draft that a person reads, may edit, and approves; only then it is sent, once. "
        "The signature is added by itself.",
        "control",
        send_or_write,
        EmailInput,
        capability="mail",
        needs=(Mailbox, Mailboxes),
        risk="high",
        effect=Effect.SEND,
    ),
    Tool(
        "mail_search",
        "Searches the person's mail by sender, recipient, subject, words, time and unread; the newest first, with the "
        "beginning of each text. Use it to find a mail before reading or answering it.",
        "read",
        search,
        SearchInput,
        FoundMails,
        capability="mail",
        needs=(Mailbox, Mailboxes),
        brings_untrusted=True,
        effect=Effect.READ,
        timeout_seconds=120,
    ),
    Tool(
        "mail_read",
        "Reads one mail by its ref, or a whole thread: who wrote what when, and which files are attached.",
        "read",
        read,
        ReadInput,
        FoundMails,
        capability="mail",
        needs=(Mailbox, Mailboxes),
        brings_untrusted=True,
        effect=Effect.READ,
        timeout_seconds=120,
    ),
    Tool(
        "revise_draft",
        "Writes a draft anew after a person's feedback",
        "control",
        revise,
        RevisionInput,
        effect=Effect.OWN_WRITE,
    ),
)
