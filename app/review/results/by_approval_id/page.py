"""POST /review/results/{approval_id}: yes or no to a result without a draft."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from tasks.review import decide_approval


async def post(request: Request, caller: CurrentCaller, approval_id: UUID) -> Response:
    form = await form_of(request)
    await decide_approval(
        caller, approval_id, approved=form.get("approved") == "yes", notes=form.get("notes", "").strip() or None
    )
    return back_to("/review")
