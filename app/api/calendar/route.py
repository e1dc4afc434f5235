"""GET /api/calendar."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Query, Request
from pydantic import BaseModel

from agents.tools.calendar_shapes import SeenEvent
from app.calendar._agenda import events_between, tasks_due
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from core.errors import Invalid
from tasks.models import Task

LONGEST = timedelta(days=62)
YEARS = range(1970, 2201)


class Agenda(BaseModel):
    """What is on all calendars between two moments, and the open tasks that are due then; both in order."""

    start: datetime
    end: datetime
    events: list[SeenEvent]
    tasks: list[Task]


@responds(summary="Events of all calendars, and tasks that are due", response_model=Agenda)
async def get(
    request: Request,
    caller: CurrentCaller,
    start: Annotated[datetime | None, Query(description="From when; now where it is left out")] = None,
    end: Annotated[
        datetime | None, Query(description="Until when, at most 62 days later; a week where left out")
    ] = None,
) -> Agenda:
    house = house_of(request)
    zone = house.clock.timezone
    begin = _aware(start, zone) if start else house.clock.now()
    until = _aware(end, zone) if end else begin + timedelta(days=7)
    if not timedelta() < until - begin <= LONGEST:
        raise Invalid(
            f"{begin.isoformat()} to {until.isoformat()} cannot be shown", detail="allowed: up to 62 days, forwards"
        )
    hours = house.clock.hours
    events = await events_between(caller, begin, until, hours)
    return Agenda(
        start=begin,
        end=until,
        events=[SeenEvent.of(event, zone) for event in events],
        tasks=await tasks_due(caller, begin, until),
    )


def _aware(at: datetime, zone: ZoneInfo) -> datetime:
    """The time with a zone; one's own where it has none. Raises Invalid beyond what calendars hold."""
    if at.year not in YEARS:
        raise Invalid(f"The year {at.year} is on no calendar", detail=f"allowed: {YEARS[0]} to {YEARS[-1]}")
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=zone)
