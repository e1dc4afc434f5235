"""GET, PATCH and DELETE /api/preferences/{preference_id}."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from agents.budget import metered
from agents.learning.writing import as_written
from agents.redrafting import redraft_by
from app.api.preferences._shapes import ChangedPreference
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from jobs.learning import switch_on
from tasks.preferences import (
    Preference,
    PreferenceWithSources,
    decide_preference,
    delete_preference,
    get_preference,
    save_preference,
)


@responds(
    summary="One preference with what it was learned from, and its trial",
    response_model=PreferenceWithSources,
    problems=(404,),
)
async def get(caller: CurrentCaller, preference_id: UUID) -> PreferenceWithSources:
    return await get_preference(caller, preference_id)


@responds(
    summary="Change a preference, switch it on or off, or reject it", response_model=Preference, problems=(404, 409)
)
async def patch(request: Request, caller: CurrentCaller, preference_id: UUID, body: ChangedPreference) -> Preference:
    """Another rule or scope is tried anew before it counts. `active` tries it first where that was not done."""
    house = house_of(request)
    known: Preference = await get_preference(caller, preference_id)
    given = body.model_fields_set - {"state"}
    if given:
        rule = body.rule if "rule" in given else known.rule
        statement = body.statement if "statement" in given else None if "rule" in given else known.statement
        scope_type = body.scope_type or known.scope_type
        same = known.scope_value if scope_type == known.scope_type else ""
        value = body.scope_value if body.scope_value is not None else same
        written = as_written(statement, rule, scope_type, value)
        known = await save_preference(caller, {"id": str(known.id), **written}, at=house.clock.now())
    if body.state == "active":
        redraft = redraft_by(metered(house.equipment.thinking, caller, house.clock))
        return await switch_on(caller, known.id, at=house.clock.now(), redraft=redraft)
    if body.state is not None:
        return await decide_preference(caller, known.id, body.state, at=house.clock.now())
    return known


@responds(summary="Delete a preference; the same evidence does not bring it back", status_code=204, problems=(404,))
async def delete(request: Request, caller: CurrentCaller, preference_id: UUID) -> Response:
    await delete_preference(caller, preference_id, at=house_of(request).clock.now())
    return Response(status_code=204)
