"""GET /api/plans/{plan_id}/files/{name}."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._plans.papers import paper_named, papers_of
from app.api.plans._served import MEDIA_TYPES, served
from app.dependencies import CurrentCaller
from app.router import responds


@responds(summary="One file of a plan", also=MEDIA_TYPES, problems=(404, 409, 503))
async def get(request: Request, caller: CurrentCaller, plan_id: UUID, name: str) -> Response:
    house = request.app.state.house
    return served(await paper_named(house, caller, await papers_of(house, caller, plan_id), name))
