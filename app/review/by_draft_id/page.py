"""`/review/{draft_id}`: one draft; its buttons."""

import re
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view import words
from app._view.changes import word_diff
from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.review._show import TABS
from app.templating import render
from core.database import Caller
from core.errors import Conflict, Invalid
from tasks import policies, review
from tasks.demotion import switched_off_by

ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")


async def get(request: Request, caller: CurrentCaller, draft_id: UUID) -> Response:
    return await _page(request, caller, draft_id)


async def _page(
    request: Request, caller: Caller, draft_id: UUID, problem: str | None = None, status_code: int = 200
) -> Response:
    draft = await review.get_draft(caller, draft_id)
    return render(
        request,
        "review/by_draft_id/page.html",
        status_code=status_code,
        draft=draft,
        tabs=TABS,
        word_diff=word_diff,
        words=words,
        problem=problem,
    )


async def post(request: Request, caller: CurrentCaller, draft_id: UUID) -> Response:
    form = await form_of(request)
    try:
        match form.get("action"):
            case "approve":
                await review.approve_draft(caller, draft_id, form.get("digest", ""))
            case "reject":
                said = await review.reject_draft(caller, draft_id, form.get("feedback", "").strip() or None)
                off = await switched_off_by(caller, said.approval_id) if said.approval_id else None
                return back_to("/review", switched_off=off.id if off else None)
            case "edit":
                fields = [name for name in ("to", "cc", "bcc") if name in form]  # a message has none of them
                changes = {f"{name}_recipients": _addresses(name, form[name]) for name in fields}
                text = {"body": form.get("body", "").replace("\r\n", "\n")}
                if "subject" in form:
                    text["subject"] = re.sub(r"[\r\n]+", " ", form["subject"])
                revised = await review.revise_draft(caller, draft_id, {**changes, **text})
                return back_to(f"/review/{revised.id}")
            case "undo":
                return await _undo(caller, draft_id)
            case "was_sent" | "was_not_sent" as word:
                await review.resolve_draft(caller, draft_id, was_sent=word == "was_sent")
            case other:
                raise Invalid(
                    "There is no such button", errors=[{"field": "action", "message": f"{str(other)[:40]!r} is none"}]
                )
    except (Conflict, Invalid) as error:
        return await _page(
            request, caller, draft_id, f"{error.message.rstrip('.')}. {error.hint or ''}".strip(), error.status
        )
    return back_to(f"/review/{draft_id}")


async def _undo(caller: Caller, draft_id: UUID) -> Response:
    """Take back what a permission let through: on to the draft that asks now."""
    draft = await review.get_draft(caller, draft_id)
    if draft.approval is None:
        raise Conflict("Nothing was let through by a permission here")
    asked = await policies.undo_permission(caller, draft.approval.id)
    return back_to(f"/review/{asked.draft_id or draft_id}")


def _addresses(name: str, text: str) -> list[str]:
    found = [part.strip() for part in re.split(r"[,;\n]", text) if part.strip()]
    for address in found:
        if not ADDRESS.fullmatch(address):
            raise Invalid(
                f"{address[:80]} is not an address",
                errors=[{"field": name, "message": "one address after another, with commas"}],
            )
    return list(dict.fromkeys(found))
