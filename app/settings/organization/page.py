"""`/settings/organization`: who belongs to the organization that the person acts in, and who is asked to join."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view import words
from app._view.forms import back_to, form_of
from app.chosen import known, note_organizations
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.settings._problems import sentence_of
from app.templating import render
from core.database import Caller
from core.errors import Conflict, Forbidden, Invalid, NotFound
from tasks import organizations
from tasks.organizations import NewInvitation, Organization

HERE = "/settings/organization"
ROLES = ("owner", "admin", "member")


@dataclass(frozen=True)
class _Typed:
    """What was typed, and what is wrong with it: {form: words}."""

    email: str = ""
    role: str = "member"
    name: str = ""
    problem: str = ""


async def get(request: Request, caller: CurrentCaller) -> Response:
    return await _show(request, caller, _Typed())


async def post(request: Request, caller: CurrentCaller) -> Response:
    form = await form_of(request)
    typed = _Typed(form.get("email", "")[:400], form.get("role", "member"), form.get("name", "")[:400])
    try:
        if form.get("action") == "invite":
            made = await organizations.create_invitation(
                caller, _id_of(form, "organization_id"), typed.email, typed.role
            )
            return await _show(request, caller, _Typed(), made=made, status_code=201)
        return back_to(await _press(caller, form))
    except (Conflict, Forbidden, Invalid, NotFound) as error:
        whole = _Typed(typed.email, typed.role, typed.name, sentence_of(error))
        return await _show(request, caller, whole, status_code=error.status)


async def _press(caller: Caller, form: Mapping[str, str]) -> str:
    """The buttons; where each leads."""
    action = form.get("action", "")
    if action == "create":
        await organizations.create_organization(caller, form.get("name", ""))
        return HERE
    if action == "revoke":
        await organizations.revoke_invitation(caller, _id_of(form, "invitation_id"))
        return f"{HERE}#invitations"
    organization_id = _id_of(form, "organization_id")
    match action:
        case "rename":
            await organizations.rename_organization(caller, organization_id, form.get("name", ""))
        case "role":
            await organizations.change_role(caller, organization_id, _id_of(form, "user_id"), form.get("role", ""))
        case "remove":
            await organizations.remove_member(caller, organization_id, _id_of(form, "user_id"))
        case "leave":
            await organizations.leave_organization(caller, organization_id)
            return "/"
        case other:
            raise Invalid("There is no such button", errors=[{"field": "action", "message": f"{other[:40]!r} is none"}])
    return HERE


async def _show(
    request: Request, caller: Caller, typed: _Typed, *, made: NewInvitation | None = None, status_code: int = 200
) -> Response:
    here = next((one for one in await note_organizations(request, caller) if one.is_chosen), None)
    if here is None:
        raise NotFound("You belong to no organization", hint="Ask somebody to invite you.")
    manages = here.role != "member"
    invited = await organizations.list_invitations(caller, here.id) if manages and not here.is_personal else []
    return render(
        request,
        "settings/organization/page.html",
        status_code=status_code,
        here=here,
        manages=manages,
        members=await organizations.list_members(caller, here.id),
        others=_others(request, here),
        invitations=[one for one in invited if one.state == "open"],
        ended=[one for one in invited if one.state != "open"],
        typed=typed,
        made=made,
        link=_link(request, made) if made else None,
        roles=ROLES,
        role_words=words.ROLES,
    )


def _others(request: Request, here: Organization) -> list[Organization]:
    return [one for one in known(request) if one.id != here.id]


def _link(request: Request, made: NewInvitation) -> str:
    """The whole address, as it is sent to whoever is invited."""
    base = house_of(request).settings.public_url or str(request.base_url)
    return base.rstrip("/") + made.path


def _id_of(form: Mapping[str, str], name: str) -> UUID:
    try:
        return UUID(form.get(name, ""))
    except ValueError as error:
        raise Invalid("That is no such thing", errors=[{"field": name, "message": "it is not an id"}]) from error
