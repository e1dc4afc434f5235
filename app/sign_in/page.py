"""`/sign-in`: by password, by a mailed link, or with Google; where a Supabase project is set up."""

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from app.session import is_signed_in
from app.sign_in._flow import (
    NONE_CAME,
    address_in,
    auth_of,
    back_url,
    enter,
    go_on_later,
    mailed,
    mailing,
    password_in,
    posted,
    show,
    take_attempt,
    way_on,
    zone_in,
)
from app.sign_in.places import own_path
from core.errors import Invalid, StewardError
from integrations.supabase.auth import SupabaseAuth
from integrations.supabase.faults import NotConfirmed

PAGE = "sign_in/page.html"
ACTIONS = ("password", "link", "confirm")
MAILED = (
    "If {} has an account here, a mail with a link is on its way. Open the link in this browser, within the hour."
    + NONE_CAME
)
SENT_AGAIN = "If {} waits to be confirmed, the mail is on its way again." + NONE_CAME


async def get(request: Request, next: str = "/") -> Response:
    auth = auth_of(request)
    where = way_on(request, next)
    if await is_signed_in(request):
        return RedirectResponse(where, status_code=303)
    return await _page(request, auth, where)


async def post(request: Request) -> Response:
    auth = auth_of(request)
    form = await posted(request)
    where, email, action = own_path(form.get("next")), form.get("email", "").strip()[:320], form.get("action")
    try:
        if action not in ACTIONS:  # before it is counted: each word would be a count of its own
            raise Invalid("There is no such button", errors=[{"field": "action", "message": "it is none"}])
        address = address_in(form)
        await take_attempt(request, f"sign-in {action}", address)
        match action:
            case "password":
                return await enter(request, await auth.sign_in(address, password_in(form)), "password", where)
            case "link":
                with mailing(request, address):
                    verifier = await auth.mail_link(address, back_url(request))
                waiting = go_on_later(request, verifier, "link", where, email=address, zone=zone_in(form))
                return mailed(request, MAILED.format(address), waiting)
            case _:
                with mailing(request, address):
                    await auth.mail_confirmation(address, back_url(request))
                # no code comes with its link, so no verifier either
                return mailed(
                    request, SENT_AGAIN.format(address), go_on_later(request, "", "sign_up", where, email=address)
                )
    except StewardError as error:
        is_new = isinstance(error, NotConfirmed)
        return await _page(request, auth, where, email=email, error=error, unconfirmed=is_new)


async def _page(
    request: Request,
    auth: SupabaseAuth,
    where: str,
    *,
    email: str = "",
    error: StewardError | None = None,
    unconfirmed: bool = False,
) -> Response:
    features = await auth.features()
    return show(request, PAGE, error=error, features=features, next=where, email=email, unconfirmed=unconfirmed)
