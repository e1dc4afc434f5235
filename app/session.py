"""The cookie of a session on its way out; and signing in at a local installation, where a one-time link becomes one."""

from contextlib import suppress

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.cookies import own_cookies, set_cookie
from app.dependencies import person_session
from app.limits import address_of
from app.person_session import COOKIE, is_person_session
from core.errors import StewardError, TooMany, Unauthorized
from core.keys import SESSION_SECONDS


class SessionCookies:
    """Sets the cookies that a request left in its state: `session_cookies`, name -> value, empty for one that goes.

    It also notes when the answer began, since no cookie can be given from then on.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def with_cookies(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.accept"}:
                state["answer_began"] = True
                if state.get("session_cookies") and scope["type"] == "http":
                    request = Request(scope)
                    for name, value in state["session_cookies"].items():
                        if value or name in own_cookies(request):
                            MutableHeaders(scope=message).append("Set-Cookie", _cookie(request, name, value))
            await send(message)

        await self._app(scope, receive, with_cookies)


async def is_signed_in(request: Request) -> bool:
    """Does the browser hold a session that opens? Whether Auth still knows it is not asked."""
    cookies = own_cookies(request)
    if is_person_session(cookies):
        return request.app.state.sessions is not None and person_session(request) is not None
    try:
        await request.app.state.link_sessions.read(cookies.get(COOKIE, ""))
    except StewardError:
        return False
    return True


def _cookie(request: Request, name: str, value: str) -> str:
    answer = Response()
    set_cookie(answer, request, name, value, SESSION_SECONDS if value else 0)
    return answer.headers["set-cookie"]


class SignInLinks:
    """`GET any-page?token=...` sets the session cookie and goes on to the page without the token."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and not scope["path"].startswith(("/api", "/static")):
            request = Request(scope, receive)
            if token := request.query_params.get("token"):
                await (await _sign_in(request, token))(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _sign_in(request: Request, token: str) -> Response:
    """On to the page, with a session. Raises Unauthorized for a link that does not work, TooMany, Unavailable."""
    keys = request.app.state.keys
    target = request.url.remove_query_params("token")
    path = "/" + target.path.lstrip("/")  # two slashes would begin another host's name
    onward = RedirectResponse(path + (f"?{target.query}" if target.query else ""), status_code=303)
    if await is_signed_in(request):
        return onward  # an old link is as good as none
    attempts, address = request.app.state.attempts, f"link {address_of(request)}"
    try:
        attempts.take(address, 0)
        user_id = await request.app.state.link_sessions.use_link(token)
    except Unauthorized:
        with suppress(TooMany):  # the next one is refused
            attempts.take(address)
        raise
    set_cookie(onward, request, COOKIE, keys.session_token(user_id), SESSION_SECONDS)
    return onward
