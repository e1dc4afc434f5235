"""POST /api/agents/{agent_id}/heartbeat: the agent lives."""

from uuid import UUID

from fastapi import Request

from app._agents.forms import Sign
from app._agents.speaking import speaking_agent
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.agent_work import Heartbeat, heartbeat_agent


class HeartbeatAnswer(Heartbeat):
    """What the house says to a heartbeat; `poll_seconds` is how often it asks the agent to look for work."""

    poll_seconds: int


@responds(
    summary="A sign of life: leases are extended, and the agent hears what to do next with each",
    response_model=HeartbeatAnswer,
    problems=(404,),
)
async def post(request: Request, caller: CurrentCaller, agent_id: UUID, body: Sign | None = None) -> HeartbeatAnswer:
    house = house_of(request)
    own = speaking_agent(caller, agent_id)
    said = await heartbeat_agent(caller, own, house.agent_rules, body.lease_ids if body else None)
    return HeartbeatAnswer(**dict(said), poll_seconds=house.settings.agent_poll_seconds)
