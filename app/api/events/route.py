"""GET /api/events: everything that happens, live."""

from typing import Annotated

from fastapi import Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.responses import Response

from app.api._answers import Listing, listing
from app.dependencies import CurrentCaller
from app.live import as_server_sent_events
from app.router import responds
from tasks.functions import get_last_event_id, list_task_events
from tasks.models import TaskEvent


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
    accept: Annotated[str, Header()] = "",
    last_event_id: Annotated[str, Header(pattern=r"^\d{0,18}$")] = "",
) -> Response:
    after = int(last_event_id or after)
    if tail and not after:
        after = await get_last_event_id(caller)
    if "text/event-stream" in accept:
        events = request.app.state.house.hub.follow(caller, None, after)
        return StreamingResponse(as_server_sent_events(events), media_type="text/event-stream")
    return listing(await list_task_events(caller, None, after, limit), None)
