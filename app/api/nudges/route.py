"""GET /api/nudges: what was brought up, or held back."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from app.api._answers import Listing, listing
from app.cursors import decode_cursor
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.nudges import Nudge, NudgeKind, NudgeState, list_nudges


@responds(summary="What was brought up unasked, or held back, newest first", response_model=Listing[Nudge])
async def get(
    caller: CurrentCaller,
    state: Annotated[list[NudgeState] | None, Query(max_length=7, examples=[["told"]])] = None,
    kind: Annotated[list[NudgeKind] | None, Query(max_length=20, examples=[["agenda"]])] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> Response:
    """Each says why. `held_because` says why one was not told at once: early, quiet, budget, confidence, person or digest."""
    after = decode_cursor(cursor) if cursor else None
    page = await list_nudges(caller, states=state or (), kinds=kind or (), after=after, limit=limit)
    return listing(page.items, page.after)
