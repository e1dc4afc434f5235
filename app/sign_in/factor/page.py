"""`/sign-in/factor`: the second proof, for whoever set up an authenticator app in the project.

Until it is given the browser holds half a session, which opens no other page: `app.person_session`. Setting one up is the
project's: these pages only ask for what is there.
"""

from collections.abc import Mapping
from typing import cast

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from app.attempts import Attempts
from app.cookies import own_cookies
from app.person_session import MAY_CHOOSE, PersonSession, read_half_session
from app.sign_in._flow import auth_of, enter, posted, show, take_attempt, waiting_of
from app.sign_in.places import RESET, SIGN_IN, own_path
from core.errors import Invalid, StewardError, Unauthorized

PAGE = "sign_in/factor/page.html"
DIGITS = 6


async def get(request: Request, next: str = "/") -> Response:
    auth_of(request)
    if _half(request) is None:
        return RedirectResponse(SIGN_IN, status_code=303)
    return show(request, PAGE, next=own_path(next))


async def post(request: Request) -> Response:
    auth = auth_of(request)
    form = await posted(request)
    half, where = _half(request), own_path(form.get("next"))
    if half is None:
        return RedirectResponse(SIGN_IN, status_code=303)
    try:
        code = _code_in(form)
        await take_attempt(request, "sign-in factor", half.email)
        await cast("Attempts", request.app.state.codes).take(f"factor of {half.user_id}")
        who = await auth.prove(half.access_token, half.refresh_token, half.factor_id, code)
        half.with_tokens(who)  # the same person
    except StewardError as error:
        return show(request, PAGE, error=error, next=where)
    waiting = waiting_of(request)
    return await enter(
        request, who, half.how, RESET if half.how in MAY_CHOOSE else where, waiting.zone if waiting else ""
    )


def _half(request: Request) -> PersonSession | None:
    try:
        return read_half_session(request.app.state.keys, own_cookies(request))
    except Unauthorized:
        return None


def _code_in(form: Mapping[str, str]) -> str:
    """The digits. Raises Invalid that names the field."""
    code = "".join(form.get("code", "").split())
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        message = f"allowed are {DIGITS} digits"
        raise Invalid(f"This is no code: {message}", errors=[{"field": "code", "message": message}])
    return code
