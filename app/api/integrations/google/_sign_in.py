"""Signing in at Google from the pages: begun with a state that only this session can finish, once, in ten minutes."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fastapi import Request

from app.dependencies import session_name
from app.seen import house_of
from core.database import Caller
from core.errors import Unauthorized
from core.outside.errors import NotConnected
from core.settings import Settings
from core.vault import Vault
from integrations.google import oauth
from jobs.outside.google import GOOGLE, google_app
from tasks import accounts, capture
from tasks.accounts import Account

CALLBACK = "/api/integrations/google/callback"


class SignInFailed(Exception):
    """A sign-in did not come to its end; `code` is one of `app.settings._words.PROBLEMS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Asked:
    """What a person wants to allow: names of `oauth.PERMISSIONS`, and for which address where that is known."""

    permissions: Sequence[str]
    address: str = ""


async def begin(request: Request, caller: Caller, asked: Asked) -> str:
    """Where at Google the person goes on. Raises SignInFailed."""
    settings: Settings = house_of(request).settings
    session = session_hash(request)
    try:
        app = google_app(settings)
    except NotConnected as error:
        raise SignInFailed("not_set_up") from error
    unknown = [name for name in asked.permissions if name not in oauth.PERMISSIONS]
    if unknown or not asked.permissions:
        raise SignInFailed("no_permission")
    state, verifier = secrets.token_urlsafe(32), oauth.new_verifier()
    organization_id = UUID((await capture.get_profile(caller))["organization"]["id"])
    back = redirect_uri(request, settings)
    kept = {"verifier": verifier, "redirect_uri": back}
    sealed = Vault.from_settings(settings).seal(kept, organization_id, _seal_id(state))
    await accounts.begin_sign_in(caller, GOOGLE, _hash(state), session, sealed)
    permissions = [*await _granted_before(caller, asked.address), *asked.permissions]
    return oauth.sign_in_url(app, back, state, verifier, permissions, asked.address)


async def finish(request: Request, caller: Caller, state: str, code: str, error: str) -> Account:
    """The account that was connected. Raises SignInFailed, Refused, Temporary, Malformed."""
    settings: Settings = house_of(request).settings
    if not state:
        raise SignInFailed("missing")
    back = await accounts.finish_sign_in(caller, GOOGLE, _hash(state), session_hash(request))
    if back.state != "yours" or back.organization_id is None:
        raise SignInFailed(back.state)
    if error:
        raise SignInFailed("denied" if error == "access_denied" else "google_error")
    if not code:
        raise SignInFailed("missing")
    try:
        app = google_app(settings)
    except NotConnected as problem:
        raise SignInFailed("not_set_up") from problem
    vault = Vault.from_settings(settings)
    kept = vault.open(back.sealed, back.organization_id, _seal_id(state))
    grant = await oauth.redeem_code(app, code, kept["redirect_uri"], kept["verifier"])
    if not oauth.permissions_of(grant.scopes):
        raise SignInFailed("nothing_allowed")
    account = await accounts.connect_account(
        caller, vault, GOOGLE, grant.address, grant.secret, grant.scopes, {"name": grant.name} if grant.name else {}
    )
    await accounts.request_reading(caller, GOOGLE, account.address)
    return account


def session_hash(request: Request) -> str:
    """The session of the browser, hashed. Raises Unauthorized where there is none: a script cannot sign in at Google."""
    session = session_name(request)
    if not session:
        raise Unauthorized(
            "Nobody is signed in here", hint="Open the link that steward printed, or run `steward link`."
        )
    return _hash(session)


def redirect_uri(request: Request, settings: Settings) -> str:
    """Where Google sends the person back to: it has to be registered there, letter for letter."""
    base = settings.public_url or f"{request.url.scheme}://{request.url.netloc}"
    return base + CALLBACK


async def _granted_before(caller: Caller, address: str) -> list[str]:
    """What an account may do already: asked for again, since not every Google adds it by itself."""
    for account in await accounts.list_accounts(caller, GOOGLE):
        if address and account.address == address and account.state == "connected":
            return oauth.permissions_of(account.scopes)
    return []


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _seal_id(state: str) -> UUID:
    return UUID(hex=_hash(f"sign-in {state}")[:32])
