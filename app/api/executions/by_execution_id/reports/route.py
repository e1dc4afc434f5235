"""GET /api/executions/{execution_id}/reports."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app._executions.acting import check_execution
from app.api._answers import Listing, listing
from app.cursors import decode_cursor
from app.dependencies import CurrentCaller
from app.router import responds
from core.errors import Invalid
from tasks.agent_work import AgentReport, list_agent_reports

INSTANT = timedelta(microseconds=1)
MOST_AT_ONCE = 500  # events of one request have the same time


@responds(
    summary="What agents reported about the execution, oldest first, and what became of each report",
    response_model=Listing[AgentReport],
    problems=(404,),
)
async def get(
    caller: CurrentCaller,
    execution_id: UUID,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
    cursor: str | None = None,
) -> Response:
    await check_execution(caller, execution_id)
    at, seen = _place(cursor) if cursor else (None, 0)
    found = await list_agent_reports(caller, execution_id, at - INSTANT if at else None, limit + seen)
    page = found[seen : seen + limit]
    if len(page) < limit:
        return listing(page, None)
    last = page[-1].received_at
    same = sum(1 for one in found[: seen + limit] if one.received_at == last)
    return listing(page, [last.isoformat(), same])


def _place(cursor: str) -> tuple[datetime, int]:
    """The time of the last report, and how many of that time were seen. Raises Invalid for a cursor of another list."""
    try:
        match decode_cursor(cursor):
            case [str() as at, int() as seen] if (
                0 <= seen <= MOST_AT_ONCE and (moment := datetime.fromisoformat(at)).tzinfo
            ):
                return moment, seen
            case _:
                raise ValueError("wrong form")
    except ValueError as error:
        raise Invalid(
            "The cursor is not one that this list gave out",
            errors=[{"field": "cursor", "message": "leave it out to begin anew"}],
        ) from error
