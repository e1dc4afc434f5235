"""What may be spent on models: asked before each request, so that a day, a task or a tree never costs more than it may.

A request holds what it may cost at most until it is recorded; what others hold counts as spent. Where nobody knows a
model's price, the number of requests is the bound that holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.journal import BoundReached
from agents.thinking import Limits, ModelCall, Thinking
from agents.tools.tool import Waiting
from core.clock import Clock
from core.database import Caller, Identity
from tasks import model_calls
from tasks.capture import get_profile
from tasks.model_calls import Reserved

WAIT = "It goes on by itself when the requests under way are through"
RAISE_IT = {
    "day": "It goes on by itself tomorrow; STEWARD_MODEL_DAY_BUDGET_USD, STEWARD_MODEL_DAY_CALLS or the organization's bounds raise the day's budget",
    "others": "It goes on by itself tomorrow; whoever runs this installation raises it by STEWARD_MODEL_OTHERS_DAY_BUDGET_USD",
    "silent": "It goes on by itself tomorrow; STEWARD_PROACTIVE_DAY_BUDGET_USD raises what may be spent on it in a day",
    "other": "Raise the bound of the task or its tree (or STEWARD_MODEL_TASK_BUDGET_USD), then execute it again",
}  # fmt: skip


class BudgetUsedUp(BoundReached):
    """A budget has not as much left as a request to a model may cost."""

    type = "budget-used-up"
    title = "A budget for models is used up"

    def __init__(self, reason: str, until: datetime | None, *, is_held: bool = False, kind: str = "day") -> None:
        hint = WAIT if is_held else RAISE_IT[kind if until else "other"]
        super().__init__(f"A budget for models is used up: {reason}", hint=hint)
        self.until = until


@dataclass(frozen=True)
class TenantBudget:
    """The budgets that hold for a caller's requests, of one task or of none (a chat). Fulfils `agents.thinking.Budget`."""

    caller: Caller
    task_id: UUID | None
    limits: Limits
    timezone: str

    async def reserve(self, step_id: UUID | None, cost_usd: float) -> str:
        """Hold what a request may cost. Raises BudgetUsedUp."""
        house = await of_the_house(self.caller)
        said = await model_calls.reserve_model_call(house, self.task_id, step_id, cost_usd, self._limits)
        return _held(said)

    def hold(self, cost_usd: float) -> Mapping[str, Any]:
        """What the journal is told to ask the budgets."""
        return {"cost_usd": cost_usd, "limits": self._limits}

    def held(self, said: Mapping[str, Any]) -> str:
        """By what the budgets said. Raises BudgetUsedUp."""
        return _held(Reserved.model_validate(said))

    @property
    def _limits(self) -> dict[str, Any]:
        return {**self.limits.__dict__, "timezone": self.timezone}


def _held(said: Reserved) -> str:
    if said.refused is not None:
        kind = "silent" if said.is_silent else "others" if said.is_of_others else "day"
        raise BudgetUsedUp(said.refused, said.until, is_held=said.is_held, kind=kind)
    return str(said.reservation_id)


async def of_the_house(caller: Caller) -> Caller:
    """Who says what a request of the caller's costs: the worker of the organization they act in, so that nobody says it of themself.

    The caller, where nobody can speak for the worker here (a web process with a project's publishable key alone): they settle
    what they held before, and record what cost nothing.
    """
    if caller.identity.user_id is None or not caller.database.can_speak_for(Identity.service()):
        return caller
    organization = (await get_profile(caller)).get("organization")
    return caller.database.acting_as(Identity.service(UUID(organization["id"]))) if organization else caller


def metered(thinking: Thinking, caller: Caller, clock: Clock) -> Thinking:
    """A thinker for questions that belong to no task (a chat): recorded for the caller's tenant, within its day's budget."""

    async def record(call: ModelCall) -> None:
        await model_calls.record_llm_interaction(await of_the_house(caller), None, call.as_json())

    return replace(
        thinking, on_call=record, budget=TenantBudget(caller, None, thinking.limits, clock.installation.timezone.key)
    )


def out_of_budget(used_up: BudgetUsedUp) -> Waiting:
    """The task goes on when the budget does: by itself with a new day, else when a person has raised the bound."""
    return Waiting("bounds", used_up.message, used_up.hint or "", until=used_up.until)
