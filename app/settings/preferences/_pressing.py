"""The buttons of a preference, wherever they stand."""

from uuid import UUID

from agents.budget import metered
from agents.redrafting import redraft_by
from app.house import House
from core.database import Caller
from core.errors import Invalid
from jobs.learning import switch_on, try_preference
from tasks.preferences import decide_preference, delete_preference


async def press(house: House, caller: Caller, button: str, preference_id: UUID) -> None:
    """Try, switch on or off, reject, delete. Raises Invalid for another button, Conflict, NotFound."""
    at = house.clock.now()
    redraft = redraft_by(metered(house.equipment.thinking, caller, house.clock))
    match button:
        case "try":
            await try_preference(caller, preference_id, at=at, redraft=redraft)
        case "on":
            await switch_on(caller, preference_id, at=at, redraft=redraft)
        case "off":
            await decide_preference(caller, preference_id, "off", at=at)
        case "reject":
            await decide_preference(caller, preference_id, "rejected", at=at)
        case "delete":
            await delete_preference(caller, preference_id, at=at)
        case other:
            raise Invalid("There is no such button", errors=[{"field": "button", "message": f"{other[:40]!r} is none"}])
