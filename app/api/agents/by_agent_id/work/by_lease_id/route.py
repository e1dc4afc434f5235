"""GET /api/agents/{agent_id}/work/{lease_id}: work that the agent holds already."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Request

from app._agents.speaking import speaking_agent
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.agent_work import Work, get_work

WHERE = "The `lease.id` of the work; a heartbeat without `lease_ids` names all that the agent holds"
LeaseId = Annotated[UUID, Path(description=WHERE, examples=["0b0f7a3e-52a5-4d5e-9d0c-6f2b8a1e4c77"])]


@responds(
    summary="Read work that is held under a lease again, after a lost answer or a restart; it extends the lease",
    response_model=Work,
    problems=(404,),
)
async def get(request: Request, caller: CurrentCaller, agent_id: UUID, lease_id: LeaseId) -> Work:
    return await get_work(caller, speaking_agent(caller, agent_id), lease_id, house_of(request).agent_rules)
