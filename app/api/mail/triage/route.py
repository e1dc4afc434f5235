"""GET /api/mail/triage: mail of others by what it needs."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from app.api._answers import Listing, listing
from app.cursors import decode_cursor
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.commitments import MailShelf, SortedMail, list_triaged_mail


@responds(
    summary="Mail of others by what it needs, newest first, with its tasks and promises",
    response_model=Listing[SortedMail],
)
async def get(
    caller: CurrentCaller,
    category: MailShelf | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> Response:
    page = await list_triaged_mail(caller, category, after=decode_cursor(cursor) if cursor else None, limit=limit)
    return listing(page.items, page.after)
