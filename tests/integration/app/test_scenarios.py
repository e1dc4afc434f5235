"""The three scenarios of the documents, over the API, on the built-in rules, with a real queue and outbox."""

import asyncio
import json
from email import policy
from email.parser import BytesParser
from typing import Any

import httpx
import pytest

from app.house import House
from tasks import functions

pytestmark = pytest.mark.usefixtures("at_work")


async def say(client: httpx.AsyncClient, message: str) -> dict[str, Any]:
    answer = await client.post("/api/chat", json={"message": message})
    assert answer.status_code == 200, answer.text
    return answer.json()["tasks"][0]


async def execute(client: httpx.AsyncClient, task_id: str) -> dict[str, Any]:
    answer = await client.post("/api/tasks/execute", json={"taskId": task_id})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def until_state(client: httpx.AsyncClient, url: str, key: str, *states: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(200):
        found = (await client.get(url)).json()
        if found[key] in states:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{url} stays {found[key]}")


async def test_a_simple_mail_is_drafted_approved_and_sent_once(client: httpx.AsyncClient, house: House) -> None:
    task = await say(client, "Draft email to john@example.com thanking him for the meeting")
    assert task["execution_type"] == "fully_automated"
    answer = await execute(client, task["id"])
    assert (answer["success"], answer["strategy"]) == (True, "immediate")
    assert answer["result"].startswith("Subject: ")
    draft = (await client.get(f"/api/drafts/{answer['draft_id']}")).json()
    assert draft["to_recipients"] == ["john@example.com"]
    assert not (house.settings.home / "outbox").exists(), "nothing leaves before the approval"
    approvals = [client.post(f"/api/drafts/{draft['id']}/approve", json={"digest": draft["digest"]}) for _ in range(4)]
    codes = sorted(a.status_code for a in await asyncio.gather(*approvals))
    assert codes == [200, 409, 409, 409]
    sent = await until_state(client, f"/api/drafts/{draft['id']}", "state", "sent")
    files = list((house.settings.home / "outbox").glob("*.eml"))
    assert len(files) == 1
    mail = BytesParser(policy=policy.default).parsebytes(files[0].read_bytes())
    assert (mail["To"], mail["Subject"], mail["From"]) == (
        "john@example.com",
        draft["subject"],
        "Robin Vega <robin@vega.example>",
    )
    assert mail.get_content().split() == draft["body"].split()
    assert mail["Message-ID"] == sent["message_id"]
    log = (await client.get(f"/api/tasks/{task['id']}/log")).json()
    assert [entry["event"] for entry in log] == ["created", "queued", "started", "completed"]
    assert [entry["actor_type"] for entry in log] == ["user", "user", "agent", "agent"]


async def test_a_project_becomes_subtasks_and_what_can_run_runs(client: httpx.AsyncClient) -> None:
    task = await say(client, "Plan Q4 marketing campaign")
    assert task["execution_type"] == "semi_automated"
    answer = await execute(client, task["id"])
    assert (answer["success"], answer["strategy"]) == (True, "decompose")
    types = [(s["title"], s["execution_type"]) for s in answer["subtasks"]]
    assert ("Research competitor campaigns", "manual") in types
    assert any(title.startswith("Create budget spreadsheet") and t == "semi_automated" for title, t in types)
    assert any(title.startswith("Draft campaign outline") and t == "fully_automated" for title, t in types)
    assert ("Design mockups", "manual") in types
    assert answer["message"] == f"Task decomposed into {len(types)} subtasks"
    outline = next(s for s in answer["subtasks"] if s["execution_type"] == "fully_automated")
    assert (await until_state(client, f"/api/tasks/{outline['id']}", "execution_status", "completed"))["result"][
        "output"
    ]
    budget = next(s for s in answer["subtasks"] if s["execution_type"] == "semi_automated")
    waiting = await until_state(client, f"/api/tasks/{budget['id']}", "execution_status", "blocked")
    await client.post(f"/api/approvals/{waiting['open_approval_id']}", json={"approved": True})
    for subtask in answer["subtasks"]:
        if subtask["execution_type"] == "manual":
            done = await client.patch(f"/api/tasks/{subtask['id']}", json={"execution_status": "completed"})
            assert done.status_code == 200
    assert (await client.get(f"/api/tasks/{task['id']}")).json()["execution_status"] == "completed"


async def test_a_purchase_is_blocked_with_reason_and_what_would_help(client: httpx.AsyncClient) -> None:
    task = await say(client, "Order new office chairs")
    assert task["execution_type"] == "manual"
    answer = await execute(client, task["id"])
    assert (answer["success"], answer["strategy"]) == (False, "blocked")
    assert answer["reason"]
    assert answer["unblocked_by"]
    assert answer["message"] == "Task blocked - requires human action"
    ticked = await client.put(f"/api/tasks/{task['id']}", json={"execution_status": "completed"})
    assert [e["event"] for e in ticked.json()["execution_log"]][-2:] == ["resumed", "completed"]


async def test_feedback_makes_a_new_version_that_is_sent_instead(client: httpx.AsyncClient, house: House) -> None:
    task = await say(client, "Draft email to john@example.com thanking him for the meeting")
    first = (await client.get(f"/api/drafts/{(await execute(client, task['id']))['draft_id']}")).json()
    await client.post(f"/api/drafts/{first['id']}/reject", json={"feedback": "add: See you in May"})
    waiting: list[dict[str, Any]] = []
    for _ in range(200):
        waiting = (await client.get("/api/drafts", params={"state": "draft"})).json()["items"]
        if waiting:
            break
        await asyncio.sleep(0.05)
    second = waiting[0]
    assert (second["version"], second["supersedes_id"]) == (2, first["id"])
    assert "See you in May" in second["body"]
    edited = (await client.patch(f"/api/drafts/{second['id']}", json={"subject": "Danke für alles ✓"})).json()
    assert (edited["version"], edited["author_type"]) == (3, "user")
    stale = await client.post(f"/api/drafts/{second['id']}/approve", json={"digest": second["digest"]})
    assert stale.status_code == 409
    await client.post(f"/api/drafts/{edited['id']}/approve", json={"digest": edited["digest"]})
    await until_state(client, f"/api/drafts/{edited['id']}", "state", "sent")
    files = list((house.settings.home / "outbox").glob("*.eml"))
    assert len(files) == 1
    assert BytesParser(policy=policy.default).parsebytes(files[0].read_bytes())["Subject"] == "Danke für alles ✓"


@pytest.mark.parametrize("where", ["body", "address"])
async def test_without_waiting_the_answer_says_where_to_follow(client: httpx.AsyncClient, where: str) -> None:
    task = await say(client, "Write an outline for the blog post on durable workflows")
    body, address = ({"wait": False}, "") if where == "body" else ({}, "?wait=false")
    answer = await client.post(f"/api/tasks/execute{address}", json={"taskId": task["id"], **body})
    assert answer.status_code == 202
    followed = answer.json()
    await until_state(client, followed["task_url"], "execution_status", "completed")
    events = (await client.get(followed["events_url"])).json()["items"]
    assert [e["message"] for e in events if e["kind"] == "state"] == ["created", "queued", "started", "completed"]


async def test_the_chat_streams_its_reply_and_then_the_tasks(client: httpx.AsyncClient) -> None:
    events: list[tuple[str, dict[str, Any]]] = []
    async with client.stream(
        "POST", "/api/chat", json={"message": "Call Ana tomorrow"}, headers={"Accept": "text/event-stream"}
    ) as answer:
        name = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                events.append((name, json.loads(line.removeprefix("data: "))))
    assert [name for name, _ in events][-1] == "done"
    reply = "".join(data["delta"] for name, data in events if name == "reply")
    assert reply == events[-1][1]["reply"]
    assert events[-1][1]["tasks"][0]["title"] == "Call Ana"


async def test_executing_a_tool_answers_with_what_it_gives(client: httpx.AsyncClient, house: House) -> None:
    """The result of a tool is JSON of its own form; and a mail to oneself is shown like any other."""
    sum_up = {"data": [1, 2], "expression": "{'sum': $sum($)}"}
    own_address = (await house.caller.call("get_profile"))["email"]
    mail = {"to": [own_address], "subject": "Note", "body": "Buy milk"}
    items = [
        {"title": "Add", "execution_type": "fully_automated", "tool": "data_transform", "tool_input": sum_up},
        {"title": "Mail myself", "execution_type": "semi_automated", "tool": "email_send", "tool_input": mail},
    ]
    added, mailed = await functions.create_tasks(house.caller, items)
    done = await execute(client, str(added.id))
    assert (done["success"], done["strategy"], done["result"]) == (True, "immediate", {"value": {"sum": 3}})
    await execute(client, str(mailed.id))
    (draft,) = (await client.get("/api/drafts")).json()["items"]
    reasons = [one["code"] for one in draft["approval"]["decision"]["reasons"]]
    assert (draft["state"], reasons) == ("draft", ["to_oneself"])
