"""POST /tasks/{task_id}/later: snooze, be reminded, repeat."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from agents.rules.reminding import parse_moment, parse_repeat, parse_snooze
from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.house import House
from app.seen import house_of
from app.tasks.by_task_id._show import show
from core.database import Caller
from core.errors import Conflict, Invalid, NotFound
from tasks import functions, reminders, repeating, snoozing
from tasks.models import Task

Form = Mapping[str, str]
Act = Callable[[House, Caller, UUID, Form], Awaitable[Task | None]]


async def post(request: Request, caller: CurrentCaller, task_id: UUID) -> Response:
    form = await form_of(request)
    act = _ACTS.get(form.get("action", ""))
    if act is None:
        raise Invalid(
            "There is no such button",
            errors=[{"field": "action", "message": f"{form.get('action', '')[:40]!r} is none"}],
        )
    try:
        following = await act(house_of(request), caller, task_id, form)
    except (Conflict, Invalid) as error:
        words = ". ".join(part for part in (error.message, error.detail, error.hint) if part)
        return await show(request, caller, task_id, problem=words, status_code=error.status, typed=form)
    return back_to(f"/tasks/{following.id if following else task_id}")


async def _snooze(house: House, caller: Caller, task_id: UUID, form: Form) -> None:
    wish = parse_snooze(form.get("words", ""), house.clock.now())
    await snoozing.snooze_task(caller, task_id, house.clock, until=wish.until, reply_from=wish.reply_from)


async def _wake(house: House, caller: Caller, task_id: UUID, form: Form) -> None:
    await snoozing.unsnooze_task(caller, task_id)


async def _remind(house: House, caller: Caller, task_id: UUID, form: Form) -> None:
    now = house.clock.now()
    at = parse_moment(form.get("words", ""), now)
    await reminders.set_reminder(caller, task_id, at, form.get("note", "").strip(), now=now)


async def _forget(house: House, caller: Caller, task_id: UUID, form: Form) -> None:
    try:
        await reminders.remove_reminder(caller, task_id, UUID(form.get("reminder_id", "")))
    except (ValueError, NotFound) as error:
        raise Conflict("There is no such reminder any more") from error


async def _repeat(house: House, caller: Caller, task_id: UUID, form: Form) -> None:
    task = await functions.get_task(caller, task_id)
    wish = parse_repeat(form.get("words", ""), house.clock.now())
    due_at, is_all_day = wish.begins(task.due_at)
    await repeating.set_repeat(
        caller,
        task_id,
        wish.rule,
        due_at=due_at,
        due_is_all_day=is_all_day,
        repeats_from=wish.repeats_from,
        run_when_due="by_itself" in form,
    )


async def _skip(house: House, caller: Caller, task_id: UUID, form: Form) -> Task | None:
    return await repeating.skip_occurrence(house.database, caller, task_id, house.clock)


async def _stop(house: House, caller: Caller, task_id: UUID, form: Form) -> None:
    await repeating.stop_series(caller, task_id, house.clock.now())


_ACTS: dict[str, Act] = {
    "snooze": _snooze,
    "wake": _wake,
    "remind": _remind,
    "forget": _forget,
    "repeat": _repeat,
    "skip": _skip,
    "stop": _stop,
}
