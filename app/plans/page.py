"""`/plans`: the list with filters, and the form of a new plan."""

from typing import Any, get_args
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response

from agents.playbooks.document.catalog import stages
from app._plans.making import make_document_plan, make_objective_plan
from app._view import words
from app._view.forms import back_to, form_of
from app.cursors import cursor_after, place_of
from app.dependencies import CurrentCaller
from app.house import House
from app.plans import _words
from app.plans._asked import PlanForm
from app.plans.by_plan_id._lacking import written_by_rules
from app.seen import house_of
from app.templating import render
from core.database import Caller
from core.errors import Conflict, Invalid
from core.settings_models import named_models
from tasks.models import Priority
from tasks.plans import PlanKind, PlanState, list_plans

PAGE = 30
EXAMPLES = {
    "objective": "Launch the new booking page across two teams",
    "document": "Open a community bicycle repair workshop in Ghent: residents repair bicycles themselves with tools and help. "
    "40,000 euros, nine months, two paid staff and volunteers, run as a non-profit.",
}


async def get(request: Request, caller: CurrentCaller) -> Response:
    """`new` chooses the tab of the form, `example` fills it."""
    asked = {name: value for name, value in request.query_params.items() if value}
    form = PlanForm(mode="document" if asked.get("new") == "document" else "objective")
    if "example" in asked:
        text = EXAMPLES[form.mode]
        form = PlanForm(mode="document", prompt=text) if form.mode == "document" else PlanForm(objective=text)
    return await _show(request, caller, form, asked)


async def post(request: Request, caller: CurrentCaller) -> Response:
    """A new plan; a form with errors comes back with them."""
    typed = await form_of(request)
    form = PlanForm.of(typed)
    house: House = house_of(request)
    start = typed.get("action") != "plan"
    asked = form.as_document(start=start) if form.mode == "document" else form.as_objective(start=start)
    if isinstance(asked, PlanForm):
        return await _show(request, caller, asked, {}, status_code=422)
    try:
        if form.mode == "document":
            made = await make_document_plan(house, caller, asked)  # pyright: ignore[reportArgumentType]
        else:
            made = await make_objective_plan(house, caller, asked)  # pyright: ignore[reportArgumentType]
    except (Conflict, Invalid) as error:
        wrong = form.with_errors({"": f"{error.message}{f': {error.detail}' if error.detail else ''}"})
        return await _show(request, caller, wrong, {}, status_code=error.status)
    return back_to(f"/plans/{made.plan.id}")


async def _show(
    request: Request, caller: Caller, form: PlanForm, asked: dict[str, str], status_code: int = 200
) -> Response:
    house: House = house_of(request)
    kind, state = _one_of(asked, "kind", PlanKind), _one_of(asked, "state", PlanState)
    before, before_id = place_of(asked.get("cursor"))
    found = await list_plans(caller, kind, state, asked.get("q", "")[:500] or None, PAGE, before, before_id)
    kept = {name: asked[name] for name in ("q", "kind", "state") if name in asked}
    cursor = cursor_after(found, PAGE)
    more = f"/plans?{urlencode({**kept, 'cursor': cursor})}" if cursor else None
    here = {**kept, **({"cursor": asked["cursor"]} if "cursor" in asked else {})}
    return render(
        request,
        "plans/page.html",
        status_code=status_code,
        form=form,
        plans=found,
        asked=asked,
        is_filtered=bool(kept) or "cursor" in asked,
        more=more,
        here=f"/plans?{urlencode(here)}" if here else "/plans",
        kinds=_words.KIND,
        states=_words.STATE,
        levels=[(name, f"{title}: {what}") for name, (title, what) in _words.LEVEL.items()],
        priorities=[(one, one) for one in get_args(Priority)],
        playbooks=_words.PLAYBOOK,
        examples=EXAMPLES,
        models=_models(house),
        by_rules=written_by_rules(),
        stage_count=len(stages()),
        plan_words=_words,
        words=words,
    )


def _models(house: House) -> list[str]:
    """The models that are configured, by name; none where the built-in rules answer."""
    settings = house.settings
    if not house.thinking.is_model:
        return []
    named = [settings.model, settings.model_small, settings.model_large]
    return list(
        dict.fromkeys([one for one in named if one] + [name for name, _ in named_models(settings.model_fallbacks)])
    )


def _one_of(asked: dict[str, str], name: str, allowed: Any) -> Any:
    value = asked.get(name)
    if value is not None and value not in get_args(allowed):
        raise Invalid(
            "There is no such filter", errors=[{"field": name, "message": f"allowed: {', '.join(get_args(allowed))}"}]
        )
    return value
