"""POST /api/approvals/{approval_id}."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.models import Approval
from tasks.review import decide_approval


class Decision(BaseModel):
    """Yes or no; a no with notes has the work done again."""

    model_config = ConfigDict(extra="forbid")

    approved: bool
    notes: str | None = Field(default=None, max_length=10_000)


@responds(summary="Decide", response_model=Approval, problems=(404, 409))
async def post(caller: CurrentCaller, approval_id: UUID, body: Decision) -> Approval:
    return await decide_approval(caller, approval_id, approved=body.approved, notes=body.notes)
