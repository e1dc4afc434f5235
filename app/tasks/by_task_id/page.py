"""`/tasks/{task_id}`: one task with its result, parts, log and everything that can be done with it."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view import words
from app._view.forms import back_to, form_of
from app._view.graph import draw
from app._view.tables import result_of, rows_of
from app.dependencies import CurrentCaller
from app.templating import render
from core.errors import Invalid
from tasks import functions, review
from tasks.models import Task


async def get(request: Request, caller: CurrentCaller, task_id: UUID) -> Response:
    task, tree, drafts, events = await asyncio.gather(
        functions.get_task(caller, task_id),
        functions.get_task_tree(caller, task_id),
        review.list_drafts(caller, task_id=task_id, limit=20),
        functions.list_task_events(caller, task_id, 0, 500),
    )
    parent = await functions.get_task(caller, task.parent_task_id) if task.parent_task_id else None
    return render(
        request,
        "tasks/by_task_id/page.html",
        task=task,
        tree=tree,
        parent=parent,
        drafts=drafts.items,
        events=[event for event in events if event.task_id == task_id and event.kind != "changed"],
        graph=draw(tree.children),
        result=result_of(task),
        rows=rows_of(task),
        actions=_actions(task),
        words=words,
    )


def _actions(task: Task) -> set[str]:
    state = task.execution_status
    found: set[str] = set()
    if state == "pending" or (state == "blocked" and task.blocked_on not in {"review", "subtasks"}):
        found.add("execute")
    if state in {"pending", "queued", "in_progress", "blocked", "paused"}:
        found |= {"done", "cancel"}
        found.add("resume" if task.paused_at else "pause")
    if state == "failed":
        found.add("retry")
    if state != "in_progress":
        found.add("delete")
    return found


async def post(request: Request, caller: CurrentCaller, task_id: UUID) -> Response:
    """An edit of the task's fields."""
    form = await form_of(request)
    zone = request.app.state.house.clock.timezone
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
