"""Who is asking: a Bearer token, or the cookie of a session with its CSRF token."""

from typing import TYPE_CHECKING, Annotated

import structlog
from fastapi import Depends, Request

from app.chosen import csrf_sent, in_organization_of_page, marked, unmarked
from app.cookies import own_cookies
from app.limits import Limiter, address_of
from app.person_session import COOKIE, PersonSession, PersonSessions, cookies_of, is_person_session, read_session
from app.scopes import SAFE_METHODS, refuse_agent_elsewhere, refuse_out_of_scope
from core.auth import ProjectKeys, is_signed_by_key_pair
from core.database import Caller, Identity
from core.errors import Forbidden, Unauthorized
from core.keys import Keys
from tasks import agents, tokens

if TYPE_CHECKING:
    from app.house import House


async def identify(request: Request) -> Identity:
    """Whoever asks. Raises Unauthorized without a valid token, Forbidden for a forged form or a scope that is missing.

    TooMany where so many wrong tokens came from there that none is looked at any more.
    """
    keys: Keys = request.app.state.keys
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.casefold() != "bearer":
            raise Unauthorized(
                "The Authorization header is not of the form Bearer <token>", hint="`steward token` prints one."
            )
        return await _read_bearer(request, keys, token.strip())
    cookies = own_cookies(request)
    session = cookies.get(COOKIE)
    if not session:
        raise Unauthorized("Nobody is signed in", hint="Open the link that steward printed, or run `steward link`.")
    if is_person_session(cookies):
        return await _read_person_session(request, keys)
    user_id = await request.app.state.link_sessions.read(session)
    if request.method not in SAFE_METHODS:
        await _refuse_forgery(request, keys, session)
    return Identity(user_id)


async def _read_person_session(request: Request, keys: Keys) -> Identity:
    """Who signed in with Supabase. New tokens are put in the answer's cookie; a session that ended takes it away."""
    sessions: PersonSessions | None = request.app.state.sessions
    state = request.scope.setdefault("state", {})
    try:
        if sessions is None:
            raise Unauthorized("Nobody signs in with Supabase here", hint="`steward link` prints a link that signs in.")
        session = read_session(keys, own_cookies(request))
        if request.method not in SAFE_METHODS:
            await _refuse_forgery(request, keys, session.id)
        fresh = await sessions.current(session, may_refresh=not state.get("answer_began"))
    except Unauthorized:
        state["session_cookies"] = cookies_of(None, keys)
        raise
    if fresh is not session:
        state["session_cookies"] = cookies_of(fresh, keys)
    return Identity(fresh.user_id, access_token=fresh.access_token)


def person_session(request: Request) -> PersonSession | None:
    """The session in the cookie of a person who signed in with Supabase, unchecked; None without one that opens."""
    cookies = own_cookies(request)
    try:
        return read_session(request.app.state.keys, cookies) if is_person_session(cookies) else None
    except Unauthorized:
        return None


def session_name(request: Request) -> str:
    """What stays the same for as long as the browser's session lasts; empty without one."""
    cookies = own_cookies(request)
    if is_person_session(cookies):
        session = person_session(request)
        return session.id if session else ""
    return cookies.get(COOKIE, "")


async def _read_bearer(request: Request, keys: Keys, token: str) -> Identity:
    attempts: Limiter = request.app.state.attempts
    is_let_in = "identity" in request.scope.get("state", {})  # a stream asks again: what others sent is not its fault
    if not is_let_in:
        attempts.take(f"token {address_of(request)}", 0)
    try:
        if token.startswith(tokens.PREFIX):
            return await _read_api_token(request, token)
        if token.startswith(agents.PREFIX):
            return await _read_agent_token(request, token)
        project: ProjectKeys | None = request.app.state.project_keys
        if project and is_signed_by_key_pair(token):
            return Identity(await project.read_bearer(token), access_token=token)
        is_of_project = request.app.state.house.settings.supabase_jwt_secret is not None  # else it is one of ours
        return Identity(keys.read_bearer(token), access_token=token if is_of_project else None)
    except Unauthorized:
        if not is_let_in:
            attempts.take(f"token {address_of(request)}")
        raise


async def _read_api_token(request: Request, token: str) -> Identity:
    service = request.app.state.house.database.acting_as(Identity.service())
    found = await tokens.resolve_token(service, token)
    if found is None:
        raise Unauthorized(
            "The token is not valid: it was revoked, it has expired, or it never was one",
            hint="Settings shows your tokens; `steward token list` does, too.",
        )
    scopes = tuple(found.scopes)
    refuse_out_of_scope(scopes, request.url.path, request.method)
    return Identity(found.user_id, organization_id=found.organization_id, token_id=found.id, scopes=scopes)


async def _read_agent_token(request: Request, token: str) -> Identity:
    service = request.app.state.house.database.acting_as(Identity.service())
    found = await agents.resolve_agent_token(service, token)
    if found is None:
        raise Unauthorized(
            "The agent's token is not valid: it was rotated or revoked, the agent was removed, or it never was one",
            hint="The agent's page gives it a new one; `steward agents rotate` does, too.",
        )
    refuse_agent_elsewhere(found.id, request.url.path, request.method)
    return Identity.agent(found.id, found.organization_id)


async def _refuse_forgery(request: Request, keys: Keys, session: str) -> None:
    refuse_other_sites(request)
    if not keys.is_csrf_token(session, unmarked(await csrf_sent(request))):
        raise Forbidden("The form's token is missing or old", hint="Reload the page and send it again.")


def refuse_other_sites(request: Request) -> None:
    """Raises Forbidden where a browser says that a page of another site sent this form."""
    if _is_from_elsewhere(request):
        raise Forbidden("This form was sent from another site")


def _is_from_elsewhere(request: Request) -> bool:
    """Does a browser say that a page of another site sent this?"""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    is_ours = origin is None or origin in {f"{scheme}://{request.headers.get('host')}" for scheme in ("http", "https")}
    return site not in {None, "same-origin", "none"} or not is_ours


async def current_caller(request: Request) -> Caller:
    """The database as whoever asks may see it. Raises what `identify` does, and TooMany over the limit of requests."""
    state = request.scope.setdefault("state", {})
    identity: Identity | None = state.get("identity")
    if identity is None:  # else asked already, for this very request
        identity = await identify(request)
        request.app.state.requests.take(str(identity.agent_id or identity.token_id or identity.user_id))
        state["identity"] = identity = await in_organization_of_page(request, identity)
    structlog.contextvars.bind_contextvars(**identity.as_logged())
    house: House = request.app.state.house
    caller = house.database.acting_as(identity)
    if "house" not in state:
        state["house"] = house.by(await house.clocks.of(caller))
    return caller


async def bearer_caller(request: Request) -> Caller:
    """As `current_caller`, where only a Bearer token counts: no cookie, and nothing that a page of another site sends."""
    if _is_from_elsewhere(request):
        raise Forbidden("This was sent by a page of another site", hint="Programs send no Origin.")
    if not request.headers.get("authorization"):
        raise Unauthorized(
            "No token came with this", hint="Send Authorization: Bearer <token>; `steward token create` makes one."
        )
    return await current_caller(request)


def csrf_token(request: Request) -> str:
    """The CSRF token for forms of this session, with the organization of the page; empty without one."""
    session = session_name(request)
    return marked(request, request.app.state.keys.csrf_token(session)) if session else ""


CurrentCaller = Annotated[Caller, Depends(current_caller)]
