"""Disconnecting an account: told to the service, then forgotten here."""

from uuid import UUID

import structlog

from app.house import House
from core.database import Caller, Identity
from core.errors import NotFound, StewardError
from core.outside.errors import SignInExpired
from core.vault import Vault
from jobs.outside.google import GOOGLE, google_app
from tasks import accounts
from tasks.accounts import Account

log = structlog.get_logger()


async def disconnect(house: House, caller: Caller, account_id: UUID) -> tuple[Account, bool]:
    """The account as it is now, and whether the service knows too. Raises NotFound for what is not one's own."""
    own = next((one for one in await accounts.list_accounts(caller) if one.id == account_id), None)
    if own is None:
        raise NotFound("There is no such account", detail=f"account {account_id}")
    is_told = True
    if own.provider == GOOGLE and own.state == "connected":
        is_told = await _revoke_google(house, own)
    return await accounts.disconnect_account(caller, account_id), is_told


async def _revoke_google(house: House, account: Account) -> bool:
    """End the permission at Google. Where somebody else here has the same account connected, theirs would end as well: it stays."""
    from integrations.google.oauth import revoke

    everywhere = house.database.acting_as(Identity.service())
    others = await accounts.list_connected_accounts(everywhere, GOOGLE)
    if any(one.address == account.address and one.id != account.id for one in others):
        return True
    try:
        vault = Vault.from_settings(house.settings)
        _, secret = await accounts.open_account(everywhere, vault, account.organization_id, GOOGLE, account.id)
        return await revoke(google_app(house.settings), secret)
    except SignInExpired:
        return False
    except StewardError as error:
        await log.awarning("google_not_revoked", account_id=str(account.id), error=error.message)
        return False
