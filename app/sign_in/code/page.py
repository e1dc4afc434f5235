"""`/sign-in/code`: the code that a mail shows beside its link, typed in the browser that asked for the mail.

It is for whoever reads the mail elsewhere than where they sign in. A code is short, so it may be guessed at only a few
times an hour for one address, however often a new one is asked for.
"""

from collections.abc import Mapping
from typing import cast

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from app.attempts import Attempts
from app.sign_in._flow import CODE_PAGE, auth_of, enter, posted, show, take_attempt, waiting_of, zone_in
from app.sign_in.places import RESET, SIGN_IN
from core.errors import Invalid, StewardError, Unauthorized

LENGTHS = range(6, 11)  # of a code: what a project may choose


async def get(request: Request) -> Response:
    auth_of(request)
    waiting = waiting_of(request)
    return show(request, CODE_PAGE) if waiting and waiting.email else RedirectResponse(SIGN_IN, status_code=303)


async def post(request: Request) -> Response:
    auth = auth_of(request)
    form = await posted(request)
    waiting = waiting_of(request)
    if waiting is None or not waiting.email:
        return RedirectResponse(SIGN_IN, status_code=303)
    try:
        code = _code_in(form)
        await take_attempt(request, "sign-in code", "")
        await cast("Attempts", request.app.state.codes).take(f"code for {waiting.email.casefold()}")
        is_reset = waiting.how == "recovery"
        who = await auth.redeem_typed(waiting.email, code, "recovery" if is_reset else "email")
    except Unauthorized:
        return show(request, CODE_PAGE, error=_wrong("The code is wrong, or too old", "look at the newest mail"))
    except StewardError as error:
        return show(request, CODE_PAGE, error=error)
    return await enter(request, who, waiting.how, RESET if is_reset else waiting.next, waiting.zone or zone_in(form))


def _code_in(form: Mapping[str, str]) -> str:
    """The digits. Raises Invalid that names the field."""
    code = "".join(form.get("code", "").split())
    if len(code) not in LENGTHS or not (code.isascii() and code.isdigit()):
        raise _wrong("This is no code", f"allowed are {LENGTHS[0]} to {LENGTHS[-1]} digits")
    return code


def _wrong(words: str, message: str) -> Invalid:
    return Invalid(f"{words}: {message}", errors=[{"field": "code", "message": message}])
