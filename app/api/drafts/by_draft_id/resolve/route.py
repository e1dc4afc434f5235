"""POST /api/drafts/{draft_id}/resolve."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.drafts import Draft
from tasks.review import resolve_draft


class DraftResolution(BaseModel):
    """What became of a message that nobody could be sure of."""

    model_config = ConfigDict(extra="forbid")

    was_sent: bool


@responds(summary="Say what became of an uncertain message", response_model=Draft, problems=(404, 409))
async def post(caller: CurrentCaller, draft_id: UUID, body: DraftResolution) -> Draft:
    return await resolve_draft(caller, draft_id, was_sent=body.was_sent)
