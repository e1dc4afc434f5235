"""Budgets for models: of a day, of a task, of a tree; held before a request is made. Real Postgres, real HTTP."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from agents.budget import BudgetUsedUp, TenantBudget, metered
from agents.thinking import Limits, ModelCall
from app.house import House
from core.database import Caller, Database
from core.errors import Invalid
from tasks import functions, steps
from tasks.models import Task

CALL = ModelCall("strategy", "openai", "gpt-5-mini", "strategist/2", 100, 10, 0.6, 5)


async def running(service: Caller, **item: Any) -> Task:
    (task,) = await functions.create_tasks(service, [{"title": "Write it", "execution_type": "fully_automated", **item}])
    return await functions.start_task_execution(service, task.id, None)


async def spend(caller: Caller, usd: float, task_id: UUID | None = None) -> None:
    await functions.record_llm_interaction(caller, task_id, replace(CALL, cost_usd=usd).as_json())


def budget(caller: Caller, task: Task | None = None, **limits: Any) -> TenantBudget:
    return TenantBudget(caller, task.id if task else None, Limits(**limits), "Europe/Berlin")


async def test_within_a_days_budget_a_request_is_held_and_let_go(service: Caller) -> None:
    house = budget(service, day_usd=1)
    held = await house.reserve(None, 0.6)
    with pytest.raises(BudgetUsedUp):
        await house.reserve(None, 0.6)
    await functions.record_llm_interaction(service, None, replace(CALL, cost_usd=0.1, reservation_id=held).as_json())
    await house.reserve(None, 0.6)


async def test_a_used_up_day_says_until_when_and_what_raises_it(service: Caller) -> None:
    await spend(service, 1.0)
    with pytest.raises(BudgetUsedUp) as refused:
        await budget(service, day_usd=1).reserve(None, 0)
    assert "$1.0000 of $1 for models are spent today" in refused.value.message
    assert "STEWARD_MODEL_DAY_BUDGET_USD" in (refused.value.hint or "")
    assert refused.value.until is not None
    assert timedelta(0) < refused.value.until - datetime.now(UTC) <= timedelta(hours=25)
