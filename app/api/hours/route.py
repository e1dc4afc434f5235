"""GET and PATCH /api/hours: the person's own time zone and working hours."""

from fastapi import Request

from app.api.hours._shapes import ShownHours, shown
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.own_hours import HoursChange, get_own_hours, save_own_hours


@responds(summary="One's own time zone and working hours", response_model=ShownHours)
async def get(request: Request, caller: CurrentCaller) -> ShownHours:
    return shown(await get_own_hours(caller), house_of(request).clock)


@responds(summary="Choose one's own time zone and working hours", response_model=ShownHours)
async def patch(request: Request, caller: CurrentCaller, body: HoursChange) -> ShownHours:
    """What is left out stays as it is; null goes back to the installation's setting."""
    house = house_of(request)
    own = await save_own_hours(caller, body) if body.model_fields_set else await get_own_hours(caller)
    house.clocks.forget(caller.identity)
    return shown(own, house.clock)
