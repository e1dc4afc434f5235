"""Acts of tools: nothing takes effect before a person has said yes to exactly what will be done, and then once."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import psycopg.types.json
import pytest
from pydantic import Field

from agents.equipment import Run
from agents.tools.tool import Done, Outcome, Shown, StrictInput, Tool
from app.house import House
from core.database import Identity
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.outside.errors import NotConnected, Refused, Temporary, Uncertain
from core.postgres import postgres
from tasks import functions, review, runs, steps
from tasks.drafts import Approval
from tasks.models import Task
from tests.gate import allow_own_acts
from tests.integration.agents.growing import at_work, is_state, node, root, started, until


class OrderInput(StrictInput):
    """What is ordered."""

    item: str = Field(min_length=1)
    count: int = Field(default=1, ge=1)


@dataclass
class Shop:
    """The other end of an act: what arrived there, and what goes wrong next."""

    orders: list[OrderInput] = field(default_factory=list[OrderInput])
    errors: list[Exception] = field(default_factory=list[Exception])
    takes_seconds: float = 0
    finds: bool = True

    async def order(self, run: Run, given: OrderInput) -> Outcome:
        if self.errors:
            raise self.errors.pop(0)
        self.orders.append(given)
        await asyncio.sleep(self.takes_seconds)
        return Done({"ordered": given.count}, "claimed")

    async def find(self, run: Run, given: OrderInput) -> Any | None:
        return {"ordered": given.count} if given in self.orders else None

    async def show(self, run: Run, given: OrderInput) -> Shown:
        return Shown(
            f"Order {given.count} x {given.item}?", {"item": given.item, "count": given.count}, "From the shop"
        )

    def tool(self, **more: Any) -> Tool[OrderInput]:
        find = self.find if self.finds else None
        return Tool("order", "Orders", "act", self.order, OrderInput, show=self.show, find=find, **more)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def order(**given: Any) -> dict[str, Any]:
    return root(node("chairs", "order", tool_input=given or {"item": "chair", "count": 4}, on_failure="escalate"))


async def asked(house: House, task_id: UUID, beside: UUID | None = None) -> Approval:
    """The open question of a task, once it is there; another one than `beside`."""
    for _ in range(200):
        for one in (await review.list_approvals(house.caller, states=["open"])).items:
            if one.task_id == task_id and one.id != beside:
                return one
        await asyncio.sleep(0.05)
    raise AssertionError("nobody was asked")


async def test_an_act_waits_for_a_yes_and_happens_once(house: House, shop: Shop) -> None:
    async with at_work(house, order=shop.tool()):
        made = await started(house, order())
        chairs = made.keys["chairs"]
        approval = await asked(house, chairs)
        assert (approval.title, approval.tool, shop.orders) == ("Order 4 x chair?", "order", [])
        assert approval.payload["facts"] == [["item", "chair"], ["count", 4]]
        await review.decide_approval(house.caller, approval.id, approved=True)
        task = await until(house, chairs, is_state("completed"))
        await until(house, made.id, is_state("completed"))
    assert [one.count for one in shop.orders] == [4]
    assert task.result["output"] == {"ordered": 4}
    (used,) = (await review.list_approvals(house.caller, states=["used"])).items
    assert used.id == approval.id
    (step,) = await steps.list_steps(house.caller, chairs)
    assert (step.kind, step.state, step.attempts) == ("act", "finished", 1)


async def test_a_no_fails_the_act(house: House, shop: Shop) -> None:
    async with at_work(house, order=shop.tool()):
        made = await started(house, order())
        approval = await asked(house, made.keys["chairs"])
        await review.decide_approval(house.caller, approval.id, approved=False, notes="too many")
        task = await until(house, made.keys["chairs"], is_state("failed"))
        with pytest.raises(Conflict):
            await review.decide_approval(house.caller, approval.id, approved=True)
    assert (task.failure_reason, shop.orders) == ("Rejected: too many", [])


async def test_a_wrong_input_asks_nobody(house: House, shop: Shop) -> None:
    async with at_work(house, order=shop.tool()):
        made = await started(house, order(item="chair", count=0))
        task = await until(house, made.keys["chairs"], is_state("failed"))
    assert "count" in (task.failure_reason or "")
    assert (await review.list_approvals(house.caller, states=["open"])).items == []


async def test_an_input_that_changed_after_the_yes_is_asked_about_again(house: House, shop: Shop) -> None:
    async with at_work(house, order=shop.tool()):
        made = await started(house, order())
        chairs = made.keys["chairs"]
        approval = await asked(house, chairs)
        changed = psycopg.types.json.Jsonb({"item": "chair", "count": 400})
        async with await psycopg.AsyncConnection.connect(postgres(house.database).url, autocommit=True) as console:
            await console.execute("update public.tasks set tool_input = %s where id = %s", (changed, chairs))
        await review.decide_approval(house.caller, approval.id, approved=True)
        again = await asked(house, chairs, beside=approval.id)
        assert (again.title, shop.orders) == ("Order 400 x chair?", [])
    (void,) = (await review.list_approvals(house.caller, states=["voided"])).items
    assert void.id == approval.id


async def test_a_passing_error_goes_on_with_the_same_yes(house: House, shop: Shop) -> None:
    shop.errors = [Temporary("busy", retry_after_seconds=0)]
    async with at_work(house, order=shop.tool()):
        tree = order()
        tree["children"][0]["max_retries"] = 2
        made = await started(house, tree)
        approval = await asked(house, made.keys["chairs"])
        await review.decide_approval(house.caller, approval.id, approved=True)
        await until(house, made.keys["chairs"], is_state("completed"))
    assert len(shop.orders) == 1
    assert (await review.list_approvals(house.caller, states=["open"])).items == []


async def test_a_retry_by_a_person_asks_again(house: House, shop: Shop) -> None:
    shop.errors = [Refused("sold out")]
    async with at_work(house, order=shop.tool()):
        made = await started(house, order())
        chairs = made.keys["chairs"]
        approval = await asked(house, chairs)
        await review.decide_approval(house.caller, approval.id, approved=True)
        task = await until(house, chairs, is_state("failed"))
        assert task.failure_reason == "sold out"
        await functions.retry_task(house.caller, chairs)
        again = await asked(house, chairs, beside=approval.id)
        await review.decide_approval(house.caller, again.id, approved=True)
        await until(house, chairs, is_state("completed"))
    assert len(shop.orders) == 1


@pytest.mark.parametrize("error", [Uncertain("the line broke"), RuntimeError("what?")])
async def test_an_act_of_which_nobody_knows_is_a_persons_to_decide(house: House, shop: Shop, error: Exception) -> None:
    shop.errors = [error]
    async with at_work(house, order=shop.tool()):
        made = await started(house, order())
        chairs = made.keys["chairs"]
        await review.decide_approval(house.caller, (await asked(house, chairs)).id, approved=True)
        task = await until(house, chairs, is_state("blocked"))
        while task.blocked_on != "person":
            await asyncio.sleep(0.05)
            task = await functions.get_task(house.caller, chairs)
        (step,) = await steps.list_steps(house.caller, chairs)
        assert step.state == "uncertain"
        await steps.resolve_step(house.caller, step.id, happened=True)
        await until(house, chairs, is_state("completed"))
    assert shop.orders == []


async def test_an_act_that_takes_too_long_is_uncertain(house: House, shop: Shop) -> None:
    shop.takes_seconds = 30
    async with at_work(house, order=shop.tool(timeout_seconds=0.2)):
        made = await started(house, order())
        chairs = made.keys["chairs"]
        await review.decide_approval(house.caller, (await asked(house, chairs)).id, approved=True)
        await until(house, chairs, lambda task: task.blocked_on == "person")
    assert len(shop.orders) == 1


async def test_what_is_not_connected_waits_for_the_account(house: House, shop: Shop) -> None:
    shop.errors = [NotConnected("No shop is connected", hint="Set SHOP_KEY")]
    await allow_own_acts(house.database, "order")
    async with at_work(house, order=shop.tool(is_own=True)):
        made = await started(house, order())
        task = await until(house, made.keys["chairs"], is_state("blocked"))
        assert (task.blocked_on, task.unblocked_by) == ("account", "Set SHOP_KEY")
        await functions.queue_task_execution(house.caller, task.id)
        await until(house, task.id, is_state("completed"))
    assert len(shop.orders) == 1


async def test_own_acts_ask_nobody(house: House, shop: Shop) -> None:
    await allow_own_acts(house.database, "order")
    async with at_work(house, order=shop.tool(is_own=True)):
        made = await started(house, order())
        await until(house, made.id, is_state("completed"))
    assert len(shop.orders) == 1
    assert (await review.list_approvals(house.caller)).items == []
    (kept,) = (await review.list_approvals(house.caller, decided_how=["own"])).items
    assert (kept.state, kept.tool, kept.payload["input"]) == ("used", "order", {"item": "chair", "count": 4})


async def test_an_act_that_only_its_tool_calls_its_own_is_refused(house: House, shop: Shop) -> None:
    async with at_work(house, order=shop.tool(is_own=True)):
        made = await started(house, order())
        task = await until(house, made.keys["chairs"], is_state("failed"))
    assert "without leave" in (task.failure_reason or "")
    assert shop.orders == []


async def _running_with_a_yes(house: House) -> tuple[Task, Approval]:
    """A run of the act begun by hand, after the yes; nothing else runs."""
    made = await started(house, order())
    chairs = made.keys["chairs"]
    service = house.database.acting_as(
        Identity.service((await functions.get_task(house.caller, chairs)).organization_id)
    )
    await runs.start_task_execution(service, made.id, None)
    await service.call("open_subtasks", task_id=made.id)
    await runs.start_task_execution(service, chairs, None)
    approval = await review.request_act(service, chairs, "Order?", {"input": {"item": "chair", "count": 4}})
    await review.decide_approval(house.caller, approval.id, approved=True)
    task = await runs.start_task_execution(service, chairs, None)
    return task, approval


async def test_a_yes_is_used_by_one_step_alone(house: House) -> None:
    task, approval = await _running_with_a_yes(house)
    service = house.database.acting_as(Identity.service(task.organization_id))
    first = await steps.begin_step(service, task.id, "order/0", "act", "order", approval.id)
    assert first.state == "new"
    with pytest.raises(Conflict, match="unused approval"):
        await steps.begin_step(service, task.id, "order/1", "act", "order", approval.id)
    assert [step.key for step in await steps.list_steps(service, task.id)] == ["order/0"]


async def test_an_open_question_is_no_yes_and_nobody_but_a_person_says_it(house: House) -> None:
    task, approval = await _running_with_a_yes(house)
    service = house.database.acting_as(Identity.service(task.organization_id))
    other = await review.request_act(service, task.id, "Order?", {"input": {"item": "desk"}})
    with pytest.raises(Conflict):
        await steps.begin_step(service, task.id, "order/0", "act", "order", other.id)
    with pytest.raises(Forbidden, match="Only a person"):
        await review.decide_approval(service, other.id, approved=True)
    states = {one.id: one.state for one in (await review.list_approvals(house.caller)).items}
    assert states == {approval.id: "voided", other.id: "open"}


async def test_the_payload_of_a_question_never_changes(house: House) -> None:
    _, approval = await _running_with_a_yes(house)
    async with await psycopg.AsyncConnection.connect(postgres(house.database).url, autocommit=True) as console:
        for change in ("payload = '{}'", "tool = 'other'", "generation = 9"):
            with pytest.raises(psycopg.Error, match="never changes"):
                await console.execute(f"update public.approvals set {change} where id = %s".encode(), (approval.id,))


async def test_a_question_needs_the_input_of_a_tool(house: House) -> None:
    made = await started(house, order())
    task = await functions.get_task(house.caller, made.id)
    service = house.database.acting_as(Identity.service(task.organization_id))
    await runs.start_task_execution(service, made.id, None)
    with pytest.raises(Invalid, match="payload carries"):
        await review.request_act(service, made.id, "Order?", {"input": {}})


@pytest.mark.parametrize("error", [NotFound("no such product"), Conflict("sold to somebody else")])
async def test_what_a_tool_does_not_find_fails_the_task(house: House, shop: Shop, error: Exception) -> None:
    shop.errors = [error]
    await allow_own_acts(house.database, "order")
    async with at_work(house, order=shop.tool(is_own=True)):
        made = await started(house, order())
        task = await until(house, made.keys["chairs"], is_state("failed"))
    assert task.failure_reason == str(error)
