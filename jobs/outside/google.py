"""Google accounts, opened for the tenant and the person of a task: their tokens renewed once among all processes."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.database import Caller
from core.outside.errors import NotConnected, SignInExpired
from core.settings import Settings
from core.vault import Vault
from jobs.outside.world import Given
from tasks import accounts
from tasks.accounts import Account, Secret

if TYPE_CHECKING:
    from integrations.google.client import GoogleClient
    from integrations.google.gmail import GmailMailbox
    from integrations.google.oauth import GoogleApp

GOOGLE = "google"
CONNECT = "Connect a Google account at /settings#google."
SET_UP = "Set STEWARD_GOOGLE_CLIENT_ID and STEWARD_GOOGLE_CLIENT_SECRET first: docs/guide/google.md shows how."


def lacks_google(settings: Settings) -> str | None:
    """What has to be set before Google accounts can be connected; None when nothing is missing."""
    if settings.google_client_id and not settings.google_client_secret:
        return "STEWARD_GOOGLE_CLIENT_SECRET is missing: docs/guide/google.md shows where it is."
    if settings.google_client_secret and not settings.google_client_id:
        return "STEWARD_GOOGLE_CLIENT_ID is missing: docs/guide/google.md shows where it is."
    return None if settings.google_client_id else SET_UP


def google_app(settings: Settings) -> "GoogleApp":
    """The OAuth client of the settings. Raises NotConnected."""
    from integrations.google.oauth import GoogleApp
    from integrations.google.places import GooglePlaces

    if settings.google_client_id is None or settings.google_client_secret is None:
        raise NotConnected("Google is not set up in this installation", hint=SET_UP)
    places = GooglePlaces.at(settings.google_base_url)
    return GoogleApp(settings.google_client_id, settings.google_client_secret.get_secret_value(), places)


@dataclass
class AccountTokens:
    """The access token of a connected account; fulfils `integrations.google.client.AccessTokens`."""

    app: "GoogleApp"
    caller: Caller
    vault: Vault
    account: Account
    secret: Secret = field(repr=False)
    _renewing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def current(self) -> str:
        from integrations.google.oauth import is_fresh

        async with self._renewing:
            if not is_fresh(self.secret):
                await self._renew()
            return str(self.secret["access_token"])

    async def renewed(self, refused: str) -> str:
        async with self._renewing:
            if self.secret.get("access_token") == refused:
                await self._renew()
            return str(self.secret["access_token"])

    async def _renew(self) -> None:
        from integrations.google.oauth import refresh

        async def renew(secret: Secret) -> Secret:
            return await refresh(self.app, secret)

        self.account, self.secret = await accounts.renew_secret(self.caller, self.vault, self.account, renew)


async def connected_google(
    given: Given, caller: Caller, permission: str, *, user_id: UUID | None = None, account_id: UUID | None = None
) -> Account:
    """The Google account that may do this (mail_read, mail_organize, mail_send, calendar): the named one, else the first.

    `caller` is the worker inside one organization; with a `user_id` only that person's accounts are taken. Raises
    NotConnected, MissingPermission, SignInExpired; each with a hint that says where to connect.
    """
    from integrations.google.faults import MissingPermission
    from integrations.google.oauth import WORDS, permissions_of

    known = [
        account
        for account in await accounts.list_accounts(caller, GOOGLE)
        if account.state != "revoked" and user_id in {None, account.user_id} and account_id in {None, account.id}
    ]
    working = [account for account in known if account.state == "connected"]
    for account in working:
        if permission in permissions_of(account.scopes):
            return account
    if working:
        raise MissingPermission(
            f"{working[0].address} is connected, but was not allowed this: {WORDS[permission]}",
            hint="Allow it at /settings#google.",
        )
    if known:
        raise SignInExpired(
            f"The sign-in of {known[0].address} has ended" + (f": {known[0].reason}" if known[0].reason else ""),
            hint="Connect it again at /settings#google.",
        )
    raise NotConnected("No Google account is connected", hint=lacks_google(given.settings) or CONNECT)


async def open_google_account(given: Given, caller: Caller, account: Account) -> "GoogleClient":
    """A client that acts as this account. Raises NotConnected, SignInExpired."""
    from integrations.google.client import GoogleClient

    app, vault = google_app(given.settings), Vault.from_settings(given.settings)
    opened, secret = await accounts.open_account(caller, vault, account.organization_id, GOOGLE, account.id)
    inside = accounts.service_of(caller, account.organization_id)
    return GoogleClient(AccountTokens(app, inside, vault, opened, secret), app.places)


async def google_client(
    given: Given, caller: Caller, permission: str, *, user_id: UUID | None = None, account_id: UUID | None = None
) -> tuple[Account, "GoogleClient"]:
    """The account that `connected_google` finds, and a client that acts as it."""
    account = await connected_google(given, caller, permission, user_id=user_id, account_id=account_id)
    return account, await open_google_account(given, caller, account)


async def gmail_mailbox(
    given: Given, caller: Caller, *, user_id: UUID | None = None, account_id: UUID | None = None
) -> "GmailMailbox":
    """The Gmail mailbox of an account that may read mail. Raises as `connected_google`."""
    account, client = await google_client(given, caller, "mail_read", user_id=user_id, account_id=account_id)
    return mailbox_of(account, client)


def mailbox_of(account: Account, client: "GoogleClient") -> "GmailMailbox":
    """The mailbox of an opened account, with its name and signature as they are set."""
    from integrations.google.gmail import GmailMailbox

    settings: dict[str, Any] = account.settings
    signature = settings.get("signature")
    return GmailMailbox(
        client, account.address, str(settings.get("name") or ""), signature if isinstance(signature, str) else None
    )
