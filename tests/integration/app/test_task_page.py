"""The page of a task as HTML: what the engine left in the database is told in words, whoever looks."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from agents.executor import STEWARD_AGENT_ID
from app.house import House
from app.main import create_app
from core.database import Caller, Identity
from core.keys import Keys
from core.postgres import PostgresDatabase
from tasks import functions, review, runs, steps, trees
from tasks.models import Evidence
from tasks.workers import heartbeat_worker
from tests.integration.app.conftest import BASE
from tests.integration.app.test_trees_api import part


@pytest.fixture
async def browser(house: House, keys: Keys) -> AsyncGenerator[httpx.AsyncClient]:
    """Somebody signed in with a cookie, as browsers are."""
    assert house.owner.user_id
    transport = httpx.ASGITransport(create_app(house, keys))
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers={"Accept": "text/html"}) as made:
        await made.get("/", params={"token": keys.link_token(house.owner.user_id)})
        made.headers["X-CSRF-Token"] = keys.csrf_token(made.cookies["steward_session"])
        yield made


@pytest.fixture
async def worker(house: House) -> Caller:
    """The worker, acting for the owner's organization."""
    profile = await house.caller.call("get_profile")
    return house.database.acting_as(Identity.service(UUID(profile["organization"]["id"])))


async def begin(worker: Caller, task_id: UUID) -> Caller:
    """A run of a queued task."""
    task = await runs.start_task_execution(worker, task_id, STEWARD_AGENT_ID, worker_id=uuid4())
    assert task.run_id
    return worker.as_run(task_id, task.run_id)


async def plan(house: House, worker: Caller, *parts: dict[str, Any]) -> trees.MadeTree:
    """A tree whose first parts are queued."""
    tree = {"title": "Shop", "key": "shop", "execution_type": "fully_automated", "children": list(parts)}
    made = await trees.create_task_tree(house.caller, tree)
    await functions.queue_task_execution(house.caller, made.id)
    await trees.open_subtasks(await begin(worker, made.id), made.id)
    return made


async def page(browser: httpx.AsyncClient, task_id: UUID) -> str:
    answer = await browser.get(f"/tasks/{task_id}")
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_change_of_plan_is_told_as_a_diff(house: House, worker: Caller, browser: httpx.AsyncClient) -> None:
    made = await plan(house, worker, part("paint"), part("open", "paint"))
    keys = made.keys
    await runs.fail_task_execution(await begin(worker, keys["paint"]), keys["paint"], "No ladder", should_retry=False)
    assert "Steward looks for another way" in await page(browser, made.id)
    change = trees.PlannedChange(
        failed_task_id=keys["paint"],
        decision="other_subtasks",
        reason="A painter has a ladder",
        tasks=[
            {"title": "Find a painter", "execution_type": "fully_automated"},
            {"title": "Let her paint", "execution_type": "fully_automated", "depends_on": [0]},
        ],
    )
    await trees.apply_plan_changes(await begin(worker, made.id), made.id, [change])
    told = await page(browser, made.id)
    assert "puts other parts in its place" in told
    assert "A painter has a ladder" in told
    assert "− paint</del>" in told
    assert "Let her paint</a></ins>" in told
    assert "after Find a painter" in told
    assert "waits for the new one instead" in told
    failed = await page(browser, keys["paint"])
    assert "Another task took this one&#39;s place" in failed or "Another task took this one's place" in failed
    assert "Open the newer one" in failed
    assert "Try again" not in failed


async def test_an_uncertain_step_is_the_persons_to_settle(
    house: House, worker: Caller, browser: httpx.AsyncClient
) -> None:
    made = await plan(house, worker, part("order", tool="file"))
    order = made.keys["order"]
    run = await begin(worker, order)
    step = await steps.begin_step(run, order, "file/0", "act", "file")
    assert step.step_id
    await steps.fail_step(run, step.step_id, "the line broke", is_uncertain=True)
    await runs.block_task_execution(run, order, "Nobody knows whether this took effect")
    told = await page(browser, order)
    assert "Did it happen?" in told
    assert "file" in told
    path, form = f"/tasks/{order}/act", {"action": "happened", "step_id": str(step.step_id)}
    assert (await browser.post(path, data=form)).status_code == 303
    (settled,) = await steps.list_steps(house.caller, order)
    assert settled.state == "finished"
    again = await browser.post(path, data=form)
    assert again.status_code == 409
    assert "not uncertain" in again.text


