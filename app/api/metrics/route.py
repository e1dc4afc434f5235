"""GET /api/metrics: how one's tasks stand, and how they stood."""

from typing import Annotated

from fastapi import Query

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.metrics import MOST_HOURS, Metrics, get_metrics


@responds(
    summary="One's own tasks in numbers: now, at the latest snapshot, and over the last hours", response_model=Metrics
)
async def get(
    caller: CurrentCaller,
    hours: Annotated[int, Query(ge=1, le=MOST_HOURS, description="How far back the history goes")] = 24,
) -> Metrics:
    return await get_metrics(caller, hours)
