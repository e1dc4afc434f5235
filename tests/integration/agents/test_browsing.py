"""Work on web pages in a real Chromium, on pages served here: what runs by itself, what asks, and what happens once."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.house import House, furnish
from core.clock import Clock
from integrations.browser.sessions import sessions_of_this_process
from jobs.worker import Worker, working
from tasks import artifacts, functions, review, steps
from tasks.models import Approval, Task
from tests.emulators.site import Site, running_site
from tests.integration.agents.growing import is_state, until


@pytest.fixture
async def site() -> AsyncGenerator[Site]:
    async with running_site() as site:
        yield site


@pytest.fixture
async def browsing_house(house: House, site: Site) -> AsyncGenerator[House]:
    """A house whose browser may reach the site, which lies at a private address."""
    settings = house.settings.model_copy(update={"private_hosts": site.name})
    yield furnish(settings, Clock.from_settings(settings), house.database, house.owner)
    await sessions_of_this_process(None).close_all()


@asynccontextmanager
async def at_work(house: House) -> AsyncGenerator[None]:
    async with working(Worker(house.database, house.equipment)):
        yield


async def wanted(house: House, given: dict[str, Any], **more: Any) -> Task:
    """A task for the browser, queued."""
    item = {"title": "Look at the pages", "execution_type": "fully_automated", "max_retries": 0, "tool": "browser"}
    (task,) = await functions.create_tasks(house.caller, [{**item, "tool_input": given, **more}])
    return await functions.queue_task_execution(house.caller, task.id)


async def asked(house: House, task: Task) -> Approval:
    """The question that the task waits with."""
    waiting = await until(house, task.id, is_state("blocked", "failed", "completed"))
    assert (waiting.execution_status, waiting.blocked_on) == ("blocked", "approval"), (
        waiting.blocked_reason or waiting.failure_reason
    )
    assert waiting.open_approval_id
    page = await review.list_approvals(house.caller, states=["open"], limit=50)
    return next(one for one in page.items if one.id == waiting.open_approval_id)


async def events_of(house: House, task: Task) -> list[dict[str, Any]]:
    found = await functions.list_task_events(house.caller, task.id, 0, 1000)
    return [{"message": event.message, **event.data} for event in found if event.kind == "browser"]


def order(site: Site, **more: Any) -> dict[str, Any]:
    """Steps that fill in an order and send it."""
    return {
        "start_url": f"{site.url}/shop",
        "steps": [
            {"do": "navigate", "url": f"{site.url}/shop"},
            {"do": "click", "target": "Copper kettle"},
            {"do": "type", "target": "Name", "text": "Robin"},
            {"do": "select", "target": "Quantity", "choice": "two"},
            {"do": "submit", "target": "Order now"},
        ],
        **more,
    }


async def test_steps_read_a_table_over_its_pages_into_a_form(browsing_house: House, site: Site) -> None:
    turn = [{"do": "extract", "name": "trains"}, {"do": "click", "target": "Next page"}]
    row = {"type": "object", "required": ["Train", "Leaves", "Seats"], "additionalProperties": {"type": "string"}}
    schema = {
        "type": "object",
        "required": ["trains"],
        "properties": {"trains": {"type": "array", "items": row, "minItems": 9}},
    }
    given = {"start_url": f"{site.url}/trains", "schema": schema,
             "steps": [{"do": "navigate", "url": f"{site.url}/trains"}, *turn, *turn, turn[0]]}  # fmt: skip
    async with at_work(browsing_house):
        task = await wanted(browsing_house, given)
        done = await until(browsing_house, task.id, is_state("completed", "failed", "blocked"))
    assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
    trains = done.result["output"]["output"]["trains"]
    assert [train["Train"] for train in trains] == ["T10", "T11", "T12", "T20", "T21", "T22", "T30", "T31", "T32"]
    seen = await events_of(browsing_house, task)
    assert [event["do"] for event in seen] == ["navigate", "extract", "click", "extract", "click", "extract"]
    picture = await artifacts.get_artifact(browsing_house.caller, seen[0]["artifact_id"])
    assert (picture.media_type, (picture.content or b"")[:3]) == ("image/jpeg", b"\xff\xd8\xff")


async def test_a_form_is_shown_filled_in_and_sent_once_after_a_yes(browsing_house: House, site: Site) -> None:
    house = browsing_house
    async with at_work(house):
        task = await wanted(house, order(site))
        question = await asked(house, task)
        assert site.sent == []
        assert question.title == "Submit this form to 127.0.0.1?"
        facts = question.payload["facts"]
        assert {name: facts[name] for name in ("Goes to", "Button", "Name", "Quantity", "As a gift", "product (hidden)")} == {
            "Goes to": f"POST {site.url}/order", "Button": "Order now", "Name": "Robin", "Quantity": "two",
            "As a gift": "no", "product (hidden)": "kettle"}  # fmt: skip
        assert facts["Screenshot"].startswith("/api/artifacts/")
        assert "Price: 49 €" in question.payload["text"]
        await review.decide_approval(house.caller, question.id, approved=True)
        done = await until(house, task.id, is_state("completed", "failed", "blocked"))
    assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
    assert [(path, fields["name"], fields["quantity"]) for path, fields in site.sent] == [("/order", "Robin", "2")]
    assert (done.verification, done.result["output"]["sent"][0]["status"]) == ("verified", 303)
    act = next(step for step in await steps.list_steps(house.caller, task.id) if step.kind == "act")
    assert (act.state, act.attempts) == ("finished", 1)
