"""POST /review/results/{approval_id}: yes or no to what has no draft (a result, a question of a plan), or its undo."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.review._show import show
from core.errors import Conflict, Invalid
from tasks.demotion import switched_off_by
from tasks.policies import undo_permission
from tasks.review import decide_approval


async def post(request: Request, caller: CurrentCaller, approval_id: UUID) -> Response:
    form = await form_of(request)
    word = form.get("action") or form.get("approved")
    if word not in {"yes", "no", "undo"}:
        raise Invalid("Say yes or no", errors=[{"field": "action", "message": f"{str(word)[:40]!r} is neither"}])
    notes = form.get("notes", "").strip()[:10_000] or None
    try:
        if word == "undo":
            await undo_permission(caller, approval_id)
            return back_to("/review")
        await decide_approval(caller, approval_id, approved=word == "yes", notes=notes)
        off = await switched_off_by(caller, approval_id) if word == "no" else None
    except Conflict as error:
        return await show(request, caller, problem=f"Nothing was done: {error.message}", status_code=error.status)
    return back_to("/review", switched_off=off.id if off else None)
