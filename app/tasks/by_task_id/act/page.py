"""POST /tasks/{task_id}/act: the buttons of a task."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from core.errors import Invalid
from tasks import functions


async def post(request: Request, caller: CurrentCaller, task_id: UUID) -> Response:
    form = await form_of(request)
    back = form.get("back") or f"/tasks/{task_id}"
    match form.get("action"):
        case "execute":
            await functions.queue_task_execution(caller, task_id)
        case "done":
            await functions.update_task(caller, task_id, {"execution_status": "completed"})
        case "pause":
            await functions.pause_task(caller, task_id)
        case "resume":
            await functions.resume_task(caller, task_id)
        case "cancel":
            await functions.cancel_task(caller, task_id)
        case "retry":
            await functions.retry_task(caller, task_id)
        case "delete":
            await functions.delete_task(caller, task_id)
            back = "/tasks" if back.startswith(f"/tasks/{task_id}") else back
        case "feedback":
            rating = form.get("rating", "")
            comment = form.get("comment", "").strip()
            if rating in {"1", "2", "3", "4", "5"} or comment:
                await functions.add_feedback(
                    caller, task_id, int(rating) if rating in {"1", "2", "3", "4", "5"} else None, comment
                )
            return back_to(back, thanks=1)
        case other:
            raise Invalid(
                "There is no such button", errors=[{"field": "action", "message": f"{str(other)[:40]!r} is none"}]
            )
    return back_to(back)
