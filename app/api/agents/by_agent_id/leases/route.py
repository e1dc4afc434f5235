"""GET /api/agents/{agent_id}/leases: what the agent held and holds."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.api._answers import Listing
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.agent_work import Lease, list_leases
from tasks.agents import get_agent


@responds(summary="What an agent held and holds, newest first", response_model=Listing[Lease], problems=(404,))
async def get(caller: CurrentCaller, agent_id: UUID, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Listing[Lease]:
    await get_agent(caller, agent_id)
    return Listing(items=await list_leases(caller, agent_id, most=limit))
