"""`/insights`: what was done for the person, what it cost, how right it was; and the thresholds that follow from that."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.insights import _words
from app.seen import house_of
from app.templating import render
from core.database import Caller
from core.errors import Invalid
from tasks.calibration import HIGHEST, LOWEST, aim_of
from tasks.insights import get_silent_spending, insights_of_days
from tasks.thresholds import pin_threshold

PERIODS = (7, 30, 90)
HERE = "/insights"


async def get(
    request: Request,
    caller: CurrentCaller,
    days: Annotated[int, Query(ge=1, le=400, description="How far back")] = 30,
) -> Response:
    return await _show(request, caller, days)


async def post(request: Request, caller: CurrentCaller) -> Response:
    """Pin a threshold, or let it follow its outcomes again."""
    typed = await form_of(request)
    house = house_of(request)
    stream, days = typed.get("stream", ""), typed.get("days", "")
    try:
        wanted = None if typed.get("button") == "release" else _share(typed.get("threshold", ""))
        await pin_threshold(caller, stream, wanted, _default(stream), house.clock.now())
    except Invalid as error:
        return await _show(request, caller, 30, problem=error.message, status_code=error.status)
    return back_to(HERE, days=days if days.isdecimal() else None)


def _share(typed: str) -> float:
    """A share out of 0.8 or 80. Raises Invalid for what is none."""
    try:
        value = float(typed.strip().removesuffix("%").replace(",", "."))
    except ValueError as error:
        raise Invalid(f"{typed[:40]!r} is no threshold", detail=f"allowed: {LOWEST} to {HIGHEST}") from error
    return value / 100 if value > 1 else value


def _default(stream: str) -> float:
    try:
        return aim_of(stream).default
    except KeyError as error:
        raise Invalid(f"There is no such stream of confidences: {stream[:60]!r}") from error


async def _show(
    request: Request, caller: Caller, days: int, *, problem: str | None = None, status_code: int = 200
) -> Response:
    house = house_of(request)
    found = await insights_of_days(caller, days, house.clock)
    spending = await get_silent_spending(caller, found.since, found.until)
    return render(
        request,
        "insights/page.html",
        status_code=status_code,
        found=found,
        days=days,
        periods=PERIODS,
        charts=_words.charts(found),
        streams=_words.streams(found),
        waiting=spending.waiting,
        cap=house.settings.proactive_day_budget_usd,
        learns=house.settings.learn_thresholds,
        say=_words,
        problem=problem,
    )
