"""The page of everything that waits for a person's yes, as it is shown after a click or by itself."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from agents.permitting import in_words
from app._view import words
from app._view.changes import word_diff
from app._view.tables import rows_of
from app.cursors import decode_cursor, encode_cursor
from app.templating import render
from core.database import Caller
from core.errors import Invalid
from tasks import functions, review
from tasks.drafts import Approval, ApprovalOfDraft, ApprovalState, DraftState
from tasks.models import Task
from tasks.policies import Policy, list_policies

TABS: dict[str, tuple[str, list[DraftState]]] = {
    "waiting": ("Waiting", ["draft", "approved", "sending", "uncertain", "failed"]),
    "sent": ("Sent", ["sent"]),
    "all": ("All", []),
}
MOST_ASKED = 50  # questions on a page
DECIDED: list[ApprovalState] = ["used", "approved", "rejected", "expired", "voided"]


@dataclass(frozen=True)
class Asked:
    """An approval without a draft, with its task and the root above it."""

    approval: Approval
    task: Task
    root: Task

    @property
    def is_gate(self) -> bool:
        """A question of a plan, of a tool, or of an agent; else a result to look at."""
        return self.approval.tool is not None or self.approval.asked_by is not None or self.task.tool == "approval_gate"


async def show(
    request: Request,
    caller: Caller,
    tab: str = "waiting",
    cursor: str | None = None,
    asked_after: str | None = None,
    problem: str | None = None,
    status_code: int = 200,
    switched_off: UUID | None = None,
) -> Response:
    """The whole page; `problem` says why the last click did nothing, `switched_off` which permission it switched off. Raises Invalid for an unknown tab."""
    if tab not in TABS:
        raise Invalid("There is no such tab", errors=[{"field": "tab", "message": f"allowed: {', '.join(TABS)}"}])
    page, approvals, held = await asyncio.gather(
        review.list_drafts(
            caller, states=TABS[tab][1] or None, after=decode_cursor(cursor) if cursor else None, limit=20
        ),
        review.list_approvals(
            caller,
            states=DECIDED if tab == "all" else ["open"],
            after=decode_cursor(asked_after) if asked_after else None,
            limit=MOST_ASKED,
        ),
        review.list_approvals(caller, held=True, limit=50),
    )
    is_first = tab == "waiting" and not cursor and not asked_after
    leaving = soonest_held(held.items) if is_first else []
    newest = [draft for draft in page.items if tab == "all" or draft.superseded_by_id is None]
    first = [one.draft_id for one in leaving if one.draft_id]
    drafts = [await review.get_draft(caller, found) for found in dict.fromkeys([*first, *(one.id for one in newest)])]
    if asked_after:
        drafts = []
    shown = approvals.items if tab != "sent" and not cursor else []
    asked = [await _asked(caller, approval) for approval in shown if approval.draft_id is None]
    held_acts = [await _asked(caller, approval) for approval in leaving if approval.draft_id is None]
    after = encode_cursor(approvals.after) if shown and approvals.after else None
    return await asyncio.to_thread(  # what agents wrote may be long: nobody else waits for it
        render,
        request,
        "review/page.html",
        status_code=status_code,
        leaving=[draft for draft in drafts if draft.id in first],
        drafts=[draft for draft in drafts if draft.id not in first and not is_for_another(draft.approval)],
        of_others=[
            *(one for one in asked if is_for_another(one.approval)),
            *(draft for draft in drafts if draft.id not in first and is_for_another(draft.approval)),
        ],
        held_acts=held_acts,
        gates=_soonest_first([one for one in asked if one.is_gate and not is_for_another(one.approval)]),
        results=[one for one in asked if not one.is_gate and one.approval.state == "open"],
        tabs=TABS,
        tab=tab,
        more=f"/review?tab={tab}&cursor={encode_cursor(page.after)}" if page.after and not asked_after else None,
        more_asked=f"/review?tab={tab}&asked_after={after}" if after else None,
        waiting_count=await count_waiting(caller),
        word_diff=word_diff,
        rows_of=rows_of,
        words=words,
        problem=problem,
        off=await switched_off_now(caller, switched_off),
        in_words=in_words,
    )


def is_for_another(approval: ApprovalOfDraft | None) -> bool:
    """Does another member alone say yes to it?"""
    return approval is not None and approval.approver is not None


async def count_waiting(caller: Caller) -> int:
    """How much waits for a yes that the caller may give; 200 stand for all that are more."""
    asked = (await review.list_approvals(caller, states=["open"], limit=200)).items
    return len([one for one in asked if not is_for_another(one)])


async def switched_off_now(caller: Caller, policy_id: UUID | None) -> Policy | None:
    """The permission that switched itself off; None where it is on again, or there is none."""
    found = (await list_policies(caller)).items if policy_id else []
    return next((one for one in found if one.id == policy_id and one.demoted_at is not None), None)


def soonest_held(held: list[Approval]) -> list[Approval]:
    """What a permission let through and can still be undone, what leaves next first."""
    return sorted(held, key=lambda one: one.hold_until or one.created_at)


def _soonest_first(gates: list[Asked]) -> list[Asked]:
    """What expires first comes first; what is decided, and what never expires, newest first."""
    ending = [one for one in gates if one.approval.state == "open" and one.approval.expires_at]
    return sorted(ending, key=lambda one: one.approval.expires_at or one.approval.created_at) + [
        one for one in gates if one not in ending
    ]


async def _asked(caller: Caller, approval: Approval) -> Asked:
    task = await functions.get_task(caller, approval.task_id)
    root_id = task.root_task_id or task.id
    return Asked(approval, task, task if root_id == task.id else await functions.get_task(caller, root_id))
