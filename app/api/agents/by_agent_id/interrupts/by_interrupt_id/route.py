"""GET and DELETE /api/agents/{agent_id}/interrupts/{interrupt_id}: the answer to a question, or no question any more."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request

from app._agents.asking import wait_for_answer
from app._agents.speaking import speaking_agent
from app.dependencies import CurrentCaller, identify
from app.router import responds
from app.seen import house_of
from tasks.interrupts import Interrupt, get_interrupt, withdraw_interrupt


@responds(summary="What a person answered, or that it waits", response_model=Interrupt, problems=(404,))
async def get(
    request: Request,
    caller: CurrentCaller,
    agent_id: UUID,
    interrupt_id: UUID,
    wait: Annotated[float, Query(ge=0, le=60, allow_inf_nan=False, description="Seconds to wait for an answer")] = 0,
) -> Interrupt:
    own = speaking_agent(caller, agent_id)
    if not wait:
        return await get_interrupt(caller, own, interrupt_id)
    hub = house_of(request).hub
    return await wait_for_answer(hub, caller, own, interrupt_id, wait, partial(identify, request))


@responds(summary="Ask no more", response_model=Interrupt, problems=(404, 409))
async def delete(caller: CurrentCaller, agent_id: UUID, interrupt_id: UUID) -> Interrupt:
    return await withdraw_interrupt(caller, speaking_agent(caller, agent_id), interrupt_id)
