"""GET and WebSocket /api/tasks/{task_id}/events: fine events of the task's tree, a page or live."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Request, WebSocket
from starlette.responses import Response

from app.api._answers import Listing
from app.api.events._streams import EventStream, LastEventId, begins_after, page_of_events, place, serve_websocket
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.events import TaskEvent
from tasks.functions import get_task


@responds(
    summary="Events of the task and what hangs below it: a page, or a live stream",
    response_model=Listing[TaskEvent],
    problems=(404,),
    also=("text/event-stream",),
)
async def get(
    request: Request,
    caller: CurrentCaller,
    task_id: UUID,
    after: Annotated[int, Query(ge=0, le=2**62, description="Id of the last event seen")] = 0,
    tail: Annotated[bool, Query(description="Where no id is given: begin with what happens from now on")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
    cursor: Annotated[str | None, Query(description="Of the page before, instead of after")] = None,
    accept: Annotated[str, Header()] = "",
    last_event_id: LastEventId = "",
) -> Response:
    await get_task(caller, task_id)
    after = await place(caller, begins_after(after, last_event_id, cursor), tail=tail and not last_event_id)
    if "text/event-stream" in accept:
        return EventStream(request, caller, task_id, after)
    return await page_of_events(caller, task_id, after, limit)


async def websocket(websocket: WebSocket, task_id: UUID) -> None:
    await serve_websocket(websocket, task_id)
