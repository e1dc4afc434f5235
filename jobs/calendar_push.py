"""Being told of changes in connected calendars, where there is a public address; polling goes on beside it.

Google posts to `/api/calendar/push` with the token that the channel was opened with. The token names tenant and account;
only its hash is kept.
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import structlog

from core.database import Identity
from core.errors import StewardError
from jobs.outside.google import GOOGLE
from jobs.outside.world import Given
from tasks import accounts
from tasks.accounts import Account

if TYPE_CHECKING:
    from integrations.google.client import GoogleClient

log = structlog.get_logger()
PART = "calendar_push"
OPEN_FOR = timedelta(days=7)
RENEW_BEFORE = timedelta(days=1)


async def keep_told(given: Given, account: Account, client: "GoogleClient", calendar_id: str = "primary") -> bool:
    """Open a channel for an account's calendar where there is none that lasts; whether one was opened.

    Nothing without a public https address. What goes wrong is logged: the calendar is polled all the same.
    """
    from integrations.google.calendar_push import close_channel, open_channel

    base = str(given.settings.public_url or "").rstrip("/")
    known = account.sync.get(PART)
    if not base.startswith("https://") or (known and _lasts(known, base)):
        return False
    token = f"{account.organization_id.hex}.{account.id.hex}.{secrets.token_urlsafe(32)}"
    within = given.database.acting_as(Identity.service(account.organization_id))
    try:
        seconds = int(OPEN_FOR.total_seconds())
        channel = await open_channel(client, calendar_id, str(uuid4()), f"{base}/api/calendar/push", token, seconds)
        state = {
            "channel": channel.id,
            "resource": channel.resource_id,
            "token_hash": _hash(token),
            "address": base,
            "expires_at": channel.expires_at.isoformat(),
        }
        try:
            await accounts.save_sync_state(within, account.id, known, state, PART)
        except StewardError:
            await close_channel(client, channel.id, channel.resource_id)  # somebody else opened one
            raise
        if known:
            await close_channel(client, str(known["channel"]), str(known["resource"]))
    except StewardError as error:
        await log.awarning("calendar_not_watched", account_id=str(account.id), error=error.message)
        return False
    return True


async def account_told_of(given: Given, channel_id: str, token: str) -> Account | None:
    """The connected account that a notice is about; None unless channel and token are those that were agreed on."""
    try:
        organization_id, account_id = (UUID(hex=part) for part in token.split(".", 2)[:2])
    except ValueError:
        return None
    within = given.database.acting_as(Identity.service(organization_id))
    for account in await accounts.list_accounts(within, GOOGLE):
        known: dict[str, str] = account.sync.get(PART) or {}
        is_right = (
            hmac.compare_digest(str(known.get("token_hash")), _hash(token)) and known.get("channel") == channel_id
        )
        if account.id == account_id and account.state == "connected" and is_right:
            return account
    return None


def _lasts(known: dict[str, str], base: str) -> bool:
    return known.get("address") == base and datetime.fromisoformat(known["expires_at"]) - RENEW_BEFORE > datetime.now(
        UTC
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
