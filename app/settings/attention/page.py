"""`/settings/attention`: how much is told unasked and when, what is muted, and of what use each kind was."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import Response

from app._attention.rules import rules_of
from app._view import nudges as words
from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.settings.attention._form import AttentionForm, weekdays
from app.templating import render
from core.database import Caller
from core.errors import Invalid
from tasks.attention import AttentionChange
from tasks.nudges import get_attention, save_attention, unmute_nudges

HERE = "/settings/attention"


async def get(request: Request, caller: CurrentCaller) -> Response:
    return await _show(request, caller)


async def post(request: Request, caller: CurrentCaller) -> Response:
    form = await form_of(request)
    match form.get("action", ""):
        case "save":
            return await _save(request, caller, form)
        case "defaults":
            nothing = AttentionChange.model_validate(dict.fromkeys(AttentionChange.model_fields))
            await save_attention(caller, nothing.as_changes())
            return back_to(HERE)
        case "unmute":
            now = house_of(request).clock.now()
            await unmute_nudges(caller, _id_of(form.get("mute_id", "")), now)
            return back_to(f"{HERE}#muted")
        case other:
            message = f"{other[:40]!r} is none; allowed: save, defaults, unmute"
            raise Invalid("There is no such button", errors=[{"field": "action", "message": message}])


async def _save(request: Request, caller: Caller, form: Mapping[str, str]) -> Response:
    typed = AttentionForm.of(form, [str(day) for day in (await request.form()).getlist("quiet_days")])
    try:
        change = AttentionChange.model_validate(typed.as_change())
    except ValidationError as error:
        return await _show(request, caller, typed.with_errors(error), status_code=422)
    await save_attention(caller, change.as_changes())
    return back_to(HERE, saved="yes")


async def _show(
    request: Request, caller: Caller, form: AttentionForm | None = None, *, status_code: int = 200
) -> Response:
    house = house_of(request)
    attention = await get_attention(caller, house.clock.now(), rules_of(house))
    shown: dict[str, Any] = {
        "attention": attention,
        "form": form or AttentionForm.from_rules(attention.rules),
        "is_saved": form is None and request.query_params.get("saved") == "yes",
        "self_muted": {mute.kind: mute for mute in attention.mutes if mute.muted_by == "precision"},
        "weekdays": weekdays(),
        "words": words,
    }
    return render(request, "settings/attention/page.html", status_code=status_code, **shown)


def _id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid("That is no mute", errors=[{"field": "mute_id", "message": "it is not an id"}]) from error
