"""GET, PATCH and DELETE /api/agents/{agent_id}."""

from uuid import UUID

from fastapi import Request

from app._agents.forms import AgentChanges
from app._agents.showing import AgentView, shown
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.agents import get_agent, remove_agent, update_agent


@responds(summary="One agent: what it can, what it does now, how it did", response_model=AgentView, problems=(404,))
async def get(request: Request, caller: CurrentCaller, agent_id: UUID) -> AgentView:
    return shown(await get_agent(caller, agent_id), house_of(request).settings)


@responds(summary="Change an agent, pause it or let it go on", response_model=AgentView, problems=(404, 409))
async def patch(request: Request, caller: CurrentCaller, agent_id: UUID, body: AgentChanges) -> AgentView:
    await update_agent(caller, agent_id, body.as_json())
    return shown(await get_agent(caller, agent_id), house_of(request).settings)


@responds(
    summary="The agent works here no more; what it held is offered to others, its record stays",
    response_model=AgentView,
    problems=(404,),
)
async def delete(request: Request, caller: CurrentCaller, agent_id: UUID) -> AgentView:
    return shown(await remove_agent(caller, agent_id), house_of(request).settings)
