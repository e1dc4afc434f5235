"""POST, DELETE /api/agents/{agent_id}/token: a new token for an agent, or none."""

from uuid import UUID

from fastapi import Request

from app._agents.showing import AgentView, AgentWithToken, shown
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.agents import revoke_agent_token, rotate_agent_token


@responds(
    summary="A new token, shown this once; the old one works no more",
    status_code=201,
    response_model=AgentWithToken,
    problems=(404,),
)
async def post(request: Request, caller: CurrentCaller, agent_id: UUID) -> AgentWithToken:
    made = await rotate_agent_token(caller, agent_id)
    return AgentWithToken(token=made.token, details=shown(made.details, house_of(request).settings))


@responds(
    summary="The agent may not speak any more; what it held is offered to others",
    response_model=AgentView,
    problems=(404,),
)
async def delete(request: Request, caller: CurrentCaller, agent_id: UUID) -> AgentView:
    return shown(await revoke_agent_token(caller, agent_id), house_of(request).settings)
