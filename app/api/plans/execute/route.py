"""POST /api/plans/execute (seeds document 000, "Submit Plan")."""

from fastapi import Request
from starlette.responses import Response

from app._plans.forms import ObjectiveRequest
from app._plans.making import make_objective_plan
from app.api.plans._shapes import PlanAccepted, accepted
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of

MESSAGE = "The plan is accepted; GET /api/plans/{id} shows how far it is."


@responds(
    summary="Plan an objective and carry it out",
    status_code=202,
    response_model=PlanAccepted,
    problems=(404,),
)
async def post(request: Request, caller: CurrentCaller, body: ObjectiveRequest) -> Response:
    """With a `callbackUrl` the answer holds `callbackSecret`, this once: what is sent there is signed with it."""
    return accepted(await make_objective_plan(house_of(request), caller, body), MESSAGE)
