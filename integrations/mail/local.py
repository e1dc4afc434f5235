"""The local mailbox: mail that was imported (or brought in by others) lies in the database; a sender sends."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from core.errors import NotFound
from core.outside.mail import (
    ARCHIVE,
    COMMON_LABELS,
    FLAGGED,
    INBOX,
    SPAM,
    TRASH,
    UNREAD,
    HandOver,
    IncomingMail,
    MailAddress,
    MailLabel,
    MailQuery,
    OutgoingMail,
    Receipt,
    SyncPage,
)
from integrations.mail.sender import Sender

PLACES = (INBOX, ARCHIVE, TRASH, SPAM)


class MailShelf(Protocol):
    """Where mail is kept. Raises NotFound for a ref that is not there."""

    async def since(self, cursor: str | None, limit: int) -> SyncPage: ...

    async def get(self, ref: str) -> IncomingMail: ...

    async def search(self, query: MailQuery, limit: int) -> Sequence[IncomingMail]: ...

    async def thread(self, thread: str) -> Sequence[IncomingMail]: ...

    async def label(self, ref: str, add: Sequence[str], remove: Sequence[str]) -> None: ...


@dataclass(frozen=True)
class LocalMailbox:
    """Reads what is on the shelf, sends by `sender`. Contents of attached files are not on the shelf."""

    shelf: MailShelf
    sender: Sender
    own: tuple[MailAddress, ...]
    own_signature: str = ""

    @property
    def provider(self) -> str:
        return self.sender.provider

    @property
    def sender_domain(self) -> str:
        return sender_domain(self.own[0].address)

    async def addresses(self) -> Sequence[MailAddress]:
        return self.own

    async def signature(self, address: str) -> str:
        return self.own_signature

    async def sync(self, cursor: str | None, *, limit: int = 50) -> SyncPage:
        return await self.shelf.since(cursor, limit)

    async def get(self, ref: str) -> IncomingMail:
        return await self.shelf.get(ref)

    async def search(self, query: MailQuery, *, limit: int = 50) -> Sequence[IncomingMail]:
        return await self.shelf.search(query, limit)

    async def thread(self, thread: str) -> Sequence[IncomingMail]:
        found = await self.shelf.thread(thread)
        if not found:
            raise NotFound("There is no such thread", detail=thread[:200])
        return found

    async def attachment(self, ref: str, attachment_id: str, *, limit_bytes: int) -> AsyncGenerator[bytes]:
        mail = await self.shelf.get(ref)
        known = next((one for one in mail.attachments if one.id == attachment_id), None)
        named = known.name if known else attachment_id[:100]
        raise NotFound(
            f"The file {named} was not kept when the mail was imported", hint="It is in the file that was imported."
        )
        yield b""  # unreachable; makes this a stream like everywhere else

    async def labels(self) -> Sequence[MailLabel]:
        return [MailLabel(name, name) for name in sorted(COMMON_LABELS)]

    async def label(self, ref: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        await self.shelf.label(ref, add, remove)

    async def move(self, ref: str, label: str) -> str:
        others = [place for place in PLACES if place != label]
        await self.shelf.label(ref, [label], others)
        return ref

    async def mark(self, ref: str, *, is_unread: bool | None = None, is_flagged: bool | None = None) -> None:
        wanted = {UNREAD: is_unread, FLAGGED: is_flagged}
        add = [name for name, on in wanted.items() if on is True]
        await self.shelf.label(ref, add, [name for name, on in wanted.items() if on is False])

    async def prepare(self, message: OutgoingMail) -> str | None:
        return await self.sender.prepare(message)

    def sending(self, message: OutgoingMail, provider_ref: str | None) -> AbstractAsyncContextManager[HandOver]:
        return self.sender.sending(message, provider_ref)

    async def find(self, message_id: str, provider_ref: str | None) -> Receipt | None:
        return await self.sender.find(message_id, provider_ref)


def sender_domain(address: str) -> str:
    """The domain in Message-IDs: that of the address, if it can be one."""
    domain = address.rpartition("@")[2].casefold()
    return domain if "." in domain and domain.isascii() else "steward.local"
