"""POST /api/agents/{agent_id}/interrupts: an agent asks a person, in the form of the Agent Inbox."""

from uuid import UUID

from pydantic import BaseModel

from app._agents.asking import Asked
from app._agents.speaking import speaking_agent
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.interrupts import AskedInterrupt, open_interrupts


class AskedInterrupts(BaseModel):
    """The interrupts that were made, in the order asked for."""

    items: list[AskedInterrupt]


@responds(
    summary="Ask a person: one interrupt, or up to 50; each is answered under Review",
    status_code=201,
    response_model=AskedInterrupts,
    problems=(404, 409),
)
async def post(caller: CurrentCaller, agent_id: UUID, body: Asked) -> AskedInterrupts:
    own = speaking_agent(caller, agent_id)
    return AskedInterrupts(items=await open_interrupts(caller, own, body if isinstance(body, list) else [body]))
