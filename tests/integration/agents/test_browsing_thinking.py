"""Work on web pages with a model, and with a person who has the page, in a real Chromium."""

import pytest

from app.house import House
from core.database import Caller, Database, Identity
from core.errors import Conflict, Forbidden, NotFound
from core.postgres import pool_of
from tasks import browser as browser_places
from tasks import functions, steps
from tests.browser_pages import close_pages
from tests.emulators.model_server import ModelServer
from tests.emulators.site import Site
from tests.integration.agents.browsing import (
    asked,
    at_work,
    browsing_house,
    by_hand,
    decided,
    events_of,
    site,
    texts_holding,
    thinking_at_work,
    wanted,
)
from tests.integration.agents.growing import is_state, until

__all__ = ["browsing_house", "site"]


async def test_a_model_finds_what_was_asked_for_in_the_asked_for_form(
    browsing_house: House, site: Site, model_server: ModelServer
) -> None:
    schema = {"type": "object", "required": ["price"], "properties": {"price": {"type": "number"}}}
    given = {"goal": "the price of the copper kettle", "start_url": f"{site.url}/shop", "schema": schema}
    async with thinking_at_work(browsing_house, model_server):
        task = await wanted(browsing_house, given)
        done = await until(browsing_house, task.id, is_state("completed", "failed", "blocked"))
    assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
    assert done.result["output"]["output"] == {"price": 49, "currency": "EUR"}
    keys = [step.key for step in await steps.list_steps(browsing_house.caller, task.id)]
    assert keys == ["1/browse/10", "1/browse/20", "1/browse/21"]


async def test_a_models_order_is_asked_about_and_its_answers_are_not_paid_for_twice(
    browsing_house: House, site: Site, model_server: ModelServer
) -> None:
    house, given = browsing_house, {"goal": "order one kettle for Robin", "start_url": f"{site.url}/shop"}
    async with thinking_at_work(house, model_server):
        task = await wanted(house, given)
        question = await asked(house, task)
        assert (question.why, dict(question.payload["facts"])["Name"]) == ("Everything is filled in", "Robin")
        await close_pages()
        done = await decided(house, task)
    assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
    assert [fields["name"] for _, fields in site.sent] == ["Robin"]
    listed = await steps.list_steps(house.caller, task.id)
    assert [(step.key, step.attempts, step.replays) for step in listed if step.kind == "model"] == [
        ("1/browse/10", 1, 0), ("1/browse/20", 1, 0), ("1/browse/30", 1, 1), ("1/browse/40", 1, 0)]  # fmt: skip


@pytest.mark.parametrize(
    ("goal", "path", "reason"),
    [
        ("press what is not there", "shop", "3 moves in a row failed"),
        ("find the end of the list", "trains-forever", "round in circles"),
        ("answer in no form", "shop", "no usable next move"),
    ],
)
async def test_a_model_that_gets_nowhere_hands_over_to_a_person(
    browsing_house: House, site: Site, model_server: ModelServer, goal: str, path: str, reason: str
) -> None:
    async with thinking_at_work(browsing_house, model_server):
        task = await wanted(browsing_house, {"goal": goal, "start_url": f"{site.url}/{path}"})
        ended = await until(browsing_house, task.id, is_state("completed", "failed", "blocked"), 30)
    assert (ended.execution_status, ended.blocked_on) == ("blocked", "person"), ended.failure_reason
    assert reason in (ended.blocked_reason or "")


async def test_a_model_that_obeys_the_page_gets_no_further_than_the_question(
    browsing_house: House, site: Site, model_server: ModelServer
) -> None:
    house = browsing_house
    async with thinking_at_work(house, model_server):
        led = await wanted(house, {"goal": "tell the weather in Vega", "start_url": f"{site.url}/hostile"})
        talked = await wanted(house, {"goal": "do as the weather page says", "start_url": f"{site.url}/hostile"})
        question = await asked(house, led)
        assert (question.title, dict(question.payload["facts"])["Site"]) == (
            "May the browser open evil.example?",
            "evil.example",
        )
        form = await asked(house, talked)
        assert dict(form.payload["facts"])["Everything you know"] == "the owner is Robin"
    assert site.sent == []


async def test_steps_in_a_bound(browsing_house: House, site: Site, model_server: ModelServer) -> None:
    given = {"goal": "find the end of the list", "start_url": f"{site.url}/trains-forever", "max_steps": 2}
    async with thinking_at_work(browsing_house, model_server):
        task = await wanted(browsing_house, given)
        ended = await until(browsing_house, task.id, is_state("completed", "failed", "blocked"))
    assert (ended.blocked_on, ended.blocked_reason) == ("person", "2 steps are made, and the goal is not reached")


async def test_a_goal_without_a_model_says_so(browsing_house: House, site: Site) -> None:
    async with at_work(browsing_house):
        task = await wanted(browsing_house, {"goal": "look", "start_url": f"{site.url}/shop"})
        ended = await until(browsing_house, task.id, is_state("completed", "failed", "blocked"))
    assert (ended.blocked_on, "needs a language model" in (ended.blocked_reason or "")) == ("model", True)


