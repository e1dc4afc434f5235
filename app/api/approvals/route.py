"""GET and POST /api/approvals."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from app.api._answers import Listing, listing
from app.cursors import decode_cursor
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.drafts import Approval, ApprovalState
from tasks.review import decide_approval, list_approvals


class SubmittedDecision(BaseModel):
    """A decision that names its approval."""

    model_config = ConfigDict(extra="forbid")

    approval_id: UUID
    approved: bool
    notes: str | None = Field(default=None, max_length=10_000)


@responds(summary="What waits, or waited, for a person's yes", response_model=Listing[Approval])
async def get(
    caller: CurrentCaller,
    state: Annotated[list[ApprovalState] | None, Query(max_length=8)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> Response:
    page = await list_approvals(caller, states=state, after=decode_cursor(cursor) if cursor else None, limit=limit)
    return listing(page.items, page.after)


@responds(summary="Submit a decision", response_model=Approval, problems=(404, 409))
async def post(caller: CurrentCaller, body: SubmittedDecision) -> Approval:
    return await decide_approval(caller, body.approval_id, approved=body.approved, notes=body.notes)
