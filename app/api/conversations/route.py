"""GET /api/conversations: one's own chats."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from app.api._answers import Listing, listing
from app.cursors import decode_cursor
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.capture import Conversation, list_conversations


@responds(summary="One's own conversations, the last used first", response_model=Listing[Conversation])
async def get(
    caller: CurrentCaller, limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: str | None = None
) -> Response:
    page = await list_conversations(caller, after=decode_cursor(cursor) if cursor else None, limit=limit)
    return listing(page.items, page.after)
