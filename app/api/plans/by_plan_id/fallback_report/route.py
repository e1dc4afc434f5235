"""GET /api/plans/{plan_id}/fallback-report."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._plans.papers import report_in
from app.api.plans._served import served
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of


@responds(
    summary="The report made anew from whatever is stored, with what is missing",
    also=("text/html",),
    problems=(404,),
)
async def get(request: Request, caller: CurrentCaller, plan_id: UUID) -> Response:
    return served(await report_in(house_of(request), caller, plan_id, "html", rebuilt=True), inline=True)
