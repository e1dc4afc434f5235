"""POST /api/drafts/{draft_id}/approve."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.drafts import Draft
from tasks.review import approve_draft


class DraftApproval(BaseModel):
    """A yes to exactly the draft that was shown."""

    model_config = ConfigDict(extra="forbid")

    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="The digest of the draft as shown")
    notes: str | None = Field(default=None, max_length=10_000)


@responds(summary="Approve exactly what was shown; it is sent", response_model=Draft, problems=(404, 409))
async def post(caller: CurrentCaller, draft_id: UUID, body: DraftApproval) -> Draft:
    return await approve_draft(caller, draft_id, body.digest, body.notes)
