"""POST /settings/organization/choose: what the person sees and does from now on is of that organization."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from core.errors import Invalid
from tasks.organizations import choose_organization


async def post(request: Request, caller: CurrentCaller) -> Response:
    wanted = (await form_of(request)).get("organization_id", "")
    try:
        organization_id = UUID(wanted)
    except ValueError as error:
        wrong = {"field": "organization_id", "value": wanted[:80], "message": "it is not an id"}
        raise Invalid("That is no organization", errors=[wrong]) from error
    await choose_organization(caller, organization_id)
    return back_to("/")  # what was open there may not be here
