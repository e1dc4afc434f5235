"""`/sign-out`: the session of this browser ends, or every session of the person."""

import structlog
from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.dependencies import COOKIE, CurrentCaller, person_session
from app.person_session import cookies_of
from app.sign_in.places import SIGN_IN
from core.errors import Unavailable

log = structlog.get_logger()


async def post(request: Request, caller: CurrentCaller) -> Response:
    form = await form_of(request)
    state, keys = request.app.state, request.app.state.keys
    session = person_session(request)
    if session is not None:
        try:
            await state.sessions.sign_out(session, "global" if form.get("everywhere") == "yes" else "local")
        except Unavailable as error:
            if form.get("everywhere") == "yes":
                raise  # the others go on, so this may not look done
            await log.awarning("sign_out_not_told", error=error.message)
    elif token := request.cookies.get(COOKIE):
        try:
            await state.link_sessions.end(token)
        except Unavailable as error:  # a disk that keeps nothing: this browser forgets it all the same
            await log.awarning("sign_out_not_kept", error=error.message)
    request.scope["state"]["session_cookies"] = cookies_of(None, keys)
    return back_to(SIGN_IN if state.auth else "/")
