"""Reading a plan with its estimate and its report."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from agents.estimates import estimate_tree, usd_per_call_of
from agents.synthesizer import facts_of
from app._plans.showing import PlanShown, ShortReport, shown
from app.house import House
from core.database import Caller
from tasks import plans
from tasks.day_plans import list_worked_tasks
from tasks.plans import PlanTree

OVER = {"completed", "failed", "cancelled"}


async def read_plan(house: House, caller: Caller, plan_id: UUID) -> PlanShown:
    """The plan with all that hangs on it. NotFound for a task that is no plan."""
    return await told(house, caller, await plans.get_plan(caller, plan_id))


async def told(house: House, caller: Caller, found: PlanTree) -> PlanShown:
    """A plan that was read, with what it will take, or took."""
    return shown(found, house.clock.now(), estimate=await _estimate(house, caller, found), report=_report(found))


async def _estimate(house: House, caller: Caller, found: PlanTree) -> dict[str, Any] | None:
    """What is still to be done will take; None where nothing is."""
    if found.plan.state in OVER or found.plan.planned_at is None:
        return None
    thinking = house.thinking
    price = usd_per_call_of(thinking)
    return asdict(
        estimate_tree(
            found.tree,
            house.equipment.tools,
            has_model=thinking.is_model,
            usd_per_call=price,
            timezone=house.clock.timezone,
            cases=await list_worked_tasks(caller, house.clock.now()),
        )
    )


def _report(found: PlanTree) -> ShortReport | None:
    """What became of it, in short; None before its end."""
    if found.plan.state not in OVER:
        return None
    facts = facts_of(found)
    return ShortReport(
        outcome=facts.outcome,
        reason=facts.reason,
        seconds=facts.seconds,
        done=len(facts.done),
        failed=len(facts.failed),
        skipped=len(facts.skipped),
        decisions=len(facts.decisions),
        recommendations=list(facts.recommendations),
        url=f"/api/plans/{found.plan.id}/report",
    )
