"""Installing the app from the pages: begun with a state that only this session can finish, once, in ten minutes."""

import hashlib
import secrets
from uuid import UUID

from fastapi import Request

from app.api.integrations.google._sign_in import SignInFailed, session_hash
from app.seen import house_of
from core.database import Caller, Identity
from core.settings import Settings
from core.vault import Vault
from integrations.slack.oauth import install_url, redeem_code
from jobs.outside.slack import PROVIDER
from tasks import accounts, capture, slack
from tasks.accounts import Account

CALLBACK = "/api/integrations/slack/callback"


async def begin(request: Request, caller: Caller) -> str:
    """Where at Slack the person goes on. Raises SignInFailed."""
    settings: Settings = house_of(request).settings
    session = session_hash(request)
    if settings.slack_client_id is None or settings.slack_client_secret is None:
        raise SignInFailed("slack_not_set_up")
    state = secrets.token_urlsafe(32)
    organization_id = UUID((await capture.get_profile(caller))["organization"]["id"])
    back = (settings.public_url or f"{request.url.scheme}://{request.url.netloc}") + CALLBACK
    sealed = Vault.from_settings(settings).seal({"redirect_uri": back}, organization_id, _seal_id(state))
    await accounts.begin_sign_in(caller, PROVIDER, _hash(state), session, sealed)
    return install_url(settings.slack_api_url, settings.slack_client_id, back, state)


async def finish(request: Request, caller: Caller, state: str, code: str, error: str) -> Account:
    """The workspace that was connected; who installed it is linked to the caller.

    Raises SignInFailed, Conflict (that Slack user is somebody else's), Refused, Temporary, Malformed.
    """
    house = house_of(request)
    settings: Settings = house.settings
    if not state:
        raise SignInFailed("slack_unknown")
    back = await accounts.finish_sign_in(caller, PROVIDER, _hash(state), session_hash(request))
    if back.state != "yours" or back.organization_id is None:
        raise SignInFailed("slack_unknown")
    if error or not code:
        raise SignInFailed("slack_denied")
    if settings.slack_client_id is None or settings.slack_client_secret is None:
        raise SignInFailed("slack_not_set_up")
    vault = Vault.from_settings(settings)
    kept = vault.open(back.sealed, back.organization_id, _seal_id(state))
    secret = settings.slack_client_secret.get_secret_value()
    made = await redeem_code(settings.slack_api_url, settings.slack_client_id, secret, code, kept["redirect_uri"])
    details = {"team_id": made.team_id, "team_name": made.team_name, "bot_user_id": made.bot_user_id}
    address = f"{made.team_name} ({made.team_id})".strip()
    account = await accounts.connect_account(
        caller, vault, PROVIDER, address, {"bot_token": made.bot_token}, made.scopes, details
    )
    service = house.database.acting_as(Identity.service(account.organization_id))
    await slack.link_slack_user(service, account.user_id, made.team_id, made.installer, account.id)
    return account


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _seal_id(state: str) -> UUID:
    return UUID(hex=_hash(f"slack {state}")[:32])
