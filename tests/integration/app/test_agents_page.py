"""The pages of agents and executions as HTML: what is refused is said, nobody else sees them, and their words are text."""

from collections.abc import AsyncGenerator
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.house import House
from app.main import create_app
from core.database import Caller, Identity
from core.keys import Keys
from core.postgres import pool_of
from tasks import agent_work, agents, functions, runs, trees
from tests.integration.app.conftest import BASE
from tests.integration.app.permitting import worker_of

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
async def browser(house: House, keys: Keys) -> AsyncGenerator[httpx.AsyncClient]:
    """The owner, signed in with a cookie, as browsers are."""
    assert house.owner.user_id
    transport = httpx.ASGITransport(create_app(house, keys))
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers={"Accept": "text/html"}) as made:
        await made.get("/", params={"token": keys.link_token(house.owner.user_id)})
        made.headers["X-CSRF-Token"] = keys.csrf_token(made.cookies["steward_session"])
        yield made


@pytest.fixture
async def worker(house: House) -> Caller:
    return await worker_of(house)


@pytest.fixture
async def larry(house: House, worker: Caller) -> tuple[agents.NewAgent, Caller]:
    """An agent of the owner's, and the database as it may see it."""
    made = await agents.register_agent(house.caller, {"name": "Larry", "capabilities": ["prospecting"]})
    assert worker.identity.organization_id
    return made, house.database.acting_as(Identity.agent(made.details.id, worker.identity.organization_id))


async def offered(house: House, worker: Caller, title: str, **tool_input: Any) -> UUID:
    """A task of its own that is offered."""
    task = (await functions.create_tasks(house.caller, [{"title": title}]))[0]
    await agent_work.hand_to_agent(house.caller, task.id, **tool_input)
    await functions.queue_task_execution(house.caller, task.id)
    started = await runs.start_task_execution(worker, task.id, uuid4(), worker_id=uuid4())
    run = worker.as_run(task.id, started.run_id or uuid4())
    await agent_work.offer_task(
        run, task.id, whom=tool_input.get("whom", ""), capabilities=started.tool_input.get("capabilities", [])
    )
    return task.id


async def test_the_form_says_what_is_wrong_and_a_token_is_shown_once(
    browser: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    house: House,
) -> None:
    empty = (await browser.get("/agents")).text
    assert "No agent works here yet" in empty
    wrong = await browser.post(
        "/agents",
        data={
            "name": " ",
            "capabilities": "a,,b," + "c" * 101,
            "max_concurrent": "0",
            "silence_minutes": "nan",
            "hours": "169",
        },
    )
    assert wrong.status_code == 422
    for said in (
        "1 to 200 characters",
        "1 to 100 characters",
        "from 1 to 100",
        "from 0.17 to 1440, or seconds like 90 s",
        "up to 168",
    ):
        assert said in wrong.text, said
    assert "agent-most-wrong" in wrong.text
    assert await agents.list_agents(house.caller) == [
        one for one in await agents.list_agents(house.caller) if one.is_internal
    ]

    typed = {
        "name": HOSTILE,
        "capabilities": "Web  Research, web research",
        "max_concurrent": "2",
        "silence_minutes": "30 s",
        "tools": "web_search, crm,, crm",
    }
    made = await browser.post("/agents", data=typed)
    assert made.status_code == 201
    assert HOSTILE not in made.text
    agent = next(one for one in await agents.list_agents(house.caller) if not one.is_internal)
    assert (agent.capabilities, agent.lease_seconds, agent.max_concurrent) == (["web research"], 30, 2)
    assert agent.tools == [{"name": "web_search"}, {"name": "crm"}]
    anew = await browser.post("/agents", data=typed)  # the page of the token, loaded anew
    assert anew.headers["location"] == f"/agents/{agent.id}?registered=1"
    assert "is registered already" in (await browser.get(anew.headers["location"])).text
    token = made.text.partition('id="new-token">')[2].partition("<")[0]
    assert agent.token_prefix
    assert token.startswith(agent.token_prefix)
    later = (await browser.get(f"/agents/{agent.id}")).text
    assert token not in later
    assert HOSTILE not in later

    twice = await browser.post("/agents", data={"name": HOSTILE.upper(), "max_concurrent": "1"})
    assert twice.status_code == 409
    assert "There is an agent of this name" in twice.text
    assert (await browser.post(f"/agents/{agent.id}/act", data={"action": "explode"})).status_code == 422
    assert (await stranger.get(f"/agents/{agent.id}")).status_code == 404
    assert (await stranger.post(f"/agents/{agent.id}/act", data={"action": "remove"})).status_code == 404
    assert (await stranger.post(f"/agents/{agent.id}", data={"name": "Mine", "max_concurrent": "1"})).status_code == 404

    forbidden = await browser.get("/agents", headers={"Authorization": f"Bearer {token}"})
    assert forbidden.status_code == 403
    browser.cookies.clear()
    assert (await browser.get("/agents")).status_code == 401
    nobody = await browser.get("/agents/steward_agent.py")
    assert nobody.headers["content-type"].startswith("text/x-python")
    assert "class Agent" in nobody.text
    assert (await browser.get("/agents/other.py")).status_code == 404


