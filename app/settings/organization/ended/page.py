"""POST /settings/organization/ended: the person has read which of their organizations are gone."""

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to
from app.dependencies import CurrentCaller
from tasks.organizations import put_away_ended_organizations


async def post(request: Request, caller: CurrentCaller) -> Response:
    await put_away_ended_organizations(caller)
    return back_to("/")
