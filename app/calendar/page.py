"""`/calendar`: a week or a day of all calendars, with the tasks that are due."""

from datetime import date, datetime, time
from typing import Any

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.calendar._agenda import FIRST_HOUR, LAST_HOUR, days_of, events_between, tasks_due
from app.calendar._feed import new_feed_link
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.templating import render
from core.database import Caller
from core.errors import Invalid
from core.outside.calendar import DAY, at_clock
from tasks import calendar

VIEWS = {"week": 7, "day": 1}
YEARS = range(1970, 2201)


async def get(request: Request, caller: CurrentCaller) -> Response:
    return await _page(request, caller)


async def post(request: Request, caller: CurrentCaller) -> Response:
    """The feed's link: make it anew, which shows it this once, or take it away."""
    form = await form_of(request)
    if form.get("action") == "drop":
        await calendar.drop_calendar_feed(caller)
        return back_to("/calendar")
    return await _page(request, caller, feed_url=await new_feed_link(request, caller))


async def _page(request: Request, caller: Caller, feed_url: str | None = None) -> Response:
    house = house_of(request)
    now: datetime = house.clock.now()
    hours = house.clock.hours
    view = request.query_params.get("view") or "week"
    if view not in VIEWS:
        raise Invalid("There is no such view", errors=[{"field": "view", "message": "allowed: week, day"}])
    chosen = _date(request.query_params.get("date"), now)
    first = chosen - chosen.weekday() * DAY if view == "week" else chosen
    start = at_clock(first, time(), hours.zone)
    end = at_clock(first + VIEWS[view] * DAY, time(), hours.zone)
    events = await events_between(caller, start, end, hours)
    days = days_of(events, await tasks_due(caller, start, end), first, VIEWS[view], hours, now)
    context: dict[str, Any] = {
        "view": view,
        "days": days,
        "chosen": chosen,
        "first": first,
        "last": days[-1].date,
        "today": now.date(),
        "before": first - VIEWS[view] * DAY,
        "after": first + VIEWS[view] * DAY,
        "zone": hours.timezone,
        "width": (LAST_HOUR - FIRST_HOUR) * 60,
        "hours": range(FIRST_HOUR, LAST_HOUR, 3),
        "feed_since": await calendar.get_calendar_feed(caller),
        "feed_url": feed_url,
    }
    return render(request, "calendar/page.html", **context)


def _date(text: str | None, now: datetime) -> date:
    if not text:
        return now.date()
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise Invalid(
            "There is no such day", errors=[{"field": "date", "message": "allowed is a date like 2026-03-04"}]
        ) from error
    if day.year not in YEARS:
        raise Invalid(f"The year {day.year} is on no calendar", detail=f"allowed: {YEARS[0]} to {YEARS[-1]}")
    return day
