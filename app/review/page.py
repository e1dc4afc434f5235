"""`/review`: everything that waits for a person's yes, and what became of it."""

import asyncio

from fastapi import Request
from starlette.responses import Response

from app._view import words
from app._view.changes import word_diff
from app._view.tables import rows_of
from app.cursors import decode_cursor, encode_cursor
from app.dependencies import CurrentCaller
from app.templating import render
from core.database import Caller
from core.errors import Invalid
from tasks import functions, review
from tasks.models import Approval, DraftState, Task

TABS: dict[str, tuple[str, list[DraftState]]] = {
    "waiting": ("Waiting", ["draft", "approved", "sending", "uncertain", "failed"]),
    "sent": ("Sent", ["sent"]),
    "all": ("All", []),
}


async def get(request: Request, caller: CurrentCaller, tab: str = "waiting", cursor: str | None = None) -> Response:
    if tab not in TABS:
        raise Invalid("There is no such tab", errors=[{"field": "tab", "message": f"allowed: {', '.join(TABS)}"}])
    page, approvals = await asyncio.gather(
        review.list_drafts(
            caller, states=TABS[tab][1] or None, after=decode_cursor(cursor) if cursor else None, limit=20
        ),
        review.list_approvals(caller, states=["open"], limit=50),
    )
    newest = [draft for draft in page.items if tab == "all" or draft.superseded_by_id is None]
    drafts = [await review.get_draft(caller, draft.id) for draft in newest]
    open_results = [approval for approval in approvals.items if approval.draft_id is None]
    waiting = len(approvals.items)
    return render(
        request,
        "review/page.html",
        drafts=drafts,
        results=await _with_tasks(caller, open_results) if tab == "waiting" else [],
        tabs=TABS,
        tab=tab,
        more=f"/review?tab={tab}&cursor={encode_cursor(page.after)}" if page.after else None,
        waiting_count=waiting,
        word_diff=word_diff,
        rows_of=rows_of,
        words=words,
        problem=None,
    )


async def _with_tasks(caller: Caller, approvals: list[Approval]) -> list[tuple[Approval, Task]]:
    return [(approval, await functions.get_task(caller, approval.task_id)) for approval in approvals]
