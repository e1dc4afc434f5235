"""Who is asking: a Bearer token, or the cookie of a session with its CSRF token."""

from typing import Annotated
from uuid import UUID

import structlog
from fastapi import Depends, Request

from core.auth import ProjectKeys, is_signed_by_key_pair
from core.database import Caller, Identity
from core.errors import Forbidden, Unauthorized
from core.keys import Keys

COOKIE = "steward_session"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


async def identify(request: Request) -> UUID:
    """The id of whoever asks. Raises Unauthorized without a valid token, Forbidden for a forged form."""
    keys: Keys = request.app.state.keys
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.casefold() != "bearer":
            raise Unauthorized(
                "The Authorization header is not of the form Bearer <token>", hint="`steward token` prints one."
            )
        return await _read_bearer(request, keys, token.strip())
    session = request.cookies.get(COOKIE)
    if not session:
        raise Unauthorized("Nobody is signed in", hint="Open the link that steward printed, or run `steward link`.")
    user_id = keys.read_session(session)
    if request.method not in SAFE_METHODS:
        await _refuse_forgery(request, keys, session)
    return user_id


async def _read_bearer(request: Request, keys: Keys, token: str) -> UUID:
    project: ProjectKeys | None = request.app.state.project_keys
    if project and is_signed_by_key_pair(token):
        return await project.read_bearer(token)
    return keys.read_bearer(token)


async def _refuse_forgery(request: Request, keys: Keys, session: str) -> None:
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    is_ours = origin is None or origin in {f"{scheme}://{request.headers.get('host')}" for scheme in ("http", "https")}
    if site not in {None, "same-origin", "none"} or not is_ours:
        raise Forbidden("This form was sent from another site")
    token = request.headers.get("x-csrf-token", "")
    if not token and request.headers.get("content-type", "").startswith(
        ("application/x-www-form-urlencoded", "multipart/form-data")
    ):
        token = str((await request.form()).get("csrf_token", ""))
    if not keys.is_csrf_token(session, token):
        raise Forbidden("The form's token is missing or old", hint="Reload the page and send it again.")


async def current_caller(request: Request) -> Caller:
    """The database as whoever asks may see it."""
    user_id = await identify(request)
    structlog.contextvars.bind_contextvars(user_id=str(user_id))
    return request.app.state.house.database.acting_as(Identity(user_id))


def csrf_token(request: Request) -> str:
    """The CSRF token for forms of this session; empty without one."""
    session = request.cookies.get(COOKIE)
    return request.app.state.keys.csrf_token(session) if session else ""


CurrentCaller = Annotated[Caller, Depends(current_caller)]
CsrfToken = Annotated[str, Depends(csrf_token)]
