"""POST /api/policies/replay: a permission tried on the past. Nothing is kept."""

from fastapi import Request

from agents.permitting import Past
from app.api.policies._shapes import CandidatePolicy, ReplayAnswer, check_action, replayed
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of


@responds(summary="What a permission would have let through in the last 90 days", response_model=ReplayAnswer)
async def post(request: Request, caller: CurrentCaller, body: CandidatePolicy) -> ReplayAnswer:
    tools = house_of(request).equipment.tools
    check_action(body.policy.action, tools)
    past = Past(caller, tools)
    return replayed(await past.under(body.policy.as_permission()))
