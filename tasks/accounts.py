"""Connected accounts: one thin typed call per SQL function, with their secrets sealed and opened on the way.

A secret is a JSON object that the provider's integration understands (tokens, a password). It is in the clear only
between here and that integration: never in an argument of a job, a log line, an event or an error.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from core.database import Caller, Identity
from core.errors import Forbidden
from core.outside.errors import NotConnected, SignInExpired, Temporary
from core.vault import CannotOpen, Vault
from tasks.models import Record

AccountState = Literal["connected", "expired", "revoked"]
Secret = dict[str, Any]
MAIL_PROVIDERS = frozenset({"google", "imap"})  # an account there is a mailbox
ENDED_BY_HAND: Mapping[str, tuple[str, str]] = {
    "google": ("Google", "https://myaccount.google.com/permissions"),
    "slack": ("Slack", "https://slack.com/apps/manage"),
}
"""Services that have to be told that a permission ends: the name, and the page where a person ends it themselves."""
LOOK_SECONDS = 0.1
WAIT_SECONDS = 40.0  # longer than a lease: one whose holder died is taken over


class Account(Record):
    """An account of a person at an outside service. `sync` is {part: cursor}; `reason` says why it is not connected.

    `mail_name` is how mail that was read in it names it: two people may have connected one address.
    """

    id: UUID
    organization_id: UUID
    user_id: UUID
    provider: str
    address: str
    mail_name: str
    scopes: list[str] = Field(default_factory=list[str])
    state: AccountState
    reason: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict[str, Any])
    sync: dict[str, Any] = Field(default_factory=dict[str, Any])
    synced_at: datetime | None = None
    connected_at: datetime
    created_at: datetime
    updated_at: datetime
    secret_version: int = 0


async def connect_account(
    caller: Caller,
    vault: Vault,
    provider: str,
    address: str,
    secret: Mapping[str, Any],
    scopes: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> Account:
    """Keep a person's account, or connect it anew; tasks that waited for an account go on. People only."""
    ids = await caller.call("prepare_account", provider=provider, address=address)
    organization_id, account_id = UUID(ids["organization_id"]), UUID(ids["account_id"])
    row = await _within(caller, organization_id).call(
        "connect_account",
        account_id=account_id,
        provider=provider,
        address=address,
        sealed=vault.seal(secret, organization_id, account_id),
        scopes=list(scopes),
        settings=dict(settings or {}),
    )
    return Account.model_validate(row)


async def list_accounts(caller: Caller, provider: str | None = None) -> list[Account]:
    """A person's own accounts, or for the worker those of its tenant; by provider and address."""
    return [Account.model_validate(row) for row in await caller.call("list_accounts", provider=provider)]


async def connected_providers(caller: Caller) -> frozenset[str]:
    """At which services a person, or for the worker its tenant, has connected accounts."""
    return frozenset(one.provider for one in await list_accounts(caller) if one.state == "connected")


async def list_connected_accounts(caller: Caller, provider: str | None = None) -> list[Account]:
    """Connected accounts of every tenant, the longest unread first (worker only, for the periodic reading)."""
    return [Account.model_validate(row) for row in await caller.call("list_connected_accounts", provider=provider)]


async def open_account(
    caller: Caller,
    vault: Vault,
    organization_id: UUID,
    provider: str,
    account_id: UUID | None = None,
    user_id: UUID | None = None,
) -> tuple[Account, Secret]:
    """An account with its secret (worker only): the named one, else the first of that person, else of that tenant.

    Raises NotConnected when there is none, SignInExpired when it has to be connected again.
    """
    row = await _within(caller, organization_id).call(
        "open_account", provider=provider, account_id=account_id, user_id=user_id
    )
    if row is None:
        raise NotConnected(f"No {provider} account is connected", hint=f"Connect one at /settings#{provider}.")
    account = Account.model_validate(row["account"] | {"secret_version": row["version"] or 0})
    if account.state != "connected" or row["sealed"] is None:
        raise SignInExpired(
            f"The sign-in of {account.address} has ended" + (f": {account.reason}" if account.reason else ""),
            hint=f"Connect it again at /settings#{provider}.",
        )
    return account, _opened(vault, account, row["sealed"])


async def renew_secret(
    caller: Caller,
    vault: Vault,
    account: Account,
    renew: Callable[[Secret], Awaitable[Secret]],
) -> tuple[Account, Secret]:
    """The secret after `renew` made a newer one out of it, once among all processes; the others get what it made.

    When the account's secret (`secret_version`) was renewed meanwhile, nothing is asked. `renew` raises SignInExpired
    when the service refuses for good: the account is expired then. Raises Temporary when nobody got to it in time.
    """
    within = _within(caller, account.organization_id)
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            return await _renewed(within, vault, account, renew)
    except TimeoutError as error:
        raise Temporary(f"The sign-in of {account.address} could not be renewed in time") from error


