"""POST /api/approvals/{approval_id}."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.api.approvals._decide import decide
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.drafts import Approval


class Decision(BaseModel):
    """Yes or no; a no with notes has the work done again."""

    model_config = ConfigDict(extra="forbid")

    approved: bool
    digest: str | None = Field(default=None, max_length=200, description="Of what you saw; another one is refused")
    notes: str | None = Field(default=None, max_length=10_000)


@responds(summary="Decide", response_model=Approval, problems=(404, 409))
async def post(caller: CurrentCaller, approval_id: UUID, body: Decision) -> Approval:
    return await decide(caller, approval_id, approved=body.approved, digest=body.digest, notes=body.notes)
