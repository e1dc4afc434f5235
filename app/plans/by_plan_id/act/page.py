"""POST /plans/{plan_id}/act: the buttons of a plan."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from agents.playbooks.document.execution import apply_diff, execute_document
from app._plans.acting import retry_plan, start_plan
from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.plans._words import in_a_plans_words
from app.plans.by_plan_id._show import show
from core.database import Caller
from core.errors import Conflict, Invalid
from tasks import functions, plan_links, plans, policies, review
from tasks.demotion import switched_off_by
from tasks.drafts import Approval
from tasks.plans import PlanSummary

Form = Mapping[str, str]
Act = Callable[[Caller, UUID, Form], Awaitable[object]]


class WithoutReason(Invalid):
    """A no that does not say why."""


async def post(request: Request, caller: CurrentCaller, plan_id: UUID) -> Response:
    form = await form_of(request)
    action = form.get("action", "")
    act = _ACTS.get(action)
    if act is None:
        raise Invalid("There is no such button", errors=[{"field": "action", "message": f"{action[:40]!r} is none"}])
    found = await plans.get_plan(caller, plan_id)  # a task that is no plan has no such buttons
    try:
        done = await act(caller, plan_id, form)
    except WithoutReason as error:
        asked = UUID(form["approval_id"])
        return await show(request, caller, plan_id, problem=f"{error.message}.", status_code=422, unsaid=asked)
    except (Conflict, Invalid) as refusal:
        error = in_a_plans_words(refusal, found.plan.state) if isinstance(refusal, Conflict) else refusal
        words = ". ".join(part.rstrip(".") for part in (error.message, error.detail, error.hint) if part)
        return await show(request, caller, plan_id, problem=f"{words}.", status_code=error.status)
    if action == "delete":
        return back_to("/plans")
    if isinstance(done, PlanSummary):
        return back_to(f"/plans/{done.id}")
    off = await switched_off_by(caller, UUID(form["approval_id"])) if action == "no" else None
    return back_to(f"/plans/{plan_id}", switched_off=off.id if off else None)


async def _decide(caller: Caller, plan_id: UUID, form: Form, *, approved: bool) -> None:
    asked = await _approval(caller, plan_id, form)
    if asked.state != "open":
        raise Conflict("This is decided already, or was withdrawn")
    notes = form.get("notes", "").strip()[:10_000] or None
    if not approved and notes is None:
        raise WithoutReason(
            "Nothing is decided: a no needs a reason, which is kept and told to whoever goes on from it"
        )
    await review.decide_approval(caller, asked.id, approved=approved, notes=notes)


async def _undo(caller: Caller, plan_id: UUID, form: Form) -> None:
    await policies.undo_permission(caller, (await _approval(caller, plan_id, form)).id)


async def _carry_out(caller: Caller, plan_id: UUID, form: Form) -> PlanSummary:
    """A plan with the tasks of a document; it waits for its start, so that a person looks at it first."""
    again = bool(await plan_links.list_plan_executions(caller, plan_id))
    return await execute_document(caller, plan_id, starts_by_itself=False, again=again)


async def _approval(caller: Caller, plan_id: UUID, form: Form) -> Approval:
    """The question of this plan that a form is about."""
    found = await plans.get_plan(caller, plan_id)
    asked = next((one for one in found.approvals if str(one.id) == form.get("approval_id")), None)
    if asked is None:
        raise Conflict("This plan asks no such thing")
    return asked


_ACTS: dict[str, Act] = {
    "start": lambda caller, plan_id, _: start_plan(caller, plan_id),
    "pause": lambda caller, plan_id, _: functions.pause_task(caller, plan_id),
    "resume": lambda caller, plan_id, _: functions.resume_task(caller, plan_id),
    "cancel": lambda caller, plan_id, _: functions.cancel_task(caller, plan_id),
    "retry": lambda caller, plan_id, _: retry_plan(caller, plan_id),
    "delete": lambda caller, plan_id, _: functions.delete_task(caller, plan_id),
    "yes": lambda caller, plan_id, form: _decide(caller, plan_id, form, approved=True),
    "no": lambda caller, plan_id, form: _decide(caller, plan_id, form, approved=False),
    "undo": _undo,
    "carry_out": _carry_out,
    "apply_changes": lambda caller, plan_id, form: apply_diff(caller, plan_id, form.get("digest", "")),
}
