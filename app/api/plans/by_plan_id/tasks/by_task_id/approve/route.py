"""POST /api/plans/{plan_id}/tasks/{task_id}/approve (seeds document 000, "Approve Task")."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app._plans.acting import decide
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.drafts import Approval


class TaskDecision(BaseModel):
    """Yes or no to what waits at a task."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"approved": True, "approvedBy": "admin", "notes": "Approved for production"}]},
    )

    approved: bool
    approvedBy: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] | None = Field(  # noqa: N815 - the documents' name
        default=None, description="Kept with the notes as it is said here; who decides is who is signed in"
    )
    notes: str | None = Field(default=None, max_length=9_000, description="With a no: what should be otherwise")


@responds(summary="Decide what waits at a task of the plan", response_model=Approval, problems=(404, 409))
async def post(caller: CurrentCaller, plan_id: UUID, task_id: UUID, body: TaskDecision) -> Approval:
    """Gates, acts of tools, drafts and results alike. 409 where nothing waits at this task."""
    return await decide(caller, plan_id, task_id, approved=body.approved, said_by=body.approvedBy, notes=body.notes)
