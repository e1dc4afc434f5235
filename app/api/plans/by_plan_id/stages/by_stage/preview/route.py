"""POST /api/plans/{plan_id}/stages/{stage}/preview."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from agents.playbooks.document.execution import EditPreview, preview_edit
from app.dependencies import CurrentCaller
from app.router import responds


class Edited(BaseModel):
    """The section as a person would have it."""

    model_config = ConfigDict(extra="forbid")

    given: dict[str, Any] = Field(max_length=200, description="The section, in the stage's form")


@responds(
    summary="What editing a section would touch: stages, and tasks of executions; nothing is written",
    response_model=EditPreview,
    problems=(404, 409),
)
async def post(caller: CurrentCaller, plan_id: UUID, stage: str, body: Edited) -> EditPreview:
    """To apply it: POST .../rerun with the same `given`."""
    return await preview_edit(caller, plan_id, stage, body.given)
