"""Forms on web pages, sent in a real Chromium: asked about, found again, and never sent twice."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from app.house import House
from app.main import create_app
from core.keys import Keys
from jobs.worker import Worker, working
from tasks import browser as browser_places
from tasks import review, steps
from tests.browser_pages import close_pages
from tests.emulators.site import Site
from tests.integration.agents.browsing import (
    asked,
    at_work,
    browsing_house,
    by_hand,
    decided,
    events_of,
    order,
    site,
    wanted,
)
from tests.integration.agents.growing import is_state, until

__all__ = ["browsing_house", "site"]


async def test_a_form_is_shown_filled_in_and_sent_once_after_a_yes(browsing_house: House, site: Site) -> None:
    house = browsing_house
    async with at_work(house):
        task = await wanted(house, order(site))
        question = await asked(house, task)
        assert site.sent == []
        assert question.title == "Submit this form to 127.0.0.1?"
        facts = dict(question.payload["facts"])
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


async def test_pages_show_the_form_that_waits_and_what_became_of_it(browsing_house: House, site: Site) -> None:
    house, card = browsing_house, "4111111111111111"
    site.extra_field = "<label>Card number <input name=card autofocus></label>"
    given = order(site, start_url=f"{site.url}/kettle")
    given["steps"] = [{"do": "type", "target": "Card number", "text": card}, *given["steps"][2:]]
    given["steps"][-1]["why"] = f"Paid with {card}"
    assert house.owner.user_id
    token = Keys.load(house.settings.home).bearer_token(house.owner.user_id)
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/html"}
    transport = httpx.ASGITransport(create_app(house, Keys.load(house.settings.home)))
    async with at_work(house), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        client.headers.update(headers)
        task = await wanted(house, given)
        stuck = await until(house, task.id, is_state("completed", "failed", "blocked"))
        assert "The number of a card is kept nowhere" in (stuck.blocked_reason or "")
        await browser_places.take_over_browser(house.caller, task.id)
        await by_hand(house, task, do="type", text=card)
        await browser_places.hand_back_browser(house.caller, task.id, "Typed")
        question = await asked(house, task)
        assert question.title == "Pay at 127.0.0.1?"
        assert dict(question.payload["facts"])["Card number"] == "•••• 1111"
        for path in ("/review", f"/tasks/{task.id}"):
            page = await client.get(path)
            assert page.status_code == 200, page.text
            assert "•••• 1111" in page.text, path
            assert card not in page.text, path
        done = await decided(house, task)
        assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
        assert [fields["card"] for _, fields in site.sent] == [card]
        page = await client.get("/review", params={"tab": "all"})
        assert (page.status_code, "Pay at 127.0.0.1?" in page.text) == (200, True)
    seen = await events_of(house, task)
    assert [event["do"] for event in seen if event.get("do") in {"navigate", "select", "submit"}] == [
        "navigate",
        "select",
        "submit",
    ]
    shown = {name: question.payload[name] for name in ("input", "facts", "text")}
    assert card not in json.dumps([seen, shown, question.why, question.title])


async def test_a_page_opened_anew_is_filled_in_again_and_sent_without_asking_twice(
    browsing_house: House, site: Site
) -> None:
    house = browsing_house
    async with at_work(house):
        task = await wanted(house, order(site))
        await asked(house, task)
        await close_pages()  # as after a restart; the form has another token now
        done = await decided(house, task)
    assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
    assert [fields["csrf_token"] for _, fields in site.sent] == ["token-2"]


async def test_a_form_that_changed_is_asked_about_again(browsing_house: House, site: Site) -> None:
    house = browsing_house
    async with at_work(house):
        task = await wanted(house, order(site))
        await asked(house, task)
        await close_pages()
        site.price = "94 €"
        again = await decided(house, task)
        assert (again.blocked_on, site.sent) == ("approval", [])
        assert "Price: 94 €" in (await asked(house, task)).payload["text"]
        done = await decided(house, task)
    assert (done.execution_status, len(site.sent)) == ("completed", 1)


async def test_no_is_no(browsing_house: House, site: Site) -> None:
    async with at_work(browsing_house):
        task = await wanted(browsing_house, order(site))
        ended = await decided(browsing_house, task, approved=False)
    assert (ended.execution_status, site.sent) == ("failed", [])


@pytest.mark.parametrize(("breaks", "said"), [("cut", "The line broke"), ("500", "answered 500")])
async def test_a_form_whose_fate_is_unknown_is_a_persons_to_decide(
    browsing_house: House, site: Site, breaks: str, said: str
) -> None:
    house, site.breaks = browsing_house, breaks
    async with at_work(house):
        task = await wanted(house, order(site))
        stuck = await decided(house, task)
        assert (stuck.execution_status, stuck.blocked_on) == ("blocked", "person")
        assert said in (stuck.blocked_reason or "")
        assert len(site.sent) == 1
        step = next(one for one in await steps.list_steps(house.caller, task.id) if one.state == "uncertain")
        await steps.resolve_step(house.caller, step.id, happened=True)
        done = await until(house, task.id, is_state("completed", "failed", "blocked"))
    assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
    assert len(site.sent) == 1


async def test_a_person_who_says_that_it_did_not_arrive_is_asked_again(browsing_house: House, site: Site) -> None:
    house, site.breaks = browsing_house, "cut"
    async with at_work(house):
        task = await wanted(house, order(site))
        await decided(house, task)
        site.breaks = ""
        step = next(one for one in await steps.list_steps(house.caller, task.id) if one.state == "uncertain")
        await steps.resolve_step(house.caller, step.id, happened=False)
        done = await decided(house, task)
    assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
    assert len(site.sent) == 2


@pytest.mark.parametrize("has_proof", [True, False])
async def test_a_worker_that_ends_between_sending_and_recording(
    browsing_house: House, site: Site, monkeypatch: pytest.MonkeyPatch, has_proof: bool
) -> None:
    house, sent, record = browsing_house, asyncio.Event(), steps.finish_step

    async def never(*args: Any, **more: Any) -> None:
        sent.set()
        await asyncio.Event().wait()

    proof = {"proof": {"url": f"{site.url}/orders", "text": "Robin"}} if has_proof else {}
    async with working(Worker(house.database, house.equipment, grace_seconds=0)):
        task = await wanted(house, order(site, **proof))
        question = await asked(house, task)
        monkeypatch.setattr(steps, "finish_step", never)
        await review.decide_approval(house.caller, question.id, approved=True)
        await asyncio.wait_for(sent.wait(), 15)
    monkeypatch.setattr(steps, "finish_step", record)
    await close_pages()
    async with at_work(house):
        ended = await until(house, task.id, is_state("completed", "failed", "blocked"), 30)
    assert len(site.sent) == 1
    if has_proof:
        assert ended.execution_status == "completed", ended.failure_reason or ended.blocked_reason
    else:
        assert (ended.execution_status, ended.blocked_on) == ("blocked", "person")
        assert "nobody knows whether it arrived" in (ended.blocked_reason or "")
