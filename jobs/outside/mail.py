"""Mail: the mailbox of the settings for the local owner, and those of connected accounts, each under one Protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.services.mail import Mailbox, Mailboxes
from core.database import Caller
from core.outside.errors import NotConnected
from core.outside.mail import IncomingMail, MailAddress, MailQuery, SyncPage
from core.settings import Settings
from jobs.outside.world import Given, Service
from tasks import mail as stored
from tasks.models import Task

if TYPE_CHECKING:
    from integrations.mail.sender import Sender

HINT = "Connect an account on /settings, or set STEWARD_SMTP_URL."


def services(given: Given) -> dict[type, Service]:
    """`Mailbox` is the person's usual one, `Mailboxes` opens each of them."""

    async def usual(caller: Caller, task: Task) -> Mailbox:
        return await OwnMailboxes(given, caller, task).open()

    async def every(caller: Caller, task: Task) -> Mailboxes:
        return OwnMailboxes(given, caller, task)

    return {Mailbox: Service(usual), Mailboxes: Service(every)}


@dataclass(frozen=True)
class OwnMailboxes:
    """Fulfils `Mailboxes` for the person and the tenant of one task."""

    given: Given
    caller: Caller
    task: Task

    async def open(self, account_id: str | None = None) -> Mailbox:
        if account_id is None and await stored.serves_owner(self.caller, self.given.settings.owner_email):
            return mailbox_of_settings(self.given.settings, self.caller)
        raise NotConnected("No mailbox is connected", hint=HINT)


def mailbox_of_settings(settings: Settings, caller: Caller) -> Mailbox:
    """Sends by STEWARD_SMTP_URL, else writes to the outbox in `<home>/outbox`; reads what lies in the database."""
    from integrations.mail.local import LocalMailbox

    own = (MailAddress(settings.sender_address, settings.owner_name),)
    return LocalMailbox(Shelf(caller), sender_of_settings(settings), own)


def sender_of_settings(settings: Settings) -> "Sender":
    """What hands mail over."""
    if settings.smtp_url:
        from integrations.mail.smtp import SmtpServer

        return SmtpServer(settings.smtp_url.get_secret_value())
    from integrations.mail.outbox import Outbox, OutboxSender

    return OutboxSender(Outbox(settings.home / "outbox"))


@dataclass(frozen=True)
class Shelf:
    """The mail that lies in the database; fulfils `integrations.mail.local.MailShelf`."""

    caller: Caller

    async def since(self, cursor: str | None, limit: int) -> SyncPage:
        return await stored.list_new_mail(self.caller, stored.LOCAL, cursor, limit)

    async def get(self, ref: str) -> IncomingMail:
        return await stored.get_mail(self.caller, ref)

    async def search(self, query: MailQuery, limit: int) -> Sequence[IncomingMail]:
        return await stored.search_mail(self.caller, query, limit=limit)

    async def thread(self, thread: str) -> Sequence[IncomingMail]:
        return await stored.list_thread(self.caller, thread)

    async def label(self, ref: str, add: Sequence[str], remove: Sequence[str]) -> None:
        await stored.label_mail(self.caller, ref, add, remove)
