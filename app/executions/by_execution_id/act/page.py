"""POST /executions/{execution_id}/act: the buttons of an execution."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.executions.by_execution_id._show import show
from core.database import Caller
from core.errors import Conflict, Invalid
from tasks import functions
from tasks.executions import get_execution

_ACTS: dict[str, Callable[[Caller, UUID], Awaitable[object]]] = {
    "pause": functions.pause_task,
    "resume": functions.resume_task,
    "start": functions.queue_task_execution,
    "cancel": functions.cancel_task,
}


async def post(request: Request, caller: CurrentCaller, execution_id: UUID) -> Response:
    """They act on the whole: agents hear of it with their next word."""
    action = (await form_of(request)).get("action", "")
    if action not in _ACTS:
        raise Invalid("There is no such button", errors=[{"field": "action", "message": f"{action[:40]!r} is none"}])
    await get_execution(caller, execution_id)  # a part of one has no such buttons
    try:
        await _ACTS[action](caller, execution_id)
    except (Conflict, Invalid) as error:
        words = ". ".join(part.rstrip(".") for part in (error.message, error.detail, error.hint) if part)
        return await show(request, caller, execution_id, problem=f"{words}.", status_code=error.status)
    return back_to(f"/executions/{execution_id}")
