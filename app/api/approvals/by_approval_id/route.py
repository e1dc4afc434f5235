"""POST /api/approvals/{approval_id}."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.dependencies import CurrentCaller
from app.router import responds
from core.database import Caller
from core.errors import Conflict
from tasks.models import Approval
from tasks.review import decide_approval, get_approval


class Decision(BaseModel):
    """Yes or no; a no with notes has the work done again."""

    model_config = ConfigDict(extra="forbid")

    approved: bool
    digest: str | None = Field(default=None, max_length=200, description="Of what you saw; another one is refused")
    notes: str | None = Field(default=None, max_length=10_000)


@responds(summary="Decide", response_model=Approval, problems=(404, 409))
async def post(caller: CurrentCaller, approval_id: UUID, body: Decision) -> Approval:
    if body.digest is not None and not await _is_of(caller, approval_id, body.digest):
        raise Conflict("This is not what was shown", hint="Read it again, then decide on what you see.")
    return await decide_approval(caller, approval_id, approved=body.approved, notes=body.notes)


async def _is_of(caller: Caller, approval_id: UUID, digest: str) -> bool:
    """Is that the digest of the approval? What an approval is about never changes, so this holds for the decision."""
    return (await get_approval(caller, approval_id)).digest == digest
