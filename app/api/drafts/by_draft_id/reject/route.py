"""POST /api/drafts/{draft_id}/reject."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.drafts import Draft
from tasks.review import reject_draft


class DraftRejection(BaseModel):
    """A no; with feedback the assistant writes a new version."""

    model_config = ConfigDict(extra="forbid")

    feedback: str | None = Field(default=None, max_length=10_000)


@responds(
    summary="Reject a draft; with feedback a new version is written",
    response_model=Draft,
    problems=(404, 409),
)
async def post(caller: CurrentCaller, draft_id: UUID, body: DraftRejection) -> Draft:
    return await reject_draft(caller, draft_id, body.feedback)
