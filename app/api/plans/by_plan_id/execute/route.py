"""POST /api/plans/{plan_id}/execute: from a document to tasks."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from agents.playbooks.document.execution import execute_document
from app._plans.making import Made
from app.api.plans._shapes import PlanAccepted, accepted
from app.dependencies import CurrentCaller
from app.router import responds

MESSAGE = "The document is carried out by the plan {id}; GET /api/plans/{id} shows how far it is."


class ExecuteDocument(BaseModel):
    """Whether it starts by itself, and whether a document that is being carried out may be once more."""

    model_config = ConfigDict(extra="forbid")

    start: bool = Field(default=True, description="false: it waits, to be looked at and started")
    again: bool = Field(default=False, description="Also where an execution of the document is open")


@responds(
    summary="Carry a plan document out: its work breakdown becomes tasks of a plan of their own",
    status_code=202,
    response_model=PlanAccepted,
    problems=(404, 409),
)
async def post(caller: CurrentCaller, plan_id: UUID, body: ExecuteDocument | None = None) -> Response:
    """Where the breakdown is not sure enough it waits for a person, whatever `start` says; `reason` of the plan says why."""
    asked = body or ExecuteDocument()
    plan = await execute_document(caller, plan_id, starts_by_itself=asked.start, again=asked.again)
    return accepted(Made(plan), MESSAGE)
