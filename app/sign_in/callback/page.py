"""`/sign-in/callback`: back from a mailed link, or from Google.

A code is worth something only with the verifier that this browser keeps. The token of a link is worth something to
anybody who has it, so it is used by a button: a program that opens the links of mails does not use it up, and a link
that somebody sends you signs you in nowhere unasked. To Auth the token of a link that signs in and of one to a new password
are the same (`type` is what the address says), so only the browser that asked for a new password for that very address
comes to choose one. An invitation of the project leads there too: whoever it is for has no password yet.
"""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from app.person_session import MAY_CHOOSE, How
from app.sign_in._flow import auth_of, enter, posted, show, take_attempt, waiting_of, way_on, zone_in
from app.sign_in.places import RESET, own_path
from core.errors import Invalid, StewardError
from integrations.supabase.auth import LINK_KINDS
from integrations.supabase.faults import LinkUsedUp

PAGE = "sign_in/callback/page.html"
Text = Annotated[str, Query(max_length=2000)]
OTHER_BROWSER = LinkUsedUp(
    "This link was asked for in another browser, or too long ago",
    hint="Open it in the browser that you asked with, or ask for a new one here.",
)


async def get(
    request: Request,
    code: Text = "",
    token_hash: Text = "",
    type: Text = "",
    next: Text = "",
    error: Text = "",
    error_code: Text = "",
) -> Response:
    auth = auth_of(request)
    if token_hash:
        return show(request, PAGE, token_hash=token_hash, kind=type, next=way_on(request, next))
    waiting = waiting_of(request)
    try:
        if error or not code:
            raise _refused(error, error_code)
        await take_attempt(request, "sign-in code", "")
        if waiting is None or not waiting.verifier:
            raise OTHER_BROWSER
        who = await auth.redeem_code(code, waiting.verifier)
        is_reset = waiting.how == "recovery"
        return await enter(request, who, waiting.how, RESET if is_reset else waiting.next, waiting.zone)
    except StewardError as told:
        return _told(request, told)


async def post(request: Request) -> Response:
    auth = auth_of(request)
    form = await posted(request)
    kind = form.get("type", "")
    try:
        await take_attempt(request, "sign-in code", "")
        if kind not in LINK_KINDS:
            allowed = ", ".join(LINK_KINDS)
            raise Invalid("type: This link is of no kind that signs in", detail=f"allowed is {allowed}")
        waiting = waiting_of(request)
        asked_to_reset = waiting is not None and waiting.how == "recovery"
        if kind == "recovery" and not asked_to_reset:
            raise OTHER_BROWSER  # it is not used up
        who = await auth.redeem_link(form.get("token_hash", ""), kind)
        is_reset = kind == "recovery" and waiting is not None and waiting.email.casefold() == who.email.casefold()
        how: How = "recovery" if is_reset else "invite" if kind == "invite" and who.is_invited else "link"
        where = RESET if how in MAY_CHOOSE else own_path(form.get("next"))
        return await enter(request, who, how, where, zone_in(form))
    except StewardError as told:
        return _told(request, told)


def _told(request: Request, error: StewardError) -> Response:
    return show(request, PAGE, error=error, token_hash="", kind="", next="/")  # nosec B106 # no link to open


def _refused(error: str, error_code: str) -> StewardError:
    if error_code in {"otp_expired", "flow_state_not_found", "flow_state_expired"}:
        return LinkUsedUp("This link was used already, or is too old", hint="Ask for a new one.")
    if error == "access_denied":
        return Invalid("Nobody was signed in: it was not allowed", hint="Try again, or sign in another way.")
    if error:
        return Invalid("Nobody was signed in: the Supabase project refused", hint="Try again, or sign in another way.")
    return Invalid("There is nothing in this link that signs in", hint="Ask for a new one.")
