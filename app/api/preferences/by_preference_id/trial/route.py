"""POST /api/preferences/{preference_id}/trial."""

from uuid import UUID

from fastapi import Request

from agents.budget import metered
from agents.redrafting import redraft_by
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from jobs.learning import try_preference
from tasks.preferences import Preference


@responds(summary="Try a preference on past drafts", response_model=Preference, problems=(404,))
async def post(request: Request, caller: CurrentCaller, preference_id: UUID) -> Preference:
    """The last ten drafts in its scope are written again with it; what only a model follows is asked of one, for three."""
    house = house_of(request)
    redraft = redraft_by(metered(house.equipment.thinking, caller, house.clock))
    return await try_preference(caller, preference_id, at=house.clock.now(), redraft=redraft)
