"""Mail: the mailbox of the settings for the local owner, and those of connected accounts, each under one Protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from agents.services.mail import Mailbox, Mailboxes
from core.database import Caller
from core.errors import StewardError
from core.outside.errors import NotConnected, SignInExpired
from core.outside.mail import IncomingMail, MailAddress, MailQuery, SyncPage
from core.settings import Settings
from core.vault import Vault
from jobs.outside.lending import guard_for, is_lent
from jobs.outside.persons import person_of
from jobs.outside.world import Given, Service
from tasks import accounts
from tasks import mail as stored
from tasks.accounts import Account, Secret
from tasks.models import Task

if TYPE_CHECKING:
    from integrations.mail.imap import ImapMailbox
    from integrations.mail.sender import Sender
    from integrations.web.guard import Guard

HINT = "Connect an account at /settings, or set STEWARD_SMTP_URL: docs/guide/mail.md shows how."
GOOGLE, IMAP = "google", "imap"


def services(given: Given) -> dict[type, Service]:
    """`Mailbox` is the person's usual one, `Mailboxes` opens each of them."""

    owners: set[UUID] = set()

    async def usual(caller: Caller, task: Task) -> Mailbox:
        return await OwnMailboxes(given, caller, await person_of(caller, task), owners).open()

    async def every(caller: Caller, task: Task) -> Mailboxes:
        return OwnMailboxes(given, caller, await person_of(caller, task), owners)

    return {Mailbox: Service(usual), Mailboxes: Service(every)}


@dataclass(frozen=True)
class OwnMailboxes:
    """Fulfils `Mailboxes` for one person of the tenant that the caller, the worker, acts for.

    `owners`: tenants that are known to be the local owner's, so that this is asked once.
    """

    given: Given
    caller: Caller
    user_id: UUID
    owners: set[UUID] = field(default_factory=set[UUID])

    async def open(self, account_id: str | None = None) -> Mailbox:
        """The person's own account of that id. Where none is named: their connected one, else that of the settings for
        the local owner."""
        if account_id is None:
            return (await self._usual())[0]
        named = next((one for one in await self._known() if str(one.id) == account_id), None)
        if named is None:
            raise NotConnected("The account that this mail is from is not connected any more", hint=HINT)
        return await self.of_account(named)

    async def usual_account(self) -> str | None:
        """The id of the person's connected account; None for the mailbox of the settings."""
        return (await self._usual())[1]

    async def _known(self) -> list[Account]:
        """Another's account, whoever names it, is not known."""
        listed = await accounts.list_accounts(self.caller)
        return [one for one in listed if one.provider in accounts.MAIL_PROVIDERS and one.user_id == self.user_id]

    async def _usual(self) -> tuple[Mailbox, str | None]:
        own = [one for one in await self._known() if one.state != "revoked"]
        refused: StewardError | None = None
        for account in sorted(own, key=lambda one: one.state != "connected"):
            try:
                return await self.of_account(account), str(account.id)
            except NotConnected as error:  # expired, or allowed other things than mail
                refused = refused or error
        if isinstance(refused, SignInExpired):
            raise refused
        if await self._serves_owner():
            return mailbox_of_settings(self.given.settings, self.caller), None
        raise refused or NotConnected("No mailbox is connected", hint=HINT)

    async def _serves_owner(self) -> bool:
        tenant = self.caller.identity.organization_id
        if tenant in self.owners:
            return True
        is_owner = await is_lent(self.given, self.caller, "mail")
        if is_owner and tenant is not None:
            self.owners.add(tenant)
        return is_owner

    async def of_account(self, account: Account) -> Mailbox:
        """The mailbox of a connected account. Raises NotConnected, SignInExpired."""
        if account.provider == GOOGLE:
            from jobs.outside.google import gmail_mailbox

            return await gmail_mailbox(self.given, self.caller, account_id=account.id)
        vault = Vault.from_settings(self.given.settings)
        opened, secret = await accounts.open_account(self.caller, vault, account.organization_id, IMAP, account.id)
        guard = await guard_for(self.given, self.caller)
        return imap_mailbox(opened, secret, await check_servers(self.given.settings, secret, guard))


async def check_servers(
    settings: Settings, secret: Mapping[str, str], guard: "Guard | None" = None
) -> dict[str, tuple[str, ...]]:
    """Mail servers that people name lie in the open internet, or at hosts of STEWARD_PRIVATE_HOSTS.

    Gives their checked addresses by field, to connect to: a name may lead elsewhere the next time it is looked up.

    Raises Invalid for a URL of another form; Refused (AddressRefused) or Temporary, with the field in `errors`.
    """
    from integrations.mail.imap_connection import ImapAddress
    from integrations.mail.smtp import SmtpServer
    from integrations.web.guard import Guard

    guard, imap = guard or Guard.from_settings(settings), ImapAddress.from_url(str(secret["imap_url"]))
    places: dict[str, tuple[str, ...]] = {}
    smtp_host, smtp_port = SmtpServer(str(secret["smtp_url"])).place
    for name, host, port in (("imap_url", imap.host, imap.port), ("smtp_url", smtp_host, smtp_port)):
        try:
            places[name] = tuple(await guard.vetted(host, port))
        except StewardError as error:
            error.errors = error.errors or [{"field": name, "message": error.message}]
            raise
    return places


def imap_mailbox(account: Account, secret: Secret, places: Mapping[str, tuple[str, ...]]) -> "ImapMailbox":
    """An IMAP account: reads by `imap_url`, sends by `smtp_url` of its secret, at the places of `check_servers`."""
    from integrations.mail.imap import ImapMailbox
    from integrations.mail.imap_connection import ImapAddress
    from integrations.mail.smtp import SmtpServer

    own = MailAddress(account.address, str(account.settings.get("name") or ""))
    signature = str(account.settings.get("signature") or "")
    sender = SmtpServer(str(secret["smtp_url"]), at=places["smtp_url"])
    return ImapMailbox(ImapAddress.from_url(str(secret["imap_url"]), places["imap_url"]), sender, (own,), signature)


def mailbox_of_settings(settings: Settings, caller: Caller) -> Mailbox:
    """Reads STEWARD_IMAP_URL, else what lies in the database; sends as `sender_of_settings`."""
    own = (MailAddress(settings.sender_address, settings.owner_name),)
    sender = sender_of_settings(settings)
    if settings.imap_url:
        from integrations.mail.imap import ImapMailbox
        from integrations.mail.imap_connection import ImapAddress

        address = ImapAddress.from_url(settings.imap_url.get_secret_value())
        return ImapMailbox(address, sender, own, settings.mail_signature)
    from integrations.mail.local import LocalMailbox

    return LocalMailbox(Shelf(caller), sender, own, settings.mail_signature)


def sender_of_settings(settings: Settings) -> "Sender":
    """What hands mail over: STEWARD_SMTP_URL, else RESEND_API_KEY, else the outbox in `<home>/outbox`."""
    if settings.smtp_url:
        from integrations.mail.smtp import SmtpServer

        return SmtpServer(settings.smtp_url.get_secret_value())
    if settings.resend_api_key:
        from integrations.mail.resend import ResendSender

        return ResendSender(settings.resend_api_key.get_secret_value(), settings.resend_base_url)
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
