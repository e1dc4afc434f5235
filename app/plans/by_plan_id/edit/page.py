"""`/plans/{plan_id}/edit`: the tasks, edges, gates and inputs of a plan, before it starts."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from fastapi import Request
from starlette.responses import Response

from agents.objective import GATE, REPORT
from app._plans.acting import edit
from app._view.forms import back_to, form_of
from app._view.sequence import parts_of
from app.dependencies import CurrentCaller
from app.house import House
from app.plans.by_plan_id.edit._show import known_tools, show, task_of
from app.plans.by_plan_id.edit._task_form import NEW, TaskForm, as_id, form_of_task, form_of_typed
from app.seen import house_of
from core.errors import Conflict, Invalid, NotFound
from tasks.functions import TaskNode
from tasks.plans import PlanTree, get_plan


async def get(request: Request, caller: CurrentCaller, plan_id: UUID, saved: str = "") -> Response:
    """`saved` says what the last click did."""
    found = await get_plan(caller, plan_id)
    if found.plan.state != "ready" or found.plan.kind != "objective":
        return back_to(f"/plans/{plan_id}")
    return await show(request, caller, found, saved=SAVED.get(saved, ""))


async def post(request: Request, caller: CurrentCaller, plan_id: UUID) -> Response:
    """One edit; a form with errors comes back with what was typed."""
    house: House = house_of(request)
    typed = await form_of(request)
    found = await get_plan(caller, plan_id)
    action, form = typed.get("action", ""), None
    needs = [str(one) for one in (await request.form()).getlist("depends_on")]
    try:
        match action:
            case "save" | "add":
                form = _form(house, found, typed, needs)
                edits, errors = _edits(house, found, form)
                if errors:
                    return await show(request, caller, found, typed=form.with_errors(errors), status_code=422)
            case "fields":
                return await show(request, caller, found, typed=_form(house, found, typed, needs))
            case "gate":
                edits = _gate_before(house, _task(found, typed))
            case "remove":
                edits = {"remove": [str(_task(found, typed).id)]}
            case other:
                message = f"{other[:40]!r} is none"
                raise Invalid("There is no such button", errors=[{"field": "action", "message": message}])
        await edit(house, caller, plan_id, edits)
    except (Conflict, Invalid, NotFound) as error:
        told = ". ".join(part.rstrip(".") for part in (error.message, error.detail, error.hint) if part)
        if form is None:
            return await show(request, caller, found, problem=f"{told}.", status_code=error.status)
        wrong = form.with_errors({_place(error.message): told})
        return await show(request, caller, found, typed=wrong, status_code=error.status)
    place = f"#task-{typed.get('id', '')}" if action in {"save", "gate"} else "#tasks"
    return back_to(f"/plans/{plan_id}/edit?saved={action}{place}")


def _form(house: House, found: PlanTree, typed: Mapping[str, str], needs: list[str]) -> TaskForm:
    tools = known_tools(house)
    key = typed.get("id", NEW)
    before = TaskForm() if key == NEW else form_of_task(_task(found, typed), tools)
    return form_of_typed(typed, needs, before, tools)


def _edits(house: House, found: PlanTree, form: TaskForm) -> tuple[dict[str, Any], dict[str, str]]:
    """The edit that a form means. The report at the end of a plan waits for an added task, too."""
    change, errors = form.read(known_tools(house))
    if not form.is_new:
        return {"change": [{"id": form.key, **change}]}, errors
    key = f"added_{uuid4().hex[:12]}"
    reports = [
        {"id": str(task.id), "depends_on": [*(str(need) for need in task.depends_on), key]}
        for task in parts_of(found.tree)
        if task.tool == REPORT and str(task.id) not in form.depends_on
    ]
    return {"add": [{"key": key, **change}], "change": reports}, errors


def _gate_before(house: House, task: TaskNode) -> dict[str, Any]:
    """A gate that takes over what the task waits for; the task waits for the gate."""
    gate = {
        "key": f"gate_{task.id.hex[:12]}_{len(task.depends_on)}",
        "title": f"Approve: {task.title}"[:300],
        "tool": GATE,
        "tool_input": {"question": f"Shall this be done: {task.title}?"},
        "depends_on": [str(need) for need in task.depends_on],
        "on_failure": "replan" if house.thinking.is_model else "stop",
    }
    return {"add": [gate], "change": [{"id": str(task.id), "depends_on": [gate["key"]]}]}


def _task(found: PlanTree, typed: Mapping[str, str]) -> TaskNode:
    """The task that a form is about. Raises NotFound."""
    task = task_of(found, as_id(typed.get("id", "")))
    if task is None:
        raise NotFound("This plan has no such task any more")
    return task


def _place(message: str) -> str:
    """The field that a refusal of the database is about."""
    if "cycle" in message or "depends on" in message:
        return "depends_on"
    return "tool" if "tool" in message else ""


SAVED = {
    "save": "It is changed.",
    "add": "The task is added.",
    "gate": "The gate is added: the task waits for your yes.",
    "remove": "The task is taken out. What waited for it waits for what it waited for.",
}
