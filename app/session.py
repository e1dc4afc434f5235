"""Signing in at a local installation: a one-time link becomes a session cookie."""

from contextlib import suppress
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.dependencies import COOKIE
from app.limits import address_of
from app.problems import problem_response
from core.errors import StewardError, TooMany
from core.keys import SESSION_SECONDS


class SignInLinks:
    """`GET any-page?token=...` sets the session cookie and goes on to the page without the token."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and not scope["path"].startswith(("/api", "/static")):
            request = Request(scope, receive)
            if token := request.query_params.get("token"):
                await _sign_in(request, token)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _sign_in(request: Request, token: str) -> Response:
    keys = request.app.state.keys
    target = request.url.remove_query_params("token")
    path = "/" + target.path.lstrip("/")  # two slashes would begin another host's name
    onward = RedirectResponse(path + (f"?{target.query}" if target.query else ""), status_code=303)
    try:
        keys.read_session(request.cookies.get(COOKIE, ""))
    except StewardError:
        pass
    else:
        return onward  # signed in already: an old link is as good as none
    attempts, address = request.app.state.attempts, f"link {address_of(request)}"
    try:
        attempts.take(address, 0)
        user_id = keys.use_link(token)
    except TooMany as error:
        return problem_response(request, error.problem(), {"Retry-After": str(error.retry_after_seconds)})
    except StewardError as error:
        with suppress(TooMany):  # the next one is refused
            attempts.take(address)
        return problem_response(request, error.problem())
    onward.set_cookie(
        COOKIE,
        keys.session_token(user_id),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="lax",
        secure=_is_https(request),
        path="/",
    )
    return onward


def _is_https(request: Request) -> bool:
    """Does the browser speak HTTPS? Behind a proxy this process does not see it; the public address says so."""
    public = urlsplit(request.app.state.house.settings.public_url or "")
    return request.url.scheme == "https" or (public.scheme == "https" and public.netloc == request.headers.get("host"))
