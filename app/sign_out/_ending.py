"""The end of a session: told to whoever keeps it, and its cookie taken away."""

import structlog
from fastapi import Request

from app.cookies import own_cookies
from app.dependencies import person_session
from app.person_session import COOKIE, cookies_of
from core.errors import Unauthorized, Unavailable

log = structlog.get_logger()


async def end_session(request: Request, *, everywhere: bool) -> None:
    """The session of this browser ends. Where all are to end: raises Unavailable where Auth was not told, Unauthorized where it ended none."""
    state, keys = request.app.state, request.app.state.keys
    session = person_session(request)
    if session is not None:
        try:
            await state.sessions.sign_out(session, "global" if everywhere else "local")
        except Unauthorized:
            request.scope["state"]["session_cookies"] = cookies_of(None, keys)
            raise
        except Unavailable as error:
            if everywhere:
                raise  # the others go on, so this may not look done
            await log.awarning("sign_out_not_told", error=error.message)
    elif token := own_cookies(request).get(COOKIE):
        try:
            await state.link_sessions.end(token)
        except Unavailable as error:  # a disk that keeps nothing: this browser forgets it all the same
            await log.awarning("sign_out_not_kept", error=error.message)
    request.scope["state"]["session_cookies"] = cookies_of(None, keys)
