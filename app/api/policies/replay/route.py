"""POST /api/policies/replay: a permission tried on the past. Nothing is kept."""

from fastapi import Request

from agents.permitting import Past
from app.api.policies._shapes import CandidatePolicy, ReplayAnswer, check_action, replayed
from app.dependencies import CurrentCaller
from app.router import responds


@responds(summary="What a permission would have let through in the last 90 days", response_model=ReplayAnswer)
async def post(request: Request, caller: CurrentCaller, body: CandidatePolicy) -> ReplayAnswer:
    tools = request.app.state.house.equipment.tools
    check_action(body.policy.action, tools)
    past = Past(caller, tools)
    return replayed(await past.under(body.policy.as_permission()))
