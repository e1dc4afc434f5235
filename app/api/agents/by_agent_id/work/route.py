"""GET /api/agents/{agent_id}/work: work under a lease."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from starlette.responses import Response

from app._agents.speaking import speaking_agent
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.agents import Work, claim_work


@responds(
    summary="Claim the most urgent work that fits, under a lease; 204 where there is none",
    response_model=Work,
    problems=(404,),
)
async def get(
    request: Request,
    caller: CurrentCaller,
    agent_id: UUID,
    wait: Annotated[float, Query(ge=0, le=60, allow_inf_nan=False, description="Seconds to wait for work")] = 0,
) -> Response:
    house = request.app.state.house
    own = speaking_agent(caller, agent_id)
    work = await claim_work(caller, own, house.agent_rules)
    if work is None:
        return Response(status_code=204, headers={"Retry-After": str(house.settings.agent_poll_seconds)})
    return Response(work.model_dump_json(), media_type="application/json")
