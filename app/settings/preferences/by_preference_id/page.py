"""`/settings/preferences/{preference_id}`: one preference, what it was learned from, and what it would have changed."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from agents.learning.trying import is_for_model
from agents.learning.undoing import use_of
from app._view.changes import word_diff
from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.settings.preferences._form import LANGUAGES, SCOPES, WHAT, PreferenceForm, words_of
from app.settings.preferences._pressing import press
from app.settings.preferences._show import SECTIONS, came_from, scope_words
from app.templating import render
from core.database import Caller
from core.errors import Conflict, Invalid
from jobs.learning import newly_tried
from tasks.preferences import get_preference, list_draft_edits, list_preferences, save_preference

HERE = "/settings/preferences"
MOST_LOOKED_AT = 100


async def get(request: Request, caller: CurrentCaller, preference_id: UUID) -> Response:
    return await _page(request, caller, preference_id)


async def post(request: Request, caller: CurrentCaller, preference_id: UUID) -> Response:
    typed = await form_of(request)
    house = house_of(request)
    button = typed.get("button", "")
    if button != "save":
        try:
            await press(house, caller, button, preference_id)
        except Conflict as error:
            return await _page(request, caller, preference_id, problem=error.message, status_code=error.status)
        return back_to(HERE if button == "delete" else f"{HERE}/{preference_id}")
    form = PreferenceForm.of(typed)
    try:
        saved = await save_preference(caller, {"id": str(preference_id), **form.as_fields()}, at=house.clock.now())
    except (Invalid, Conflict) as error:
        wrong = error if isinstance(error, Invalid) else Invalid(error.message)
        return await _page(request, caller, preference_id, form=form.with_errors(wrong), status_code=error.status)
    return back_to(f"{HERE}/{saved.id}")


async def _page(
    request: Request,
    caller: Caller,
    preference_id: UUID,
    *,
    form: PreferenceForm | None = None,
    problem: str = "",
    status_code: int = 200,
) -> Response:
    house = house_of(request)
    known = await get_preference(caller, preference_id)
    if known.state == "proposed":
        waiting = await list_preferences(caller, states=["active", "proposed"])
        await newly_tried(caller, waiting, house.clock.now())
        known = await get_preference(caller, preference_id)
    past = await list_draft_edits(caller, most=MOST_LOOKED_AT) if known.hits else []
    return render(
        request,
        "settings/preferences/by_preference_id/page.html",
        status_code=status_code,
        one=known,
        rule_words=words_of(known),
        use=use_of(known, past),
        state=SECTIONS[known.state],
        scope_words=scope_words,
        came_from=came_from,
        is_for_model=is_for_model,
        has_model=house.equipment.thinking.is_model,
        form=form or PreferenceForm.of_preference(known),
        what=WHAT,
        languages=LANGUAGES,
        scopes=SCOPES,
        word_diff=word_diff,
        problem=problem,
    )
