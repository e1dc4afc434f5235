"""Which organization a page was made for: its forms and requests say so, and are refused once another one was chosen.

A person acts in one organization at a time, in every tab. What a page carries is a suffix of its CSRF token, so every
form and every script has it without more words: `<token>.<organization id>`.
"""

from dataclasses import replace
from typing import cast

from fastapi import Request
from starlette.exceptions import HTTPException

from core.database import Caller, Identity
from core.errors import Conflict
from tasks.organizations import Organization, list_organizations

MARK = "."
ANYWHERE = (
    "/settings/organization/choose",
    "/invitations/",
    "/theme",
    "/sign-out",
    "/sign-in",
)  # they name what they are about
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def marked(request: Request, csrf_token: str) -> str:
    """The CSRF token with the organization that the page is made for, where that is known."""
    chosen = acting(request)
    return f"{csrf_token}{MARK}{chosen.id}" if csrf_token and chosen else csrf_token


def unmarked(csrf_token: str) -> str:
    """The CSRF token alone."""
    return csrf_token.partition(MARK)[0]


async def csrf_sent(request: Request) -> str:
    """The CSRF token that came with the request, in its header or its form; empty without one."""
    if token := request.headers.get("x-csrf-token", ""):
        return token
    if request.method in {"GET", "HEAD"} or not request.headers.get("content-type", "").startswith(FORMS):
        return ""
    return str((await request.form()).get("csrf_token", ""))


def acting(request: Request) -> Organization | None:
    """The organization that the caller acts in, once it was noted for this request."""
    return next((one for one in known(request) if one.is_chosen), None)


def known(request: Request) -> list[Organization]:
    """The caller's organizations, once they were noted for this request."""
    return cast("list[Organization]", request.scope.get("state", {}).get("organizations", []))


async def note_organizations(request: Request, caller: Caller) -> list[Organization]:
    """Keep the caller's organizations with the request: layouts and forms need them."""
    state = request.scope.setdefault("state", {})
    if "organizations" not in state:
        state["organizations"] = await list_organizations(caller)
    return state["organizations"]


async def in_organization_of_page(request: Request, identity: Identity) -> Identity:
    """The same person, held to the organization that the page was made for.

    Raises Conflict where they act in another one now. Where htmx fetches a part, the page is left instead: for what was
    asked for, or for today, since what was open may not be here. (Loaded anew, it would overtake a form on its way.)
    """
    path = request.url.path
    if identity.scopes is not None or identity.user_id is None or path.startswith(ANYWHERE):
        return identity
    _, mark, of_page = (await csrf_sent(request)).partition(MARK)
    if not mark:
        return identity
    await note_organizations(request, request.app.state.house.database.acting_as(identity))
    now = acting(request)
    if now is not None and str(now.id) == of_page:
        return replace(
            identity, organization_id=now.id
        )  # chosen in another tab from here on, it changes nothing any more
    words = f"You act in {now.name} now" if now else "You belong to no organization now"
    if request.method in {"GET", "HEAD"}:
        is_whole = request.headers.get("hx-boosted") == "true"
        raise HTTPException(409, words, {"HX-Redirect": str(request.url) if is_whole else "/"})
    raise Conflict(
        "This page was made for another organization", detail=f"{words}; nothing was done", hint="Load the page anew."
    )
