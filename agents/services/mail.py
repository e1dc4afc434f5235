"""Mail as agents reach for it: `await run.reach(Mailbox)` is the person's own, `run.reach(Mailboxes)` all of them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from core.outside.mail import (
    HandOver,
    IncomingMail,
    MailAddress,
    MailLabel,
    MailQuery,
    OutgoingMail,
    Receipt,
    SyncPage,
)


class Mailbox(Protocol):
    """One mailbox. Every call raises SignInExpired, Temporary or Malformed, and nothing else that is expected but what it says."""

    @property
    def provider(self) -> str:
        """smtp, imap, resend, gmail or local."""
        ...

    @property
    def sender_domain(self) -> str:
        """The domain in the Message-IDs of mail sent from here."""
        ...

    async def addresses(self) -> Sequence[MailAddress]:
        """The addresses that mail may be sent from; the first is the usual one."""
        ...

    async def signature(self, address: str) -> str:
        """The plain text under mails from this address; empty where there is none."""
        ...

    async def sync(self, cursor: str | None, *, limit: int = 50) -> SyncPage:
        """The next page of what came in since the cursor; None begins with the recent past."""
        ...

    async def get(self, ref: str) -> IncomingMail:
        """One mail. Raises NotFound."""
        ...

    async def search(self, query: MailQuery, *, limit: int = 50) -> Sequence[IncomingMail]:
        """What fits, newest first."""
        ...

    async def thread(self, thread: str) -> Sequence[IncomingMail]:
        """The mails of a thread, one's own answers included, oldest first. Raises NotFound.

        `thread` is the provider's name of it, or the Message-ID that it began with.
        """
        ...

    def attachment(self, ref: str, attachment_id: str, *, limit_bytes: int) -> AsyncIterator[bytes]:
        """The content of an attached file, piece by piece. Raises NotFound; TooLarge once it is beyond the limit."""
        ...

    async def labels(self) -> Sequence[MailLabel]:
        """The folders and labels there are."""
        ...

    async def label(self, ref: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Put labels on and take them off; a label that is not there yet is made. Raises NotFound, Refused."""
        ...

    async def move(self, ref: str, label: str) -> str:
        """Move it to a folder (archive and trash included) and answer its new ref. Raises NotFound, Refused."""
        ...

    async def mark(self, ref: str, *, is_unread: bool | None = None, is_flagged: bool | None = None) -> None:
        """Mark it read, unread, flagged or not. Raises NotFound."""
        ...

    async def prepare(self, message: OutgoingMail) -> str | None:
        """Make the message a draft at the provider and answer its id there; None where the provider keeps no drafts.

        Nothing leaves. Raises Refused or Invalid for what can never be sent.
        """
        ...

    def sending(self, message: OutgoingMail, provider_ref: str | None) -> AbstractAsyncContextManager[HandOver]:
        """Get ready to hand the message over, as far as that goes without an effect; what is entered does hand it over.

        Entering raises Refused, Temporary or Invalid: certainly nothing left. The function may be called once, and
        raises Refused or Temporary (nothing left) or Uncertain. Where there is a draft at the provider, that draft is
        sent. Leaving without a call leaves nothing behind.

            async with mailbox.sending(message, ref) as hand_over:
                receipt = await hand_over()
        """
        ...

    async def find(self, message_id: str, provider_ref: str | None) -> Receipt | None:
        """The receipt of a message that left already; None when it certainly did not. Uncertain when it can't be known."""
        ...


class Mailboxes(Protocol):
    """The mailboxes of the person (and the organization) a task is for."""

    async def open(self, account_id: str | None = None) -> Mailbox:
        """The mailbox of an account; None is the usual one. Raises NotConnected with what would connect it."""
        ...

    async def usual_account(self) -> str | None:
        """The id of the account that `open` opens where none is named; None for the mailbox of the settings.

        Raises as `open`.
        """
        ...
