"""GET and POST /api/preferences: what Steward learned, and what a person writes themselves."""

from typing import Annotated

from fastapi import Query, Request

from agents.learning.writing import as_written
from app.api.preferences._shapes import PreferenceListing, WrittenPreference
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.preferences import Preference, PreferenceState, list_preferences, save_preference


@responds(summary="What Steward learned of your taste, and what you wrote yourself", response_model=PreferenceListing)
async def get(
    caller: CurrentCaller, state: Annotated[list[PreferenceState] | None, Query(max_length=4)] = None
) -> PreferenceListing:
    return PreferenceListing(items=await list_preferences(caller, states=state))


@responds(summary="Write a preference of your own", status_code=201, response_model=Preference, problems=(409,))
async def post(request: Request, caller: CurrentCaller, body: WrittenPreference) -> Preference:
    """It is proposed: try it, then switch it on by `PATCH` with the state `active`."""
    written = as_written(body.statement, body.rule, body.scope_type, body.scope_value)
    return await save_preference(caller, written, at=house_of(request).clock.now())
