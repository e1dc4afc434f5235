"""What an outside agent has put before a person says so: on the cards, over the API, to a program, and on the terminal."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from app.house import House
from core.database import Caller
from jobs.slack_cards import Cards
from tasks import agent_work, agents, functions, review, runs
from tests.integration.app.test_agents_page import browser, larry, offered, worker

__all__ = ["browser", "larry", "worker"]
RULES = agent_work.AgentRules()
GATE = {"tool": "approval_gate", "execution_type": "fully_automated"}
PARTS: list[dict[str, Any]] = [
    {"title": "Login", **GATE, "tool_input": {"question": "Steward: your session expires", "why": "Say yes <b>"}},
    {"title": "Write to Carol", "execution_type": "fully_automated", "depends_on": [0]},
    {
        "title": "Look again",
        "tool": "outside_agent",
        "tool_input": {"capabilities": ["looking"], "instructions": "Look in Ghent", "input": {"city": "Ghent"}},
        "depends_on": [0, 1],
    },
    {"title": "Sign it", "execution_type": "manual"},
]


async def ask(worker: Caller, gate_id: UUID) -> None:
    """The worker's run of a gate."""
    started = await runs.start_task_execution(worker, gate_id, uuid4(), worker_id=uuid4())
    run = worker.as_run(gate_id, started.run_id or uuid4())
    given = started.tool_input
    await review.request_approval(run, gate_id, given["question"], {"task": started.title, **given}, why=given["why"])


async def test_what_an_agent_wants_is_never_stewards_word(
    browser: httpx.AsyncClient,
    client: httpx.AsyncClient,
    house: House,
    worker: Caller,
    larry: tuple[agents.NewAgent, Caller],
) -> None:
    made, caller = larry
    task_id = await offered(house, worker, "Win Carol", capabilities=["prospecting"])
    assert await agent_work.claim_work(caller, made.details.id, RULES)
    data = {"parts": PARTS, "confidence": 0.6, "message": "I would ask her <i>"}
    event = {"event_id": "1", "type": "subtask_created", "task_id": str(task_id), "data": data}
    await agent_work.report_events(caller, task_id, [event], RULES)
    agree, login, write, _, sign = (await functions.get_task_tree(house.caller, task_id)).children
    await ask(worker, agree.id)
    page = (await browser.get("/review")).text
    for said in (
        "wants to break its work down like this, not Steward",
        "I would ask her &lt;i&gt;",
        "<b>Look again</b>",
        "an agent for looking",
        "after Login, Write to Carol",
        "Look in Ghent",
        "It is 60 % sure",
        "Yes, in these parts",
        "No: nothing of it begins",
    ):
        assert said in page, said
    assert "asked by Steward" not in page

    assert f"/tasks/{sign.id}" not in (await browser.get("/")).text
    [asked] = (await review.list_approvals(house.caller, states=["open"])).items
    await review.decide_approval(house.caller, asked.id, approved=True)
    today = (await browser.get("/")).text
    assert f"/tasks/{sign.id}" in today
    await ask(worker, login.id)
    await review.create_draft(
        house.caller, write.id, {"to_recipients": ["carol@example.org"], "subject": "Hi", "body": "Hello"}
    )
    page = (await browser.get("/review")).text
    assert "Larry asks: Steward: your session expires" in page
    assert "The words in this frame are those of Larry" in page
    assert "wants this sent, not Steward" in page
    assert f'wanted by <a href="/agents/{made.details.id}">Larry</a>' in page
    assert "asked by Steward" not in page
    items = (await client.get("/api/approvals", params={"state": "open"})).json()["items"]
    assert [one["origin"]["agent"]["name"] for one in items] == ["Larry", "Larry"]
    [draft] = (await client.get("/api/drafts")).json()["items"]
    assert draft["approval"]["origin"]["agent"]["agent_id"] == str(made.details.id)
    found = await review.get_draft(house.caller, UUID(draft["id"]))
    assert ("Wanted by", "Larry, an outside agent, not Steward; the words may be its own") in (
        Cards("http://x").of_draft(found, "open").facts
    )
