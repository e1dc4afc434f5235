"""`/settings/delete`: everything of the person, deleted once they typed their address."""

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.chosen import known, note_organizations
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.settings._problems import sentence_of
from app.sign_in.places import SIGN_IN
from app.sign_out._ending import end_session
from app.templating import render
from core.database import Caller
from core.errors import Conflict, Forbidden
from jobs.outside.ending import ending
from tasks.capture import get_profile
from tasks.organizations import delete_person


async def get(request: Request, caller: CurrentCaller) -> Response:
    return await _show(request, caller)


async def post(request: Request, caller: CurrentCaller) -> Response:
    typed, own = (await form_of(request)).get("address", ""), caller.identity.user_id
    try:
        gone, missed = await ending(
            house_of(request).given, caller, lambda one: one.user_id == own, lambda: delete_person(caller, typed)
        )
    except (Conflict, Forbidden) as error:
        return await _show(request, caller, sentence_of(error), error.status)
    house_of(request).clocks.forget(caller.identity)
    not_ended = ",".join(missed) or None
    if not gone.is_person_gone:
        return back_to("/", gone="everything", not_ended=not_ended)
    await end_session(request, everywhere=False)  # the project ended all of them with the person
    return back_to(SIGN_IN if request.app.state.auth else "/", gone="account", not_ended=not_ended)


async def _show(request: Request, caller: Caller, problem: str = "", status_code: int = 200) -> Response:
    await note_organizations(request, caller)
    mine = known(request)
    home = next((one.name for one in mine if one.is_personal), "")
    return render(
        request,
        "settings/delete/page.html",
        status_code=status_code,
        confirmed_by=(await get_profile(caller)).get("email") or home,
        shared=[one for one in mine if not one.is_personal],
        problem=problem,
    )
