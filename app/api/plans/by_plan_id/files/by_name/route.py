"""GET /api/plans/{plan_id}/files/{name}."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._plans.papers import paper_named, papers_of
from app.api.plans._served import MEDIA_TYPES, served
from app.dependencies import CurrentCaller
from app.files import served_file
from app.router import responds
from app.seen import house_of


@responds(summary="One file of a plan", also=MEDIA_TYPES, also_status={302: None}, problems=(404, 409, 503))
async def get(request: Request, caller: CurrentCaller, plan_id: UUID, name: str) -> Response:
    house = house_of(request)
    papers = await papers_of(house, caller, plan_id)
    for kept in papers.kept:
        if kept.name == name:
            return await served_file(caller, kept.id, is_shown=False)
    return served(await paper_named(house, papers, name))
