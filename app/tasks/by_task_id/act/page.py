"""POST /tasks/{task_id}/act: the buttons of a task."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view.bounds import read_bounds
from app._view.forms import back_to, form_of
from app._view.sequence import walk
from app.dependencies import CurrentCaller
from app.repeats import go_on
from app.tasks.by_task_id._agents import read_capability_words, read_input, read_parts
from app.tasks.by_task_id._show import show
from core.database import Caller
from core.errors import Conflict, Invalid
from tasks import agent_work, day_plans, functions, policies, review, runs, steps, trees
from tasks.demotion import switched_off_by
from tasks.models import Task

Form = Mapping[str, str]
MOST_MINUTES = 100_000
Act = Callable[[Caller, UUID, Form], Awaitable[object]]


async def post(request: Request, caller: CurrentCaller, task_id: UUID) -> Response:
    form = await form_of(request)
    back = form.get("back") or f"/tasks/{task_id}"
    action = form.get("action", "")
    act = _ACTS.get(action)
    if act is None:
        raise Invalid("There is no such button", errors=[{"field": "action", "message": f"{action[:40]!r} is none"}])
    try:
        made = await act(caller, task_id, form)
        if action in {"done", "cancel"}:
            await go_on(request, [task_id])
    except (Conflict, Invalid) as error:
        words = ". ".join(part for part in (error.message, error.detail, error.hint) if part)
        return await show(request, caller, task_id, problem=words, status_code=error.status, typed=form)
    if action == "delete" and back.startswith(f"/tasks/{task_id}"):
        back = "/tasks"
    if action == "reopen" and isinstance(made, Task):
        back = f"/tasks/{made.id}"
    off = await switched_off_by(caller, UUID(form["approval_id"])) if action == "no" else None
    if off:
        return back_to(back, switched_off=off.id)
    return back_to(back, thanks=1) if action == "feedback" else back_to(back)


async def _tick_off(caller: Caller, task_id: UUID, form: Form) -> None:
    """Done; with how long it took, where that is said."""
    changes = {"execution_status": "completed"}
    minutes = form.get("minutes", "").strip()
    if not minutes:
        await functions.update_task(caller, task_id, changes)
        return
    if not (minutes.isascii() and minutes.isdigit() and 1 <= int(minutes[:9]) <= MOST_MINUTES):
        raise Invalid(
            "How long it took is a number of minutes",
            detail=f"minutes is {minutes[:40]!r}; allowed is 1 to {MOST_MINUTES:,}, or nothing",
        )
    await day_plans.save_time_spent(caller, task_id, int(minutes), changes)


async def _waive(caller: Caller, task_id: UUID, form: Form) -> None:
    await trees.waive_task(caller, task_id, form.get("reason", "").strip()[:2000])


async def _answer(caller: Caller, task_id: UUID, form: Form) -> None:
    answer = form.get("answer", "").replace("\r\n", "\n").strip()
    if not answer:
        raise Invalid("The answer is empty", detail="Write what came in")
    await runs.answer_task(caller, task_id, answer)


async def _resolve(caller: Caller, task_id: UUID, form: Form, *, happened: bool) -> None:
    uncertain = [step for step in await steps.list_steps(caller, task_id) if str(step.id) == form.get("step_id")]
    if not uncertain:
        raise Conflict("There is no such step any more")
    await steps.resolve_step(caller, uncertain[0].id, happened=happened)


async def _decide(caller: Caller, task_id: UUID, form: Form, *, approved: bool) -> None:
    page = await review.list_approvals(caller, states=["open"], limit=200)
    found = [one for one in page.items if one.task_id == task_id and str(one.id) == form.get("approval_id")]
    if not found:
        raise Conflict("This is decided already, or was withdrawn")
    notes = form.get("notes", "").strip()[:10_000] or None
    await review.decide_approval(caller, found[0].id, approved=approved, notes=notes)


async def _undo(caller: Caller, task_id: UUID, form: Form) -> None:
    """Take back what a permission let through and nothing was begun of."""
    page = await review.list_approvals(caller, held=True, limit=200)
    found = [one for one in page.items if one.task_id == task_id and str(one.id) == form.get("approval_id")]
    if not found:
        raise Conflict("Too late: it has gone, or is going, and cannot be undone")
    await policies.undo_permission(caller, found[0].id)


async def _set_bounds(caller: Caller, task_id: UUID, form: Form) -> None:
    """Change the bounds of a tree, and let go on what stopped at one."""
    found = await trees.get_tree_bounds(caller, task_id)
    changed = read_bounds(form, found)
    if not changed:
        return
    own = (await functions.get_task(caller, found.root_task_id)).bounds
    await functions.update_task(caller, found.root_task_id, {"bounds": own | changed})
    tree = await functions.get_task_tree(caller, found.root_task_id)
    for task in (tree, *walk(tree)):
        if task.blocked_on == "bounds":
            await functions.queue_task_execution(caller, task.id)


async def _hand_over(caller: Caller, task_id: UUID, form: Form) -> None:
    """Outside agents do it: it is offered at once."""
    ids = await agent_work.hand_to_agent(
        caller,
        task_id,
        whom=form.get("whom", "")[:200],
        capabilities=read_capability_words(form.get("capabilities", "")),
        instructions=form.get("instructions", "").replace("\r\n", "\n").strip()[:20_000],
        input=read_input(form.get("input", "")),
    )
    if ids == [task_id]:
        await functions.queue_task_execution(caller, task_id)


async def _link(caller: Caller, task_id: UUID, form: Form) -> None:
    await trees.add_dependency(caller, task_id, _id_in(form))


async def _unlink(caller: Caller, task_id: UUID, form: Form) -> None:
    await trees.remove_dependency(caller, task_id, _id_in(form))


def _id_in(form: Form) -> UUID:
    try:
        return UUID(form.get("other", ""))
    except ValueError as error:
        raise Invalid("Choose the task to wait for", errors=[{"field": "other", "message": "not an id"}]) from error


async def _rate(caller: Caller, task_id: UUID, form: Form) -> None:
    rating = int(form["rating"]) if form.get("rating") in {"1", "2", "3", "4", "5"} else None
    comment = form.get("comment", "").strip()[:10_000]
    if rating or comment:
        await functions.add_feedback(caller, task_id, rating, comment)


_ACTS: dict[str, Act] = {
    "execute": lambda caller, task_id, _: functions.queue_task_execution(caller, task_id),
    "done": _tick_off,
    "reopen": lambda caller, task_id, _: functions.reopen_task(caller, task_id),
    "pause": lambda caller, task_id, _: functions.pause_task(caller, task_id),
    "resume": lambda caller, task_id, _: functions.resume_task(caller, task_id),
    "cancel": lambda caller, task_id, _: functions.cancel_task(caller, task_id),
    "retry": lambda caller, task_id, _: functions.retry_task(caller, task_id),
    "delete": lambda caller, task_id, _: functions.delete_task(caller, task_id),
    "waive": _waive,
    "answer": _answer,
    "happened": lambda caller, task_id, form: _resolve(caller, task_id, form, happened=True),
    "did_not_happen": lambda caller, task_id, form: _resolve(caller, task_id, form, happened=False),
    "yes": lambda caller, task_id, form: _decide(caller, task_id, form, approved=True),
    "no": lambda caller, task_id, form: _decide(caller, task_id, form, approved=False),
    "undo": _undo,
    "bounds": _set_bounds,
    "hand_over": _hand_over,
    "break_down": lambda caller, task_id, form: agent_work.break_down_task(caller, task_id, read_parts(form)),
    "link": _link,
    "unlink": _unlink,
    "feedback": _rate,
}
