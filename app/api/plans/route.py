"""GET and POST /api/plans."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from app._plans.forms import DocumentRequest
from app._plans.making import make_document_plan
from app.api._answers import Listing, listing
from app.api.plans._shapes import PlanAccepted, accepted
from app.cursors import keys_after, place_of
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.plans import PlanKind, PlanState, PlanSummary, list_plans

MESSAGE = "The plan document is accepted; GET /api/plans/{id} shows how far it is, its progress comes live."


@responds(summary="Plans, newest first, a page at a time", response_model=Listing[PlanSummary])
async def get(
    caller: CurrentCaller,
    kind: PlanKind | None = None,
    state: PlanState | None = None,
    search: Annotated[str | None, Query(max_length=500, description="Words to look for")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> Response:
    before, before_id = place_of(cursor)
    found = await list_plans(caller, kind, state, search or None, limit, before, before_id)
    return listing(found, keys_after(found, limit))


@responds(
    summary="Have a plan document written",
    status_code=202,
    response_model=PlanAccepted,
    problems=(404,),
)
async def post(request: Request, caller: CurrentCaller, body: DocumentRequest) -> Response:
    """`speed_vs_detail`: ping_llm (a few stages), fast_but_skip_details, balanced_speed_and_detail, all_details_but_slow."""
    return accepted(await make_document_plan(house_of(request), caller, body), MESSAGE)
