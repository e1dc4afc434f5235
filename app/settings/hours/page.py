"""`/settings/hours`: by which clock the person lives, and when they work."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from fastapi import Request
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.api.hours._shapes import shown
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.templating import render
from core.database import Caller
from core.errors import Invalid
from tasks.own_hours import ALLOWED_HOURS, ALLOWED_ZONE, HoursChange, get_own_hours, save_own_hours

HERE = "/settings/hours"
ALLOWED = {"timezone": ALLOWED_ZONE, "working_hours": ALLOWED_HOURS}
ZONES = sorted(one for one in available_timezones() if "/" in one and not one.startswith("Etc/"))


async def get(request: Request, caller: CurrentCaller) -> Response:
    return await _show(request, caller)


async def post(request: Request, caller: CurrentCaller) -> Response:
    """Keep what came (an empty field is the installation's setting), or go back to that as a whole."""
    form = await form_of(request)
    match form.get("action", ""):
        case "save":
            typed = {name: form[name].strip()[:300] for name in HoursChange.model_fields if name in form}
        case "defaults":
            typed = dict.fromkeys(HoursChange.model_fields, "")
        case other:
            message = f"{other[:40]!r} is none; allowed: save, defaults"
            raise Invalid("There is no such button", errors=[{"field": "action", "message": message}])
    try:
        change = HoursChange.model_validate({name: text or None for name, text in typed.items()})
    except ValidationError as error:
        return await _show(request, caller, typed, {str(one["loc"][0]): _words_of(one) for one in error.errors()})
    await save_own_hours(caller, change)
    house_of(request).clocks.forget(caller.identity)
    return back_to(HERE, saved="yes")


def _words_of(wrong: ErrorDetails) -> str:
    """What is wrong with a field, as `steward hours` says it."""
    said = wrong["msg"].removeprefix("Value error, ")
    return said if wrong["type"] == "value_error" else f"Allowed: {ALLOWED[str(wrong['loc'][0])]}"


async def _show(
    request: Request, caller: Caller, typed: Mapping[str, str] | None = None, wrong: Mapping[str, str] | None = None
) -> Response:
    own = await get_own_hours(caller)
    words: dict[str, Any] = {
        "hours": shown(own, house_of(request).clock),
        "form": {name: text or "" for name, text in own.model_dump().items()} | dict(typed or {}),
        "wrong": wrong or {},
        "zones": ZONES,
        "is_saved": not wrong and request.query_params.get("saved") == "yes",
    }
    return render(request, "settings/hours/page.html", status_code=422 if wrong else 200, **words)
