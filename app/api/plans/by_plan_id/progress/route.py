"""GET and WebSocket /api/plans/{plan_id}/progress: what is done, what models write, how far the plan is."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Request, WebSocket
from starlette.responses import Response

from app.api.events._streams import EventStream, LastEventId, Voice, begins_after, place, serve_websocket
from app.api.plans.by_plan_id.progress._voice import ProgressPage, page_of, voice_for
from app.dependencies import CurrentCaller
from app.router import responds
from core.database import Caller


@responds(
    summary="How far the plan is, and what is done: a page, or a live stream",
    response_model=ProgressPage,
    problems=(404,),
    also=("text/event-stream",),
)
async def get(
    request: Request,
    caller: CurrentCaller,
    plan_id: UUID,
    after: Annotated[int, Query(ge=0, le=2**62, description="Id of the last message seen")] = 0,
    tail: Annotated[bool, Query(description="Where no id is given: begin with what happens from now on")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
    cursor: Annotated[str | None, Query(description="Of the page before, instead of after")] = None,
    accept: Annotated[str, Header()] = "",
    last_event_id: LastEventId = "",
) -> ProgressPage | Response:
    voice = await voice_for(caller, plan_id)
    after = await place(voice.caller, begins_after(after, last_event_id, cursor), tail=tail and not last_event_id)
    if "text/event-stream" in accept:
        return EventStream(request, voice.caller, plan_id, after, voice)
    return await page_of(voice.caller, plan_id, after, limit)


async def websocket(websocket: WebSocket, plan_id: UUID) -> None:
    async def opening(caller: Caller) -> tuple[Caller, Voice]:
        voice = await voice_for(caller, plan_id)
        return voice.caller, voice

    await serve_websocket(websocket, plan_id, opening)
