"""Ending at Google and Slack what a person allowed there, once it is forgotten here: as well as can be, and never in the way.

Where somebody else here has the same account connected, theirs would end as well: it stays.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from core.database import Caller, Database, Identity
from core.errors import StewardError
from core.vault import Vault
from jobs.outside.google import GOOGLE, google_app
from jobs.outside.world import Given
from tasks import accounts
from tasks.accounts import Account, Secret

MOST_AT_ONCE = 8
T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True)
class SignIn:
    """An account whose service has to be told; `secret` is None where it could not be opened."""

    account: Account
    secret: Secret | None = field(repr=False)


async def ending(
    given: Given, caller: Caller, goes: Callable[[Account], bool], act: Callable[[], Awaitable[T]]
) -> tuple[T, list[str]]:
    """Do what forgets the accounts that go, then tell their services; and which services could not be told.

    The sign-ins are opened before, as nothing is left of them afterwards. What `act` raises is raised, and nothing was told.
    """
    kept = await _sign_ins(given, caller, goes)
    done = await act()
    return done, await end_sign_ins(given, kept)


async def end_sign_ins(given: Given, kept: Iterable[SignIn]) -> list[str]:
    """Tell the services; the ids of those that could not be told, in order."""
    turn = asyncio.Semaphore(MOST_AT_ONCE)

    async def tell(one: SignIn) -> str | None:
        async with turn:
            return None if await _is_told(given, one) else one.account.provider

    told = await asyncio.gather(*(tell(one) for one in kept))
    return sorted({missed for missed in told if missed})


async def _sign_ins(given: Given, caller: Caller, goes: Callable[[Account], bool]) -> list[SignIn]:
    everywhere = given.database.acting_as(Identity.service())
    try:
        known = await accounts.list_connected_accounts(everywhere)
    except StewardError as error:  # without a key of the project only one's own can be named, and none be opened
        await log.awarning("accounts_not_listed", error=error.message)
        known = await accounts.list_accounts(caller)
    going = [one for one in known if one.provider in accounts.ENDED_BY_HAND and one.state == "connected" and goes(one)]
    return [SignIn(one, await _opened(given, one)) for one in going]


async def _opened(given: Given, account: Account) -> Secret | None:
    everywhere = given.database.acting_as(Identity.service())
    try:
        vault = await asyncio.to_thread(Vault.from_settings, given.settings)
        _, secret = await accounts.open_account(
            everywhere, vault, account.organization_id, account.provider, account.id
        )
    except StewardError as error:
        await log.awarning("sign_in_not_opened", account_id=str(account.id), error=error.message)
        return None
    return secret


async def _is_told(given: Given, one: SignIn) -> bool:
    if one.secret is None:
        return False
    try:
        if await _is_shared(given.database, one.account):
            return True
        return await _revoke(given, one.account.provider, one.secret)
    except StewardError as error:
        await log.awarning(
            "not_revoked", provider=one.account.provider, account_id=str(one.account.id), error=error.message
        )
        return False


async def _is_shared(database: Database, account: Account) -> bool:
    """Does somebody else here have the same account connected, or the same person elsewhere?"""
    everywhere = database.acting_as(Identity.service())
    others = await accounts.list_connected_accounts(everywhere, account.provider)
    return any(one.address == account.address and one.id != account.id for one in others)


async def _revoke(given: Given, provider: str, secret: Secret) -> bool:
    if provider == GOOGLE:
        from integrations.google.oauth import revoke as revoke_at_google

        return await revoke_at_google(google_app(given.settings), secret)
    from integrations.slack.oauth import revoke as revoke_at_slack

    token, own = str(secret.get("bot_token") or ""), given.settings.slack_bot_token
    if own is not None and own.get_secret_value() == token:
        return True  # the installation's own, which serves on
    return await revoke_at_slack(given.settings.slack_api_url, token)
