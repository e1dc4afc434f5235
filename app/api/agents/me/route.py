"""GET /api/agents/me: whose token this is, so that a client needs nothing else."""

from fastapi import Request

from app._agents.showing import AgentItself, shown_to_itself
from app._agents.speaking import speaking_agent
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.agents import get_agent


@responds(summary="The agent whose token is sent", response_model=AgentItself, problems=(404,))
async def get(request: Request, caller: CurrentCaller) -> AgentItself:
    agent = await get_agent(caller, speaking_agent(caller))
    return shown_to_itself(agent, house_of(request).settings)