async def test_steps_and_evidence_are_told_in_words(house: House, worker: Caller, browser: httpx.AsyncClient) -> None:
    made = await plan(house, worker, part("mail"))
    mail = made.keys["mail"]
    run = await begin(worker, mail)
    step = await steps.begin_step(run, mail, "decide/0", "model", "decide")
    assert step.step_id
    await steps.finish_step(run, step.step_id, {"x": 1}, {"purpose": "decide", "model": "m", "cost_usd": 0.0021})
    await steps.begin_step(run, mail, "decide/0", "model", "decide")  # taken up again: replayed
    found = Evidence(kind="receipt", what="Found among the sent mail (local outbox)", where="/home/outbox/17.eml")
    await runs.complete_task_execution(run, mail, {"output": "Sent"}, verification="verified", evidence=[found])
    told = await page(browser, mail)
    assert "asked a model</strong>: decide" in told
    assert "$0.0021" in told
    assert "taken from the journal once" in told
    assert "Found among the sent mail (local outbox)" in told
    assert "<code>/home/outbox/17.eml</code>" in told
    whole = await page(browser, made.id)
    assert "Found among the sent mail (local outbox): 17.eml" in whole


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({"action": "fly"}, 422, "no such button"),
        ({}, 422, "button"),
        ({"action": "waive"}, 409, "not gone on without"),
        ({"action": "answer", "answer": "  "}, 422, "empty"),
        ({"action": "answer", "answer": "x"}, 409, "waits for no answer"),
        ({"action": "yes", "approval_id": "x"}, 409, "decided already"),
        ({"action": "happened", "step_id": "x"}, 409, "no such step"),
        ({"action": "bounds", "max_tasks": "many"}, 422, "Tasks: a number from 0"),
        ({"action": "bounds", "max_tasks": "-3"}, 422, "Tasks: a number from 0"),
        ({"action": "bounds", "max_cost_usd": "nan"}, 422, "a number from 0"),
        ({"action": "link", "other": "x"}, 422, "Choose the task"),
        ({"action": "unlink", "other": str(uuid4())}, 404, ""),
        ({"action": "retry"}, 409, "not retried"),
    ],
)
async def test_a_click_that_cannot_be_says_why(
    house: House, worker: Caller, browser: httpx.AsyncClient, form: dict[str, str], status: int, words: str
) -> None:
    made = await plan(house, worker, part("a"), part("b", "a"))
    answer = await browser.post(f"/tasks/{made.keys['b']}/act", data=form)
    assert answer.status_code == status
    assert words in answer.text


async def test_edges_are_changed_by_forms(house: House, worker: Caller, browser: httpx.AsyncClient) -> None:
    made = await plan(house, worker, part("a"), part("b"), part("c", "a"))
    keys = made.keys
    assert "Change what it waits for" in await page(browser, keys["c"])
    path = f"/tasks/{keys['c']}/act"
    assert (await browser.post(path, data={"action": "link", "other": str(keys["b"])})).status_code == 303
    assert (await browser.post(path, data={"action": "unlink", "other": str(keys["a"])})).status_code == 303
    linked = await trees.list_dependencies(house.caller, keys["c"])
    assert [link.title for link in linked.depends_on] == ["b"]


async def test_raising_a_bound_lets_go_on_what_stopped_at_it(
    house: House, worker: Caller, browser: httpx.AsyncClient
) -> None:
    made = await plan(house, worker, part("a", tool=None))
    task_id = made.keys["a"]
    run = await begin(worker, task_id)
    await runs.block_task_execution(run, task_id, "5 of 5 model calls are used", blocked_on="bounds")
    assert "stopped at a bound" in await page(browser, made.id)
    form = {"action": "bounds", "max_model_calls": "50", "max_wall_seconds": "48"}
    assert (await browser.post(f"/tasks/{made.id}/act", data=form)).status_code == 303
    assert (await functions.get_task(house.caller, task_id)).execution_status == "queued"
    assert (await functions.get_task(house.caller, made.id)).bounds == {
        "max_model_calls": 50,
        "max_wall_seconds": 172800,
    }


