"""GET and PUT /api/policies: the standing permissions."""

from fastapi import Request

from agents.permitting import Past
from app.api.policies._shapes import PolicyListing, SavedPolicy, ShownPolicy, check_action, shown
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks import policies


@responds(
    summary="The standing permissions, and what each would have let through in the past", response_model=PolicyListing
)
async def get(request: Request, caller: CurrentCaller) -> PolicyListing:
    found = await policies.list_policies(caller)
    past = Past(caller, house_of(request).equipment.tools)
    return PolicyListing(items=[await shown(one, past) for one in found.items], stopped_at=found.stopped_at)


@responds(
    summary="Keep a permission: a new one, off unless `is_enabled`, or other terms for one that is there",
    response_model=ShownPolicy,
    problems=(404,),
)
async def put(request: Request, caller: CurrentCaller, body: SavedPolicy) -> ShownPolicy:
    """Try it first: `POST /api/policies/replay` says what it would have let through; so does the answer."""
    tools = house_of(request).equipment.tools
    earlier = (await policies.list_policies(caller)).items if body.id else []
    check_action(body.action, tools, next((one.action for one in earlier if one.id == body.id), None))
    saved = await policies.save_policy(caller, body.model_dump(mode="json"))
    return await shown(saved, Past(caller, tools))
