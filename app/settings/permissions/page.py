"""`/settings/permissions`: what may leave without a question, tried on the past before it counts, and the kill switch."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from starlette.responses import Response

from agents.permitting import actions_of
from app._view.forms import back_to, form_of
from app._view.people import people_of
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.settings.permissions._form import PermissionForm, form_for, form_of_policy
from app.settings.permissions._show import show, with_errors
from core.database import Caller
from core.errors import Conflict, Forbidden, Invalid, NotFound
from tasks import policies, review
from tasks.policies import Policy

HERE = "/settings/permissions"


async def get(
    request: Request,
    caller: CurrentCaller,
    approval: UUID | None = None,
    change: Annotated[UUID | None, Query()] = None,
) -> Response:
    """`approval` fills the form for what was asked there, `change` with a permission that is there."""
    form = None
    if change is not None:
        policy = await _policy(caller, str(change))
        if people_of(request).is_another(policy.created_by):
            return await show(request, caller, problem="Only whoever gave a permission changes it")
        form = form_of_policy(policy)
    elif approval is not None:
        form = await form_for(caller, await review.get_approval(caller, approval))
    return await show(request, caller, form=form)


async def post(request: Request, caller: CurrentCaller) -> Response:
    typed = await form_of(request)
    action = typed.get("button", "")
    if action in {"try", "save"}:
        kinds = [str(one) for one in (await request.form()).getlist("task_kinds")]
        return await _try_or_save(request, caller, PermissionForm.of(typed, kinds), is_saved=action == "save")
    try:
        await _press(caller, action, typed)
    except (Conflict, Forbidden, Invalid) as error:
        return await show(request, caller, problem=error.message, status_code=error.status)
    return back_to(HERE)


async def _press(caller: Caller, action: str, typed: Mapping[str, str]) -> None:
    """The buttons that need no form."""
    match action:
        case "stop" | "go_on":
            await policies.stop_permissions(caller, stopped=action == "stop")
        case "on" | "off":
            policy = await _policy(caller, typed.get("id", ""))
            await policies.save_policy(caller, {"id": str(policy.id), "is_enabled": action == "on"})
        case "delete":
            await policies.delete_policy(caller, (await _policy(caller, typed.get("id", ""))).id)
        case other:
            raise Invalid("There is no such button", errors=[{"field": "button", "message": f"{other[:40]!r} is none"}])


async def _try_or_save(request: Request, caller: Caller, form: PermissionForm, *, is_saved: bool) -> Response:
    """First what it would have let through, then the switch: a form with errors comes back with them."""
    tools = house_of(request).equipment.tools
    known = {one.action: "" for one in (await policies.list_policies(caller)).items if str(one.id) == form.id}
    if wrong := form.wrong({**actions_of(tools), **known}):
        return await show(request, caller, form=with_errors(form, wrong), status_code=422)
    if not is_saved:
        return await show(request, caller, form=form, is_tried=True)
    try:
        saved = await policies.save_policy(caller, form.as_terms())
    except Invalid as error:
        place = error.detail if error.detail in vars(form) else "targets" if "target" in error.message else ""
        return await show(request, caller, form=with_errors(form, {place: error.message}), status_code=422)
    except Forbidden as error:
        return await show(request, caller, form=form, problem=error.message, status_code=error.status)
    return back_to(f"{HERE}#permission-{saved.id}")


async def _policy(caller: Caller, policy_id: str) -> Policy:
    """A permission that is there. Raises NotFound."""
    listed = (await policies.list_policies(caller)).items
    found = next((one for one in listed if str(one.id) == policy_id), None)
    if found is None:
        raise NotFound("There is no such permission")
    return found
