"""POST /api/preferences/look: look now for what edits, words and sent mail have in common."""

from fastapi import Request

from app.api.preferences._shapes import PreferenceListing
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from jobs.learning import learn


@responds(summary="Look now for something to learn; what is new", response_model=PreferenceListing)
async def post(request: Request, caller: CurrentCaller) -> PreferenceListing:
    """The same that happens every night. What is found is proposed, tried on past drafts, and counts for nothing yet."""
    house = house_of(request)
    return PreferenceListing(
        items=await learn(
            caller,
            at=house.clock.now(),
            least=house.settings.learning_cases,
            has_model=house.equipment.thinking.is_model,
        )
    )
