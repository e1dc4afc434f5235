"""GET /api/plans/{plan_id}/stages."""

from uuid import UUID

from starlette.responses import Response

from app.api._answers import Listing, listing
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.plans import StoredSection, list_plan_sections


@responds(
    summary="The stages of a document with their sections as they are stored",
    response_model=Listing[StoredSection],
    problems=(404,),
)
async def get(caller: CurrentCaller, plan_id: UUID) -> Response:
    return listing(await list_plan_sections(caller, plan_id), None)