async def _renewed(
    caller: Caller, vault: Vault, account: Account, renew: Callable[[Secret], Awaitable[Secret]]
) -> tuple[Account, Secret]:
    while True:
        begun = await caller.call("begin_renewal", account_id=account.id, version=account.secret_version)
        if begun["state"] == "busy":
            await asyncio.sleep(LOOK_SECONDS)
            continue
        if begun["state"] == "gone":
            raise SignInExpired(
                f"{account.address} is not connected any more",
                hint=f"Connect it again at /settings#{account.provider}.",
            )
        secret = _opened(vault, account, begun["sealed"])
        if begun["state"] == "renewed":
            return account.model_copy(update={"secret_version": begun["version"]}), secret
        return await _renew_now(caller, vault, account, secret, UUID(begun["lease"]), renew)


async def _renew_now(
    caller: Caller,
    vault: Vault,
    account: Account,
    secret: Secret,
    lease: UUID,
    renew: Callable[[Secret], Awaitable[Secret]],
) -> tuple[Account, Secret]:
    sealed: str | None = None
    try:
        newer = await renew(secret)
        sealed = vault.seal(newer, account.organization_id, account.id)
    except SignInExpired as error:
        await expire_account(caller, account.id, error.message, version=account.secret_version)
        raise
    finally:
        kept = await asyncio.shield(caller.call("finish_renewal", account_id=account.id, lease=lease, sealed=sealed))
    version = kept["version"] if kept else account.secret_version
    return account.model_copy(update={"secret_version": version}), newer


async def expire_account(caller: Caller, account_id: UUID, reason: str, *, version: int | None = None) -> Account:
    """The service does not take the sign-in any more (worker only). With a version: unless it was renewed since."""
    row = await caller.call("expire_account", account_id=account_id, reason=reason, version=version)
    return Account.model_validate(row)


async def disconnect_account(caller: Caller, account_id: UUID, reason: str | None = None) -> Account:
    """Forget an account's secret; it stays listed as revoked."""
    return Account.model_validate(await caller.call("disconnect_account", account_id=account_id, reason=reason))


async def save_sync_state(
    caller: Caller,
    account_id: UUID,
    expected: Mapping[str, Any] | None,
    sync: Mapping[str, Any],
    part: str = "mail",
) -> Account:
    """How far a part of an account was read (worker only). `expected` is where the reader began, None for never.

    Raises Conflict when somebody else has read it meanwhile.
    """
    row = await caller.call(
        "save_sync_state",
        account_id=account_id,
        part=part,
        expected=dict(expected) if expected is not None else None,
        sync=dict(sync),
    )
    return Account.model_validate(row)


async def request_reading(caller: Caller, provider: str, address: str | None = None) -> int:
    """Have what is new read soon: in a person's own accounts, or for the worker in those of every tenant. How many."""
    return int(await caller.call("request_reading", provider=provider, address=address))


async def list_known_mail(caller: Caller, account: str, message_ids: Sequence[str]) -> set[str]:
    """Which of these Message-IDs are kept already for an account."""
    return set(await caller.call("list_known_mail", account=account, message_ids=list(message_ids)))


async def begin_sign_in(caller: Caller, provider: str, state_hash: str, session_hash: str, sealed: str) -> None:
    """Remember a sign-in on its way through another site (people only)."""
    await caller.call(
        "begin_sign_in", provider=provider, state_hash=state_hash, session_hash=session_hash, sealed=sealed
    )


class SignIn(Record):
    """What became of a state that came back: `sealed` and `organization_id` are there when it is `yours`."""

    state: Literal["yours", "unknown", "foreign", "used", "expired"]
    organization_id: UUID | None = None
    sealed: str = ""


async def finish_sign_in(caller: Caller, provider: str, state_hash: str, session_hash: str) -> SignIn:
    """Use up a state that came back (people only)."""
    row = await caller.call("finish_sign_in", provider=provider, state_hash=state_hash, session_hash=session_hash)
    return SignIn.model_validate(row)


def _within(caller: Caller, organization_id: UUID) -> Caller:
    """The same caller inside that organization, where it named none. Raises Forbidden where it named another."""
    named = caller.identity.organization_id
    if named not in {None, organization_id}:
        raise Forbidden("This caller acts for another organization")
    return Caller(caller.database, replace(caller.identity, organization_id=organization_id))


def service_of(caller: Caller, organization_id: UUID) -> Caller:
    """The worker on the caller's database, inside one organization."""
    return caller.database.acting_as(Identity.service(organization_id))


def _opened(vault: Vault, account: Account, sealed: str) -> Secret:
    try:
        return vault.open(sealed, account.organization_id, account.id)
    except CannotOpen as error:
        raise SignInExpired(
            f"The stored sign-in of {account.address} cannot be opened",
            detail=error.message,
            hint=error.hint or f"Connect it again at /settings#{account.provider}.",
        ) from error
