"""`/tasks/{task_id}`: one task with its result, parts, log and everything that can be done with it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._attention.opened import note_opened
from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.tasks.by_task_id._show import show
from core.errors import Invalid
from tasks import functions


async def get(request: Request, caller: CurrentCaller, task_id: UUID, switched_off: UUID | None = None) -> Response:
    if request.method == "GET":
        await note_opened(house_of(request), caller, task_id)
    return await show(request, caller, task_id, switched_off=switched_off)


async def post(request: Request, caller: CurrentCaller, task_id: UUID) -> Response:
    """An edit of the task's fields. Raises Conflict where another task took this one's place."""
    form = await form_of(request)
    zone = house_of(request).clock.timezone
    changes: dict[str, Any] = {
        name: form[name] for name in ("description", "priority", "execution_type") if name in form
    }
    if form.get("title", "").strip():
        changes["title"] = form["title"].strip()
    if "labels" in form:
        changes["labels"] = list(
            dict.fromkeys(
                label.strip().lstrip("#") for label in form["labels"].replace(",", " ").split() if label.strip("# ")
            )
        )
    if "recipient" in form:
        changes["recipient"] = form["recipient"].strip() or None
    if "due_at" in form:
        try:
            due = datetime.fromisoformat(form["due_at"]).replace(tzinfo=zone) if form["due_at"] else None
        except ValueError as error:
            raise Invalid(
                "The date is none", errors=[{"field": "due_at", "message": "like 2026-03-05T15:00"}]
            ) from error
        changes["due_at"] = due.isoformat() if due else None
        changes["due_is_all_day"] = bool(due and (due.hour, due.minute) == (23, 59))
        if due is None:
            changes["recurrence"] = None
    await functions.update_task(caller, task_id, changes)
    return back_to(f"/tasks/{task_id}")
