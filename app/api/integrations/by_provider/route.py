"""GET, POST and DELETE /api/integrations/{provider}: what is connected, connecting it with a key, disconnecting it."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from app.settings._disconnect import disconnect
from core.errors import Invalid, NotFound
from core.vault import Vault
from jobs.outside.google import GOOGLE, lacks_google
from jobs.outside.keyed import checked_secret
from tasks import accounts
from tasks.accounts import Account, AccountState


class ConnectedAccount(BaseModel):
    """An account at a service; `reason` says why it is not connected any more."""

    id: UUID
    address: str
    state: AccountState
    reason: str | None
    scopes: list[str]
    connected_at: AwareDatetime
    synced_at: AwareDatetime | None


class Integration(BaseModel):
    """A service; `lacks` says what has to be set before an account can be connected."""

    provider: str
    lacks: str | None
    accounts: list[ConnectedAccount]


class Key(BaseModel):
    """What a service is signed in to with, field by field (see the guide of tools); it is kept sealed and never shown."""

    model_config = ConfigDict(extra="forbid")

    secret: dict[str, str] = Field(examples=[{"url": "https://example.atlassian.net", "email": "...", "token": "..."}])  # nosec B105 # an example


class Disconnected(BaseModel):
    """The accounts that were disconnected; `is_revoked` is false where the service itself could not be told."""

    accounts: list[ConnectedAccount]
    is_revoked: bool


@responds(summary="What is connected at a service", response_model=Integration)
async def get(request: Request, caller: CurrentCaller, provider: str) -> Integration:
    listed = await accounts.list_accounts(caller, provider)
    lacks = lacks_google(house_of(request).settings) if provider == GOOGLE else None
    return Integration(provider=provider, lacks=lacks, accounts=[_shown(one) for one in listed])


@responds(summary="Connect a service with its key", status_code=201, response_model=ConnectedAccount, problems=(404,))
async def post(request: Request, caller: CurrentCaller, provider: str, body: Key) -> ConnectedAccount:
    """tavily {key}, jira {url, email, token}, github {token}, hubspot {token}, cicd {url, secret}, supabase {url, key},
    postgres and postgres_records {url}, rest_records {url, token}. The same service and host again is renewed."""
    address, secret = checked_secret(provider, body.secret)
    vault = Vault.from_settings(house_of(request).settings)
    return _shown(await accounts.connect_account(caller, vault, provider, address, secret))


@responds(summary="Disconnect an account of a service", response_model=Disconnected, problems=(404,))
async def delete(
    request: Request, caller: CurrentCaller, provider: str, account_id: Annotated[UUID | None, Query()] = None
) -> Disconnected:
    listed = [one for one in await accounts.list_accounts(caller, provider) if one.state != "revoked"]
    if account_id is None and len(listed) > 1:
        raise Invalid(
            "There are several accounts: say which one",
            errors=[{"field": "account_id", "message": "it is one of " + ", ".join(str(one.id) for one in listed)}],
        )
    wanted = account_id or (listed[0].id if listed else None)
    if wanted is None or all(one.id != wanted for one in listed):
        raise NotFound("There is no such account")
    account, is_told = await disconnect(house_of(request), caller, wanted)
    return Disconnected(accounts=[_shown(account)], is_revoked=is_told)


def _shown(account: Account) -> ConnectedAccount:
    return ConnectedAccount.model_validate(account, from_attributes=True)
