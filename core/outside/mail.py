"""Mail, whichever provider it lies at: what came in, what goes out, and what shows that it went.

Everything in an `IncomingMail` was written by others: untrusted. Addresses are bare (`ana@example.com`), Message-IDs
stand in angle brackets, times are aware.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

INBOX, SENT, DRAFTS, ARCHIVE, TRASH, SPAM = "inbox", "sent", "drafts", "archive", "trash", "spam"
UNREAD, FLAGGED = "unread", "flagged"
COMMON_LABELS = frozenset({INBOX, SENT, DRAFTS, ARCHIVE, TRASH, SPAM, UNREAD, FLAGGED})

LARGEST_MAIL_BYTES = 25 * 1024 * 1024
EARLIEST_YEAR, LATEST_YEAR = 1971, 2200


def believable(at: datetime) -> datetime | None:
    """The time a mail says that it was sent or taken in; None where no mail was: such times cannot be reckoned with."""
    return at if EARLIEST_YEAR <= at.year <= LATEST_YEAR else None


@dataclass(frozen=True)
class MailAddress:
    """One person or mailbox in a header; an incoming address is in lower case."""

    address: str
    name: str = ""


@dataclass(frozen=True)
class AttachedFile:
    """A file of an incoming mail, without its content: `id` fetches that from the mailbox. `size_bytes` is about right."""

    id: str
    name: str
    media_type: str
    size_bytes: int


@dataclass(frozen=True)
class FailedRecipient:
    """A recipient that a delivery report speaks of: `status` is like 5.1.1 (RFC 3463), `said` the server's words."""

    address: str
    action: Literal["failed", "delayed", "delivered", "relayed", "expanded"]
    status: str = ""
    said: str = ""


@dataclass(frozen=True)
class DeliveryReport:
    """What a mail server reports of a mail that it took earlier (RFC 3464); `message_id` is that mail's, if it says so."""

    message_id: str | None
    recipients: tuple[FailedRecipient, ...]

    @property
    def failed(self) -> tuple[FailedRecipient, ...]:
        """Whom the mail did not reach, for good."""
        return tuple(one for one in self.recipients if one.action == "failed")


@dataclass(frozen=True)
class IncomingMail:
    """A mail in a mailbox, one's own sent mail included.

    `ref` is the provider's name of it, for `get`, `attachment`, `mark`; `thread` the provider's name of its thread.
    `message_id` is derived from the content where the mail has none. `text` is the best plain text, quotes included;
    `list_post`: where its mailing list takes posts (RFC 2369). `html` is sanitised; `hidden_text` is what the HTML hides from sight. `labels` holds words of COMMON_LABELS and the
    provider's own. `is_cut`: it was too large to be read whole, and the text is only its beginning.
    """

    ref: str
    message_id: str
    thread: str
    sender: MailAddress
    to: tuple[MailAddress, ...] = ()
    cc: tuple[MailAddress, ...] = ()
    reply_to: tuple[MailAddress, ...] = ()
    subject: str = ""
    sent_at: datetime | None = None
    text: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)
    hidden_text: str = field(default="", repr=False)
    attachments: tuple[AttachedFile, ...] = ()
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    labels: frozenset[str] = frozenset()
    list_unsubscribe: bool = False
    is_list: bool = False
    list_post: tuple[str, ...] = ()
    auto_submitted: bool = False
    precedence: str = ""
    is_calendar_reply: bool = False
    delivery_report: DeliveryReport | None = None
    is_cut: bool = False

    @property
    def thread_key(self) -> str:
        """The Message-ID that the thread began with, as far as this mail tells: the same at every provider."""
        return self.references[0] if self.references else self.in_reply_to or self.message_id

    @property
    def is_unread(self) -> bool:
        return UNREAD in self.labels


@dataclass(frozen=True)
class MailAttachment:
    """A file that goes with a mail."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class OutgoingMail:
    """A mail exactly as a person approved it; the same draft always has the same `message_id`.

    `thread` is the provider's name of the thread that it continues, where there is one.
    """

    message_id: str
    from_address: str
    from_name: str
    to: tuple[str, ...]
    subject: str
    body: str
    date: datetime
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    attachments: tuple[MailAttachment, ...] = ()
    thread: str | None = None

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody it goes to, once each, in order."""
        return tuple(dict.fromkeys([*self.to, *self.cc, *self.bcc]))

    @property
    def needs_smtputf8(self) -> bool:
        """Does an address hold letters outside ASCII before the @? Then servers must know RFC 6531."""
        return not all(a.rpartition("@")[0].isascii() for a in [self.from_address, *self.recipients])


@dataclass(frozen=True)
class Receipt:
    """Evidence that a message left: where it can be found, and when it was taken."""

    provider: str
    message_id: str
    location: str
    accepted_at: datetime
    details: Mapping[str, object] = field(default_factory=dict[str, object])

    def as_json(self) -> dict[str, object]:
        return {
            "provider": self.provider,
            "message_id": self.message_id,
            "location": self.location,
            "accepted_at": self.accepted_at.isoformat(),
            **self.details,
        }


HandOver = Callable[[], Awaitable[Receipt]]
"""Hands a mail over for which everything is ready. Once; raises Refused or Temporary (nothing left) or Uncertain."""


@dataclass(frozen=True)
class MailQuery:
    """What is looked for; every field that is given must fit. `after` and `before` bound when it was sent: [after, before)."""

    from_address: str | None = None
    to_address: str | None = None
    subject: str | None = None
    words: str | None = None
    after: datetime | None = None
    before: datetime | None = None
    is_unread: bool | None = None


@dataclass(frozen=True)
class MailLabel:
    """A folder or label: `name` is one of COMMON_LABELS where the provider's has that meaning, else the provider's own."""

    name: str
    ref: str
    unread: int | None = None


@dataclass(frozen=True)
class SyncPage:
    """What is new since a cursor, oldest first. A message seen before may come again: it is known by its `ref`.

    `cursor` is where the next page begins: keep it once the page is kept. `removed` are refs that are gone.
    `has_more`: ask again at once. `was_reset`: the cursor was too old (or the mailbox was rebuilt), so the mailbox is
    told from its recent past again and what is not told may still be there.
    """

    cursor: str
    messages: tuple[IncomingMail, ...] = ()
    removed: tuple[str, ...] = ()
    has_more: bool = False
    was_reset: bool = False
