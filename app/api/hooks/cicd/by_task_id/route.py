"""POST /api/hooks/cicd/{task_id}."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Request
from pydantic import BaseModel, ConfigDict

from agents.services.code import Pipelines
from app.router import responds
from core.database import Identity
from core.errors import Unauthorized
from core.outside.errors import NotConnected
from tasks import plan_tools
from tasks.functions import get_task
from tasks.models import ExecutionStatus


class Taken(BaseModel):
    """The report was taken: whether it was known before, and how the task stands."""

    model_config = ConfigDict(extra="ignore")

    known: bool
    execution_status: ExecutionStatus


@responds(
    summary="A pipeline reports how the run for a task ended, signed (Standard Webhooks)",
    response_model=Taken,
    problems=(404, 409),
)
async def post(request: Request, task_id: UUID, body: Annotated[dict[str, Any], Body()]) -> Taken:
    """The signature stands for a sign-in. `data.status` is success, failure, cancelled or error; twice is once."""
    house = request.app.state.house
    service = house.database.acting_as(Identity.service())
    organization_id = await plan_tools.get_organization_of_task(service, task_id)
    if organization_id is None:
        raise Unauthorized("The report is not signed by the pipeline")  # the same as for a wrong signature
    caller = house.database.acting_as(Identity.service(organization_id))
    task = await get_task(caller, task_id)
    try:
        pipelines = await house.equipment.outside.reach(Pipelines, caller, task)
    except NotConnected as error:
        raise Unauthorized("The report is not signed by the pipeline") from error
    report = pipelines.read_report(dict(request.headers), await request.body())
    taken = await plan_tools.record_pipeline_report(caller, task_id, report.id, report.outcome)
    return Taken(known=taken.known, execution_status=taken.execution_status)