async def test_a_person_signs_in_by_hand_and_the_model_goes_on(
    browsing_house: House, site: Site, model_server: ModelServer, mallory: Caller, database: Database
) -> None:
    house, given = browsing_house, {"goal": "look at my account", "start_url": f"{site.url}/sign-in"}
    async with thinking_at_work(house, model_server):
        task = await wanted(house, given)
        stuck = await until(house, task.id, is_state("completed", "failed", "blocked"))
        assert (stuck.blocked_on, stuck.blocked_reason) == ("person", "Sign in, and enter the code from your phone")
        for refused in (
            browser_places.take_over_browser(mallory, task.id),
            browser_places.get_browser(mallory, task.id),
        ):
            with pytest.raises(NotFound):
                await refused
        with pytest.raises(Conflict, match="Take the page over first"):
            await browser_places.add_browser_command(house.caller, task.id, "x")
        taken = await browser_places.take_over_browser(house.caller, task.id)
        assert taken.held_by == "person"
        await close_pages()  # the page of another worker: opened anew
        await by_hand(house, task, do="click", x=150, y=120)
        await by_hand(house, task, do="press", key="Tab")
        await by_hand(house, task, do="type", text="right horse")
        await by_hand(house, task, do="press", key="Enter")
        assert site.sent == [("/sign-in", {"user": "", "password": "right horse"})]
        await browser_places.hand_back_browser(house.caller, task.id, "I am in")
        done = await until(house, task.id, is_state("completed", "failed"))
    assert done.result["output"]["answer"] == "The account is Robin's."
    assert await texts_holding(database, "right horse") == []
    assert [event["message"] for event in await events_of(house, task)][1:] == [
        "You took the page over", "You: click", "You: press", "You: type", "You: press", "You handed the page back"]  # fmt: skip


async def test_a_step_that_cannot_be_done_is_the_persons_and_is_not_repeated(browsing_house: House, site: Site) -> None:
    house = browsing_house
    given = {"start_url": f"{site.url}/trains", "steps": [
        {"do": "navigate", "url": f"{site.url}/trains"}, {"do": "click", "target": "Somewhere"}, {"do": "extract"}]}  # fmt: skip
    async with at_work(house):
        task = await wanted(house, given)
        stuck = await until(house, task.id, is_state("completed", "failed", "blocked"))
        assert "Step 2 (click 'Somewhere'): There is no" in (stuck.blocked_reason or "")
        await browser_places.take_over_browser(house.caller, task.id)
        await by_hand(house, task, do="navigate", url=f"{site.url}/trains?page=2")
        await browser_places.hand_back_browser(house.caller, task.id, "Done")
        done = await until(house, task.id, is_state("completed", "failed"))
    assert [train["Train"] for train in done.result["output"]["output"]] == ["T20", "T21", "T22"]
    async with pool_of(house.database).connection() as connection:
        cursor = await connection.execute("select sealed, held_by, moves > 0 from public.browser_places")
        assert await cursor.fetchall() == [(None, "agent", True)]  # cookies end with the task
        cursor = await connection.execute("select count(*) from public.browser_commands")
        assert await cursor.fetchone() == (0,)


async def test_the_place_is_the_persons_own_and_its_seal_the_workers(
    house: House, mallory: Caller, nobody: Caller, database: Database
) -> None:
    item = {"title": "Look", "tool": "browser", "tool_input": {"goal": "x", "start_url": "http://a.example"}}
    (task,) = await functions.create_tasks(house.caller, [item])
    service = database.acting_as(Identity.service(task.organization_id))
    assert await browser_places.get_browser(house.caller, task.id) is None
    for caller, error in ((mallory, NotFound), (nobody, Forbidden)):
        for call in (
            browser_places.get_browser(caller, task.id),
            browser_places.take_over_browser(caller, task.id),
            browser_places.hand_back_browser(caller, task.id),
            browser_places.add_browser_command(caller, task.id, "x"),
        ):
            with pytest.raises(error):
                await call
    for call in (
        browser_places.open_browser(house.caller, task.id),
        browser_places.save_browser(house.caller, task.id, "x", 1, "", ""),
        browser_places.rest_browser(house.caller, task.id, "x", "y"),
        browser_places.read_browser_note(house.caller, task.id),
        browser_places.add_browser_command(service, task.id, "x"),
        browser_places.take_over_browser(service, task.id),
        browser_places.hand_back_browser(service, task.id),
    ):
        with pytest.raises(Forbidden):
            await call
    for call in (
        browser_places.take_over_browser(house.caller, task.id),  # it does not wait for a person
        browser_places.hand_back_browser(house.caller, task.id),  # nobody has it
        browser_places.open_browser(service, task.id),  # it does not run
    ):
        with pytest.raises(Conflict):
            await call
