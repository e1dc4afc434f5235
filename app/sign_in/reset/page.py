"""`/sign-in/reset`: a link to a new password, and, once it was opened, the new password."""

from dataclasses import replace
from typing import cast

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from app.dependencies import identify, person_session
from app.person_session import MAY_CHOOSE, PersonSessions, cookies_of
from app.sign_in._flow import (
    NONE_CAME,
    address_in,
    auth_of,
    back_url,
    go_on_later,
    mailed,
    mailing,
    password_in,
    posted,
    show,
    take_attempt,
)
from core.errors import Forbidden, StewardError, Unauthorized
from integrations.supabase.auth import SupabaseAuth

PAGE = "sign_in/reset/page.html"
MAILED = (
    "If {} has an account here, a mail with a link to a new password is on its way. Open it in this browser."
    + NONE_CAME
)


async def get(request: Request) -> Response:
    auth_of(request)
    return show(request, PAGE, may_choose=await _may_choose(request))


async def post(request: Request) -> Response:
    auth = auth_of(request)
    form = await posted(request)
    may_choose = form.get("action") == "choose"
    try:
        if may_choose:
            return await _choose(request, auth, password_in(form))
        address = address_in(form)
        await take_attempt(request, "reset", address)
        with mailing(request, address):
            verifier = await auth.mail_reset(address, back_url(request))
    except StewardError as error:
        return show(request, PAGE, error=error, may_choose=may_choose)
    return mailed(request, MAILED.format(address), go_on_later(request, verifier, "recovery", "/", email=address))


async def _choose(request: Request, auth: SupabaseAuth, password: str) -> Response:
    """Only a session that the mailed link began, or an invitation, may set a password without knowing the one before."""
    await identify(request)
    session = person_session(request)
    if session is None or session.how not in MAY_CHOOSE:
        raise Forbidden("Only the link of the mail leads to a new password", hint="Ask for a new one.")
    await take_attempt(request, "reset", session.email)
    session = await cast("PersonSessions", request.app.state.sessions).current(session)
    await auth.set_password(session.access_token, session.refresh_token, password)
    chosen = replace(session, how="password")  # no second time
    request.scope["state"]["session_cookies"] = cookies_of(chosen, request.app.state.keys)
    return RedirectResponse("/", status_code=303)


async def _may_choose(request: Request) -> bool:
    """Was the link of the mail opened in this browser, and does its session go on?"""
    session = person_session(request)
    if session is None or session.how not in MAY_CHOOSE:
        return False
    try:
        await identify(request)
    except Unauthorized:
        return False
    return True
