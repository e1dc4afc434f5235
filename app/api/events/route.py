"""GET and WebSocket /api/events: everything that happens, live."""

from typing import Annotated

from fastapi import Header, Query, Request, WebSocket
from starlette.responses import Response

from app.api._answers import Listing
from app.api.events._streams import EventStream, LastEventId, begins_after, page_of_events, place, serve_websocket
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.events import TaskEvent


@responds(
    summary="Events of all one's tasks: a page, or a live stream",
    response_model=Listing[TaskEvent],
    also=("text/event-stream",),
)
async def get(
    request: Request,
    caller: CurrentCaller,
    after: Annotated[int, Query(ge=0, le=2**62, description="Id of the last event seen")] = 0,
    tail: Annotated[bool, Query(description="Where no id is given: begin with what happens from now on")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
    cursor: Annotated[str | None, Query(description="Of the page before, instead of after")] = None,
    accept: Annotated[str, Header()] = "",
    last_event_id: LastEventId = "",
) -> Response:
    after = await place(caller, begins_after(after, last_event_id, cursor), tail=tail and not last_event_id)
    if "text/event-stream" in accept:
        return EventStream(request, caller, None, after)
    return await page_of_events(caller, None, after, limit)


async def websocket(websocket: WebSocket) -> None:
    await serve_websocket(websocket)
