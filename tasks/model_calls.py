"""Calls to models: what they may cost, what they did cost, and what a run may show one. One thin typed call per SQL function."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from core.database import Caller
from tasks.models import Record


async def record_llm_interaction(caller: Caller, task_id: UUID | None, call: Mapping[str, Any]) -> None:
    """Keep tokens, cost and time of one model call."""
    await caller.call("record_llm_interaction", task_id=task_id, call=dict(call))


class Reserved(Record):
    """What a budget said to a request: the id of what it holds for it, or why not and until when.

    `is_held`: there is enough left, but requests under way hold it. `is_silent`: it is the budget of work that nobody asked for;
    `is_of_others`: that of everybody but the owner.
    """

    reservation_id: UUID | None = None
    refused: str | None = None
    until: datetime | None = None
    is_held: bool = False
    is_silent: bool = False
    is_of_others: bool = False


async def reserve_model_call(
    caller: Caller, task_id: UUID | None, step_id: UUID | None, cost_usd: float, limits: Mapping[str, Any]
) -> Reserved:
    """Before a request to a model: hold what it may cost at most. `limits`: {day_usd, day_calls, proactive_day_usd, task_usd, timezone}."""
    row = await caller.call(
        "reserve_model_call", task_id=task_id, step_id=step_id, cost_usd=cost_usd, limits=dict(limits)
    )
    return Reserved.model_validate(row)


async def get_model_context(caller: Caller, task_id: UUID) -> dict[str, Any]:
    """What a run may show a model, and which answer it can go on from (worker only)."""
    return await caller.call("get_model_context", task_id=task_id)
