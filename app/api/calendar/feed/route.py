"""GET /api/calendar/feed?token=: due tasks as iCalendar, for programs that cannot sign in; POST and DELETE its link."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from app.calendar._agenda import tasks_due
from app.calendar._feed import base_url, due_event, new_feed_link, token_hash
from app.dependencies import CurrentCaller
from app.limits import address_of
from app.router import responds
from core.database import Identity
from core.errors import NotFound
from integrations.calendar.writing import MEDIA_TYPE, write_ics
from tasks import calendar

LOOK_BACK, LOOK_AHEAD = timedelta(days=30), timedelta(days=366)
REFRESH = timedelta(hours=1)


class FeedLink(BaseModel):
    """The link under which due tasks can be subscribed to. It is shown this once; whoever has it can read them."""

    url: str


@responds(summary="Due tasks as iCalendar, under a secret link", problems=(404,), also=("text/calendar",))
async def get(request: Request, token: Annotated[str, Query(min_length=20, max_length=200)]) -> Response:
    house = request.app.state.house
    service = house.database.acting_as(Identity.service())
    attempts, address = request.app.state.attempts, f"feed {address_of(request)}"
    attempts.take(address, 0)
    owner = await calendar.open_calendar_feed(service, token_hash(token))
    if owner is None:
        attempts.take(address)
        raise NotFound("There is no such feed, or its link was renewed", hint="The calendar page makes a new link.")
    caller = house.database.acting_as(Identity(owner.user_id, organization_id=owner.organization_id))
    clock = await house.clocks.of(caller)
    now: datetime = clock.now()
    due = await tasks_due(caller, now - LOOK_BACK, now + LOOK_AHEAD)
    events = [due_event(task, clock.timezone, base_url(request)) for task in due]
    headers = {"Cache-Control": "private, max-age=300", "Content-Disposition": 'inline; filename="steward.ics"'}
    return Response(write_ics(events, "Steward: due tasks", now, REFRESH), media_type=MEDIA_TYPE, headers=headers)


@responds(summary="Make the link of one's feed, or replace it", status_code=201, response_model=FeedLink)
async def post(request: Request, caller: CurrentCaller) -> FeedLink:
    return FeedLink(url=await new_feed_link(request, caller))


@responds(summary="Take the link of one's feed away", status_code=204, problems=(404,))
async def delete(caller: CurrentCaller) -> Response:
    if not await calendar.drop_calendar_feed(caller):
        raise NotFound("There is no feed link")
    return Response(status_code=204)
