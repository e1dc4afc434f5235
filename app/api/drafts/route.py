"""GET /api/drafts."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app.api._answers import Listing, listing
from app.cursors import decode_cursor
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.drafts import Draft, DraftState
from tasks.review import list_drafts


@responds(summary="Drafts, newest first", response_model=Listing[Draft])
async def get(
    caller: CurrentCaller,
    state: Annotated[list[DraftState] | None, Query(max_length=8)] = None,
    task_id: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> Response:
    page = await list_drafts(
        caller, states=state, task_id=task_id, after=decode_cursor(cursor) if cursor else None, limit=limit
    )
    return listing(page.items, page.after)