async def test_the_dashboard_tells_of_silence_failure_and_what_came_late(
    browser: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    house: House,
    worker: Caller,
    larry: tuple[agents.NewAgent, Caller],
) -> None:
    made, caller = larry
    rules = agent_work.AgentRules()
    task_id = await offered(house, worker, "Find breeders", capabilities=["prospecting"])
    work = await agent_work.claim_work(caller, made.details.id, rules)
    assert work

    async def report(kind: str, **data: Any) -> None:
        event = {"event_id": str(uuid4()), "type": kind, "task_id": str(task_id), "data": data}
        await agent_work.report_events(caller, task_id, [event], rules)

    await report("task_progress", percent=40, message=HOSTILE)
    page = (await browser.get(f"/executions/{task_id}")).text
    assert "is at 40 % with" in page
    assert HOSTILE not in page
    async with pool_of(house.database).connection() as connection:
        await connection.execute(
            "update public.agent_leases set heard_at = now() - interval '31 minutes', expires_at = now() - interval '1 minute'"
        )
        await connection.execute("update public.agents set last_seen_at = now() where not is_internal")
    await agent_work.sweep_agents(house.database.acting_as(Identity.service()), rules)
    listed = (await browser.get("/agents")).text
    assert ">gone<" in listed
    await report("task_complete", output="too late")
    page = (await browser.get(f"/executions/{task_id}")).text
    assert "Larry was last heard 31 minutes ago; the work is offered again" in page
    assert "it came late, and changed nothing" in page
    blocked = (await browser.get("/executions?state=blocked")).text
    assert f'id="execution-{task_id}"' in blocked
    assert "None is in this state" in (await browser.get("/executions?state=completed")).text
    assert (await browser.get("/executions?state=odd")).status_code == 422
    listed = (await browser.get("/agents")).text
    assert "1 lost" in listed
    assert "0 % of 1 attempt succeeded" in listed
    assert "Larry could take it" in listed
    answered = await browser.post(f"/tasks/{task_id}/act", data={"action": "answer", "answer": "Carol"})
    assert answered.status_code == 303
    over = (await browser.get(f"/executions/{task_id}")).text
    assert "100 %" in over
    assert 'value="pause"' not in over
    refused = await browser.post(f"/executions/{task_id}/act", data={"action": "pause"})
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text
    assert (await stranger.get(f"/executions/{task_id}")).status_code == 404
    assert (await stranger.post(f"/executions/{task_id}/act", data={"action": "cancel"})).status_code == 404


async def test_a_task_is_handed_over_and_broken_down_on_its_page(
    browser: httpx.AsyncClient,
    house: House,
    larry: tuple[agents.NewAgent, Caller],
) -> None:
    tree = await trees.create_task_tree(
        house.caller, {"title": "Fair", "children": [{"key": "hall", "title": "Find a hall"}]}
    )
    hall = tree.keys["hall"]
    assert (await browser.get(f"/executions/{hall}")).status_code == 404
    page = (await browser.get(f"/tasks/{tree.id}")).text
    assert "hand-over" not in page
    act = f"/tasks/{hall}/act"
    long = await browser.post(act, data={"action": "break_down", "parts": "Ask\n" + "x" * 501, "who": "steward"})
    assert long.status_code == 422
    assert "Part 2 has more than 500 characters" in long.text
    assert "x" * 501 in long.text
    assert (await browser.post(act, data={"action": "break_down", "parts": " \n- \n"})).status_code == 422
    many = await browser.post(
        act, data={"action": "hand_over", "capabilities": "c" * 101, "instructions": "Look in Ghent"}
    )
    assert many.status_code == 422
    assert "Look in Ghent" in many.text
    for given, said in (
        ("city Ghent", "line 1 is no name: value"),
        ("{oh", "this is not JSON"),
        ("a: 1\na: 2", "twice"),
    ):
        wrong = await browser.post(act, data={"action": "hand_over", "input": given})
        assert (wrong.status_code, said in wrong.text, given in unescape(wrong.text)) == (422, True, True)
    given = {"city": "Ghent: the old town", "for": "Carol"}
    handed = {"action": "hand_over", "whom": "Larry", "input": "city: Ghent: the old town\r\nfor: Carol\r\n"}
    other = (await functions.create_tasks(house.caller, [{"title": "Another"}]))[0].id
    assert (await browser.post(f"/tasks/{other}/act", data=handed)).status_code == 303
    assert (await functions.get_task(house.caller, other)).tool_input["input"] == given
    again = (await functions.create_tasks(house.caller, [{"title": "Once more"}]))[0].id
    await agent_work.hand_to_agent(
        house.caller, again, whom="Larry", capabilities=["prospecting"], instructions="Be kind"
    )
    page = (await browser.get(f"/tasks/{again}")).text
    for kept in ('<option value="Larry" selected>', 'value="prospecting"', "Be kind"):
        assert kept in page, kept

    parts = {
        "action": "break_down",
        "parts": "1. Ask the mayor\n* Look at it",
        "who": "agent Larry",
        "in_order": "yes",
    }
    assert (await browser.post(act, data=parts)).status_code == 303
    first, second = (await functions.get_task_tree(house.caller, hall)).children
    assert (first.title, first.tool, first.tool_input) == (
        "Ask the mayor",
        "outside_agent",
        {"whom": "Larry"},
    )
    assert second.depends_on == [first.id]
    page = (await browser.get(f"/tasks/{hall}")).text
    assert "the agent Larry" in page
    again = await browser.post(act, data=parts)
    assert again.status_code == 409
    assert "cannot be broken down now" in again.text


async def test_today_tells_of_work_that_no_agent_does(
    browser: httpx.AsyncClient,
    house: House,
    worker: Caller,
) -> None:
    task_id = await offered(house, worker, "Paint the sign", capabilities=["painting"])
    assert "Paint the sign" not in (await browser.get("/")).text
    async with pool_of(house.database).connection() as connection:
        await connection.execute("update public.agent_offers set offered_at = now() - interval '25 hours'")
    await agent_work.sweep_agents(house.database.acting_as(Identity.service()), agent_work.AgentRules())
    today = (await browser.get("/")).text
    assert "no agent has done it so far" in today
    assert f"/tasks/{task_id}" in today
