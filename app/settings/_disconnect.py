"""Disconnecting an account: forgotten here, then told to the service."""

from uuid import UUID

from app.house import House
from core.database import Caller
from core.errors import NotFound
from jobs.outside.ending import ending
from tasks import accounts
from tasks.accounts import Account


async def disconnect(house: House, caller: Caller, account_id: UUID) -> tuple[Account, bool]:
    """The account as it is now, and whether the service knows too. Raises NotFound for what is not one's own."""
    if all(one.id != account_id for one in await accounts.list_accounts(caller)):
        raise NotFound("There is no such account", detail=f"account {account_id}")

    async def forget() -> Account:
        return await accounts.disconnect_account(caller, account_id)

    gone, missed = await ending(house.given, caller, lambda one: one.id == account_id, forget)
    return gone, not missed
