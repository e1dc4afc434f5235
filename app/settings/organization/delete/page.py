"""`/settings/organization/delete`: the organization that the person acts in, deleted with everything in it once its name is typed."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.chosen import note_organizations
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.settings._problems import sentence_of
from app.templating import render
from core.database import Caller
from core.errors import Conflict, Forbidden, Invalid, NotFound
from jobs.outside.ending import ending
from tasks import organizations


async def get(request: Request, caller: CurrentCaller) -> Response:
    return await _show(request, caller)


async def post(request: Request, caller: CurrentCaller) -> Response:
    form = await form_of(request)
    try:
        organization_id = UUID(form.get("organization_id", ""))
    except ValueError as error:
        raise Invalid("That is no organization", errors=[{"field": "organization_id", "message": "no id"}]) from error
    name = form.get("name", "")
    try:
        _, missed = await ending(
            house_of(request).given,
            caller,
            lambda one: one.organization_id == organization_id,
            lambda: organizations.delete_organization(caller, organization_id, name),
        )
    except (Conflict, Forbidden) as error:
        return await _show(request, caller, sentence_of(error), error.status)
    return back_to("/", gone="organization", not_ended=",".join(missed) or None)


async def _show(request: Request, caller: Caller, problem: str = "", status_code: int = 200) -> Response:
    here = next((one for one in await note_organizations(request, caller) if one.is_chosen), None)
    if here is None:
        raise NotFound("You belong to no organization")
    if here.is_personal:
        raise Conflict(
            "Your personal organization goes with you alone", hint="Settings, Delete everything of yours, deletes both."
        )
    if here.role != "owner":
        raise Forbidden("Only an owner deletes an organization", hint="You may leave it under Settings, Organization.")
    members = await organizations.list_members(caller, here.id)
    return render(
        request,
        "settings/organization/delete/page.html",
        status_code=status_code,
        here=here,
        others=len(members) - 1,
        problem=problem,
    )
