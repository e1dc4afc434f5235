"""GET, POST and DELETE /api/day: a day planned around the calendar."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from app.day._planning import day_in, keep_plan, planned_day
from app.day._shown import Day, shown
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.day_plans import save_day_plan

DayWanted = Annotated[str | None, Query(max_length=40, description="2026-03-05, today or tomorrow; today if left out")]


@responds(summary="A day planned around the calendar", response_model=Day)
async def get(request: Request, caller: CurrentCaller, date: DayWanted = None) -> Day:
    house = house_of(request)
    return shown(await planned_day(house, caller, day_in(date, house.clock.now())))


@responds(summary="Keep the plan of a day as private events of the local calendar", response_model=Day)
async def post(request: Request, caller: CurrentCaller, date: DayWanted = None) -> Day:
    house = house_of(request)
    planned = await planned_day(house, caller, day_in(date, house.clock.now()))
    return shown(planned).model_copy(update={"kept_blocks": await keep_plan(caller, planned)})


@responds(summary="Take the kept plan of a day out of the calendar", status_code=204)
async def delete(request: Request, caller: CurrentCaller, date: DayWanted = None) -> Response:
    await save_day_plan(caller, day_in(date, house_of(request).clock.now()), [])
    return Response(status_code=204)
