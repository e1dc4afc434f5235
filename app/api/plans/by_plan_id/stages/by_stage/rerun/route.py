"""POST /api/plans/{plan_id}/stages/{stage}/rerun."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app._plans.acting import rerun
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.plans import PlanSummary


class Rerun(BaseModel):
    """Whether a person gives the section; else it is written anew."""

    model_config = ConfigDict(extra="forbid")

    given: dict[str, Any] | None = Field(default=None, max_length=200, description="The section, in the stage's form")


@responds(
    summary="Have a stage of a document written anew, and what depends on it after it",
    status_code=202,
    response_model=PlanSummary,
    problems=(404, 409),
)
async def post(caller: CurrentCaller, plan_id: UUID, stage: str, body: Rerun | None = None) -> PlanSummary:
    """What depends on it is redone where what it reads has changed, and taken over where it has not."""
    return (await rerun(caller, plan_id, stage, body.given if body else None)).plan
