"""`/settings/preferences`: what Steward learned of a person's taste, and what they write themselves."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.settings.preferences._form import PreferenceForm
from app.settings.preferences._pressing import press
from app.settings.preferences._show import show
from core.errors import Conflict, Invalid
from jobs.learning import learn
from tasks.preferences import save_preference

HERE = "/settings/preferences"


async def get(request: Request, caller: CurrentCaller, looked: int | None = None) -> Response:
    return await show(request, caller, looked=looked)


async def post(request: Request, caller: CurrentCaller) -> Response:
    typed = await form_of(request)
    house = house_of(request)
    match typed.get("button", ""):
        case "look":
            made = await learn(
                caller,
                at=house.clock.now(),
                least=house.settings.learning_cases,
                has_model=house.equipment.thinking.is_model,
            )
            return back_to(HERE, looked=str(len(made)))
        case "save":
            form = PreferenceForm.of(typed)
            try:
                saved = await save_preference(caller, form.as_fields(), at=house.clock.now())
            except (Invalid, Conflict) as error:
                wrong = error if isinstance(error, Invalid) else Invalid(error.message)
                return await show(request, caller, form=form.with_errors(wrong), status_code=error.status)
            return back_to(f"{HERE}/{saved.id}")
        case other:
            try:
                await press(house, caller, other, _id_of(typed.get("id", "")))
            except Conflict as error:
                return await show(request, caller, problem=error.message, status_code=error.status)
            return back_to(HERE)


def _id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid("That is no preference", errors=[{"field": "id", "message": "it is not an id"}]) from error
