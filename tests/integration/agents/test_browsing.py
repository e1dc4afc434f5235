"""Work on web pages in a real Chromium, on pages served here: what runs by itself, what asks, and what happens once."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.house import House, furnish
from app.main import create_app
from core.clock import Clock
from core.database import Caller, Database, Identity
from core.errors import Conflict, Forbidden, NotFound
from core.keys import Keys
from core.postgres import pool_of
from core.vault import Vault
from integrations.browser.sessions import sessions_of_this_process
from jobs.worker import Worker, working
from tasks import accounts, artifacts, functions, review, steps
from tasks import browser as browser_places
from tasks.drafts import Approval
from tasks.events import list_task_events
from tasks.models import Task
from tests.browser_pages import close_pages
from tests.emulators.model_server import ModelServer, thinking_on
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
    await close_pages()


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
    found = await list_task_events(house.caller, task.id, 0, 1000)
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


async def test_the_start_is_opened_before_the_first_step_and_is_none_of_them(browsing_house: House, site: Site) -> None:
    given = {"start_url": f"{site.url}/trains", "steps": [{"do": "click", "target": "Somewhere"}]}
    async with at_work(browsing_house):
        task = await wanted(browsing_house, given)
        stuck = await until(browsing_house, task.id, is_state("completed", "failed", "blocked"))
    assert "Step 1 (click 'Somewhere'): There is no" in (stuck.blocked_reason or "")
    assert (stuck.unblocked_by or "").startswith("Press See the pages")


# ---------------------------------------------------------------- forms: asked again, found again, never twice


async def decided(house: House, task: Task, *, approved: bool = True) -> Task:
    """Answer the question, and see what the task does then."""
    question = await asked(house, task)
    await review.decide_approval(house.caller, question.id, approved=approved)
    return await until(
        house,
        task.id,
        lambda t: t.open_approval_id != question.id and t.execution_status not in {"queued", "in_progress"},
    )


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


# ---------------------------------------------------------------- sites, secrets, files


async def test_sites_in_words_of_others_are_asked_about(browsing_house: House, site: Site) -> None:
    """A task that came in by mail names a site: that is not the person naming it."""
    house = browsing_house
    given = {"start_url": f"{site.url}/trains", "allow": [site.name], "steps": [
        {"do": "navigate", "url": f"{site.url}/trains"}, {"do": "extract"}]}  # fmt: skip
    async with at_work(house):
        task = await wanted(house, given, source="mail")
        question = await asked(house, task)
        assert (question.title, site.seen) == (f"May the browser open {site.url}/trains?", [])
        assert [reason.code for reason in question.decision.reasons] == ["url_untrusted"]
        done = await decided(house, task)
    assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
    assert len(done.result["output"]["output"]) == 3


async def test_a_stored_sign_in_is_typed_and_never_shown(browsing_house: House, site: Site, database: Database) -> None:
    house = browsing_house
    given = {"start_url": f"{site.url}/sign-in", "steps": [
        {"do": "navigate", "url": f"{site.url}/sign-in"},
        {"do": "type", "target": "User", "secret": "user"},
        {"do": "type", "target": "Password", "secret": "password"},
        {"do": "submit", "target": "Sign in", "role": "button"},
        {"do": "extract", "fields": {"greeting": "Hello"}}]}  # fmt: skip
    async with at_work(house):
        task = await wanted(house, given)
        waiting = await until(house, task.id, is_state("blocked", "failed"))
        assert (waiting.blocked_on, "No sign-in is stored for 127.0.0.1" in (waiting.blocked_reason or "")) == (
            "account",
            True,
        )
        vault = Vault.from_settings(house.settings)
        secret = {"user": "Robin", "password": "right horse"}
        await accounts.connect_account(house.caller, vault, "site", "127.0.0.1", secret)
        question = await asked(house, task)
        assert (question.title, dict(question.payload["facts"])["Password"]) == ("Sign in at 127.0.0.1?", "•••")
        done = await decided(house, task)
    assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
    assert done.result["output"]["output"] == {"greeting": "Hello Robin"}
    assert await texts_holding(database, "right horse") == []


async def texts_holding(database: Database, secret: str) -> list[str]:
    """The tables in which a text is found."""
    found: list[str] = []
    async with pool_of(database).connection() as connection:
        listed = await connection.execute(
            "select c.oid::regclass::text from pg_class c where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace, 'jobs'::regnamespace)"
        )
        for (table,) in await listed.fetchall():
            query = f"select count(*) from {table} t where to_jsonb(t)::text like %s".encode()
            row = await (await connection.execute(query, (f"%{secret}%",))).fetchone()
            found += [str(table)] if row and row[0] else []
    return found


async def test_files_come_down_and_go_up(browsing_house: House, site: Site) -> None:
    house = browsing_house
    given = {"start_url": f"{site.url}/files", "steps": [
        {"do": "navigate", "url": f"{site.url}/files"},
        {"do": "download", "target": "Report"},
        {"do": "wait", "seconds": 0},
        {"do": "back"},
        {"do": "navigate", "url": f"{site.url}/files"},
        {"do": "upload", "target": "Attachment", "file": "_report.csv"},
        {"do": "submit", "target": "Upload"}]}  # fmt: skip
    async with at_work(house):
        task = await wanted(house, given)
        question = await asked(house, task)
        assert dict(question.payload["facts"])["Attachment"] == "_report.csv (8 bytes)"
        done = await decided(house, task)
    assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
    assert site.sent == [("/upload", {"file": "_report.csv", "note": ""})]
    (file,) = done.result["output"]["files"]
    kept = await artifacts.get_artifact(house.caller, UUID(file["artifact_id"]))
    assert (kept.content, kept.media_type) == (b"a,b\n1,2\n", "text/csv")


async def test_bad_input_says_what_is_wrong(browsing_house: House) -> None:
    goal = {"goal": "look"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "a goal, or steps"),
        (goal, "start_url"),
        (goal | {"start_url": "ftp://files.example"}, "Only http and https"),
        (goal | {"start_url": "file:///etc/passwd"}, "Only http and https"),
        (goal | {"start_url": "http://169.254.169.254/latest"}, "169.254.169.254"),
        (goal | {"start_url": "http://user:word@shop.example/"}, "Only http and https"),
        ({"steps": [{"do": "click"}], "start_url": "http://shop.example"}, "click needs target"),
        ({"steps": [{"do": "pay"}], "start_url": "http://shop.example"}, "'navigate', 'click'"),
        (goal | {"start_url": "http://shop.example", "allow": ["not a site"]}, "'not a site' is none"),
        (goal | {"start_url": "http://shop.example", "max_steps": 0}, "max_steps"),
        (goal | {"start_url": "http://shop.example", "surprise": 1}, "surprise"),
    ]
    async with at_work(browsing_house):
        tasks = [await wanted(browsing_house, given) for given, _ in cases]
        ended = [await until(browsing_house, task.id, is_state("failed", "blocked", "completed")) for task in tasks]
    for (_, said), task in zip(cases, ended, strict=True):
        assert task.execution_status == "failed", task.blocked_reason
        assert said in (task.failure_reason or "")


async def test_without_a_browser_the_task_says_how_to_add_one(browsing_house: House, site: Site) -> None:
    settings = browsing_house.settings.model_copy(update={"browser_program": "/nowhere/chromium"})
    house = furnish(settings, browsing_house.clock, browsing_house.database, browsing_house.owner)
    async with at_work(house):
        task = await wanted(house, order(site))
        ended = await until(house, task.id, is_state("failed", "blocked", "completed"))
    sessions_of_this_process("/nowhere/chromium").chromium.stop()
    assert (ended.execution_status, ended.blocked_on) == ("blocked", "account")
    assert "apt install chromium" in (ended.unblocked_by or "")


# ---------------------------------------------------------------- with a model


@asynccontextmanager
async def thinking_at_work(house: House, server: ModelServer) -> AsyncGenerator[None]:
    async with (
        thinking_on(server) as thinking,
        working(Worker(house.database, replace(house.equipment, thinking=thinking))),
    ):
        yield


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


# ---------------------------------------------------------------- a person has the page


async def by_hand(house: House, task: Task, **command: Any) -> Task:
    """A move of the person, as the page of the task hands it on; the task once it waits again."""
    vault = Vault.from_settings(house.settings)
    sealed = vault.seal({"text": json.dumps(command)}, task.organization_id, task.id)
    before = len(await events_of(house, task))
    await browser_places.add_browser_command(house.caller, task.id, sealed)
    for _ in range(400):
        now = await functions.get_task(house.caller, task.id)
        if now.execution_status == "blocked" and len(await events_of(house, task)) > before:
            return now
        await asyncio.sleep(0.05)
    raise AssertionError("the move was not made")


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
