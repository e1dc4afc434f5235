"""GET and PATCH /api/attention: how much is told unasked, and when."""

from fastapi import Request

from app._attention.rules import rules_of
from app.api.attention._shapes import ShownAttention, shown
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.attention import AttentionChange
from tasks.nudges import get_attention, save_attention


@responds(summary="How much is told unasked, when, and of what use each kind was", response_model=ShownAttention)
async def get(request: Request, caller: CurrentCaller) -> ShownAttention:
    house = house_of(request)
    return shown(await get_attention(caller, house.clock.now(), rules_of(house)))


@responds(summary="Choose how much is told unasked, and when", response_model=ShownAttention)
async def patch(request: Request, caller: CurrentCaller, body: AttentionChange) -> ShownAttention:
    """What is left out stays as it is; null goes back to the installation's setting."""
    house = house_of(request)
    if changes := body.as_changes():
        await save_attention(caller, changes)
    return shown(await get_attention(caller, house.clock.now(), rules_of(house)))
