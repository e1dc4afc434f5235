"""GET /api/commitments: promises of the person, and of others to them."""

from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime
from starlette.responses import Response

from app.api._answers import Listing, listing
from app.cursors import decode_cursor
from app.dependencies import CurrentCaller
from app.router import responds
from core.errors import Invalid
from tasks.commitments import Commitment, CommitmentFilter, CommitmentState, list_commitments


@responds(
    summary="Promises: open ones first, by what is due; then closed ones, the last first",
    response_model=Listing[Commitment],
)
async def get(
    caller: CurrentCaller,
    state: CommitmentState | None = None,
    mine: Annotated[bool | None, Query(description="Made by the person; false: made to them")] = None,
    person: Annotated[str | None, Query(max_length=320, description="An address, or a part of a name")] = None,
    due_before: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> Response:
    if person is not None and "\x00" in person:
        raise Invalid("person holds a NUL character", errors=[{"field": "person", "message": "no NUL is allowed"}])
    wanted = CommitmentFilter(state=state, is_mine=mine, person=person, due_before=due_before)
    page = await list_commitments(caller, wanted, after=decode_cursor(cursor) if cursor else None, limit=limit)
    return listing(page.items, page.after)
