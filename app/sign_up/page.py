"""`/sign-up`: a new account, where the Supabase project takes some."""

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
    not_mailed,
    password_in,
    posted,
    show,
    take_attempt,
    zone_in,
)
from app.sign_in.places import own_path
from core.errors import StewardError

PAGE = "sign_up/page.html"
MOST_NAME = 200
MAILED = (
    "Look into the mail of {}: if the address is new here, a link to confirm it is on its way. "
    "Open it in this browser, within the hour. If you have an account already, sign in." + NONE_CAME
)


async def get(request: Request, next: str = "/") -> Response:
    auth = auth_of(request)
    where = own_path(next)
    if await is_signed_in(request):
        return RedirectResponse(where, status_code=303)
    return show(request, PAGE, features=await auth.features(), next=where, email="", name="")


async def post(request: Request) -> Response:
    auth = auth_of(request)
    form = await posted(request)
    where, name = own_path(form.get("next")), form.get("name", "").strip()[:MOST_NAME]
    email = form.get("email", "").strip()[:320]
    features = await auth.features()
    try:
        address = address_in(form)
        await take_attempt(request, "sign-up", address)
        with mailing(request, address):
            who, verifier = await auth.sign_up(address, password_in(form), name, back_url(request), zone_in(form))
    except StewardError as error:
        return show(request, PAGE, error=error, features=features, next=where, email=email, name=name)
    if who is not None:
        not_mailed(request, address)
        return await enter(request, who, "sign_up", where)
    return mailed(request, MAILED.format(address), go_on_later(request, verifier, "sign_up", where, email=address))
