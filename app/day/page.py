"""`/day`: a day planned around the calendar, drawn as a column, to be kept or cleared."""

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.day._column import column_of, lines_of
from app.day._planning import day_in, keep_plan, left_out_of, planned_day
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.templating import render
from core.errors import Invalid
from core.outside.calendar import DAY
from tasks.day_plans import save_day_plan


async def get(request: Request, caller: CurrentCaller) -> Response:
    house = house_of(request)
    now = house.clock.now()
    day = day_in(request.query_params.get("date"), now)
    planned = await planned_day(house, caller, day)
    lines = lines_of(planned)
    return render(
        request,
        "day/page.html",
        day=day,
        today=now.date(),
        before=day - DAY,
        after=day + DAY,
        planned=planned,
        plan=planned.plan,
        lines=lines,
        left_out=left_out_of(planned.plan),
        column=column_of(planned, lines),
        all_day=[one for one in planned.events if one.is_all_day],
        zone=planned.hours.timezone,
    )


async def post(request: Request, caller: CurrentCaller) -> Response:
    """Keep the plan in the local calendar, or take it out."""
    form = await form_of(request)
    house = house_of(request)
    day = day_in(form.get("date"), house.clock.now())
    match form.get("action"):
        case "keep":
            await keep_plan(caller, await planned_day(house, caller, day))
        case "clear":
            await save_day_plan(caller, day, [])
        case other:
            raise Invalid(
                "There is no such button",
                errors=[{"field": "action", "message": f"{(other or '')[:40]!r}; allowed: keep, clear"}],
            )
    return back_to(f"/day?date={day}")
