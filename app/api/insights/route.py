"""GET /api/insights: what was done, what it cost and saved, how right and how fast it was."""

from typing import Annotated

from fastapi import Query, Request

from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.insights import Insights, insights_of_days


@responds(
    summary="What was done in the last days, time saved, cost, accuracy, calibration, speed", response_model=Insights
)
async def get(
    request: Request,
    caller: CurrentCaller,
    days: Annotated[int, Query(ge=1, le=400, description="How far back")] = 30,
) -> Insights:
    return await insights_of_days(caller, days, house_of(request).clock)
