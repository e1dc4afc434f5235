"""GET /api/agents/{agent_id}/work: work under a lease."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from starlette.responses import Response

from app._agents.speaking import speaking_agent
from app._agents.waiting import WaitingAgents
from app.dependencies import CurrentCaller, identify
from app.router import responds
from app.seen import house_of
from tasks.agent_work import Work, claim_work


@responds(
    summary="Claim the most urgent work that fits, under a lease; 204 where there is none",
    response_model=Work,
    problems=(404,),
    also_status={204: None},
)
async def get(
    request: Request,
    caller: CurrentCaller,
    agent_id: UUID,
    wait: Annotated[float, Query(ge=0, le=60, allow_inf_nan=False, description="Seconds to wait for work")] = 0,
) -> Response:
    house = house_of(request)
    own = speaking_agent(caller, agent_id)
    if wait:
        waiting: WaitingAgents = request.app.state.waiting
        async with _gone(request) as gone:
            work = await waiting.work_for(caller, own, house.agent_rules, wait, gone, partial(identify, request))
    else:
        work = await claim_work(caller, own, house.agent_rules)
    if work is None:
        return Response(status_code=204, headers={"Retry-After": str(house.settings.agent_poll_seconds)})
    return Response(work.model_dump_json(), media_type="application/json")


@asynccontextmanager
async def _gone(request: Request) -> AsyncGenerator[asyncio.Task[None]]:
    """Done when the client has left."""

    async def left() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    gone = asyncio.create_task(left(), name="has the agent left")
    try:
        yield gone
    finally:
        gone.cancel()
