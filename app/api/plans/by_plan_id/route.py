"""GET and PATCH /api/plans/{plan_id}."""

from uuid import UUID

from fastapi import Request

from app._plans.acting import edit
from app._plans.reading import read_plan, told
from app._plans.showing import PlanShown
from app.api.plans._shapes import PlanEdits
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of


@responds(
    summary="A plan: tasks, edges, order, state, what ran when, what waits, report",
    response_model=PlanShown,
    problems=(404,),
)
async def get(request: Request, caller: CurrentCaller, plan_id: UUID) -> PlanShown:
    return await read_plan(house_of(request), caller, plan_id)


@responds(
    summary="Change a plan that waits for its start, all or nothing", response_model=PlanShown, problems=(404, 409)
)
async def patch(request: Request, caller: CurrentCaller, plan_id: UUID, body: PlanEdits) -> PlanShown:
    """`depends_on` holds ids of tasks, or keys of tasks added in the same request; a cycle is refused and named."""
    house = house_of(request)
    return await told(house, caller, await edit(house, caller, plan_id, body.as_json()))