async def test_a_decision_comes_once(house: House, worker: Caller, browser: httpx.AsyncClient) -> None:
    made = await plan(house, worker, part("gate", tool="approval_gate"))
    gate = made.keys["gate"]
    payload = {"task": "gate", "question": "Go?", "cost": 3, "where": {"city": "<b>Kiel</b>"}}
    asked = await review.request_approval(
        await begin(worker, gate), gate, "Go?", payload, why="<script>alert(1)</script>", expires_in_seconds=60
    )
    shown = (await browser.get("/review")).text
    assert "&lt;script&gt;" in shown
    assert "<b>Kiel" not in shown
    assert "asked by Steward" in shown
    assert 'class="late"' in shown
    path = f"/review/results/{asked.id}"
    assert (await browser.post(path, data={"action": "perhaps"})).status_code == 422
    assert (await browser.post(path, data={"action": "no", "notes": "Too far"})).status_code == 303
    late = await browser.post(path, data={"action": "yes"})
    assert late.status_code == 409
    assert "Nothing was done" in late.text
    assert "Rejected: Too far" in await page(browser, gate)
    assert "Too far" in (await browser.get("/review", params={"tab": "all"})).text


async def test_a_cancelled_part_says_what_waits_for_it(
    house: House, worker: Caller, browser: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    made = await plan(house, worker, part("paint"), part("open", "paint"))
    paint, after = made.keys["paint"], made.keys["open"]
    await functions.cancel_task(house.caller, paint)
    assert "open waits for it: go on without it" in await page(browser, made.id)
    assert "open waits for this." in await page(browser, paint)
    told = await page(browser, after)
    assert "which was cancelled.</strong> Go on without that, or take it away below." in told
    path = f"/api/tasks/{after}/dependencies"
    hint = (await client.get(path)).json()["hint"]
    assert hint == (
        f"paint was cancelled: POST /api/tasks/{paint}/waive goes on without it, or take the edge away (DELETE)"
    )
    assert (await browser.post(f"/tasks/{paint}/act", data={"action": "waive"})).status_code == 303
    assert "waits for it" not in await page(browser, made.id)
    assert (await client.get(path)).json()["hint"] is None


async def test_what_is_paused_is_not_said_to_go_on(house: House, worker: Caller, browser: httpx.AsyncClient) -> None:
    made = await plan(house, worker, part("dry", tool="delay"))
    dry = made.keys["dry"]
    await runs.block_task_execution(
        await begin(worker, dry), dry, "Waits 2 hours", blocked_on="delay", wait_seconds=7200
    )
    assert '</a> <span class="meta">goes on</span>' in await page(browser, made.id)
    await functions.pause_task(house.caller, made.id)
    told = await page(browser, made.id)
    assert "goes on when it is resumed, not before" in told
    assert "waits, and is paused" in told
    assert "and then for you to resume it" in await page(browser, dry)


async def test_what_is_queued_for_long_says_that_no_worker_is_at_work(
    browser: httpx.AsyncClient, house: House, worker: Caller, database: PostgresDatabase
) -> None:
    made = await plan(house, worker, part("send"))
    queued = await functions.list_tasks(house.caller, functions.TaskFilter(status=["queued"]))
    page = f"/tasks/{queued.items[0].id}"
    assert "No worker" not in (await browser.get(page)).text  # not yet
    async with await psycopg.AsyncConnection.connect(database.url) as connection:
        await connection.execute("set session_replication_role = replica")
        await connection.execute("update public.tasks set updated_at = now() - interval '2 minutes'")
    for path in ("/", page):
        assert "Start one: steward worker" in (await browser.get(path)).text, made
    await heartbeat_worker(
        house.database.acting_as(Identity.service()), uuid4(), queues=None, concurrency=1, running=[]
    )
    assert "No worker" not in (await browser.get("/")).text + (await browser.get(page)).text
