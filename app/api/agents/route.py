"""GET, POST /api/agents: who works here besides people. A person registers agents; tokens make no tokens."""

from typing import Annotated

from fastapi import Query, Request

from app._agents.forms import AgentWish
from app._agents.showing import AgentView, AgentWithToken, shown
from app.api._answers import Listing
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.agents import list_agents, register_agent


@responds(summary="Agents by name: other people's, then the house's own", response_model=Listing[AgentView])
async def get(
    request: Request,
    caller: CurrentCaller,
    removed: Annotated[bool, Query(description="Also those that work here no more")] = False,
) -> Listing[AgentView]:
    settings = house_of(request).settings
    return Listing(items=[shown(agent, settings) for agent in await list_agents(caller, with_removed=removed)])


@responds(summary="Register an agent; its token is shown this once", status_code=201, response_model=AgentWithToken)
async def post(request: Request, caller: CurrentCaller, body: AgentWish) -> AgentWithToken:
    made = await register_agent(caller, body.as_json())
    return AgentWithToken(token=made.token, details=shown(made.details, house_of(request).settings))
