"""Steward as an MCP server, used by the protocol's own client over HTTP, at a house that is really served."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from app._mcp.server import TOOLS
from app.house import House
from app.person_session import COOKIE
from cli.serving import load_keys, serve
from core.database import Caller, Identity
from core.keys import Keys
from tasks import agents, functions, interrupts, review, tokens, trees

EVERY = ("tasks:read", "tasks:write", "review:read", "review:write")
INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
async def url(house: House) -> AsyncGenerator[str]:
    """A house at work on loopback; where it speaks the protocol."""
    ready = asyncio.Event()
    running = asyncio.create_task(serve(house, web=True, worker=True, ready=ready.set))
    is_ready = asyncio.create_task(ready.wait())
    await asyncio.wait({is_ready, running}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    yield f"http://127.0.0.1:{house.settings.port}/mcp"
    running.cancel()
    await asyncio.wait([running])


async def token_of(caller: Caller, *scopes: str) -> tokens.NewToken:
    return await tokens.create_token(caller, "a desktop program", scopes)


@asynccontextmanager
async def speaking(url: str, token: str, mode: str = "auto") -> AsyncGenerator[Client]:
    """The protocol's client with a token; `legacy` shakes hands as programs did before 2026."""
    async with (
        create_mcp_http_client({"Authorization": f"Bearer {token}"}) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


async def use(client: Client, tool: str, **given: Any) -> dict[str, Any]:
    answer = await client.call_tool(tool, given)
    assert not answer.is_error, answer.structured_content
    return answer.structured_content


async def refused(client: Client, tool: str, **given: Any) -> dict[str, Any]:
    answer = await client.call_tool(tool, given)
    assert answer.is_error, answer.structured_content
    assert "Traceback" not in str(answer)
    return answer.structured_content


async def test_a_program_adds_has_done_and_reviews(house: House, url: str) -> None:
    token = (await token_of(house.caller, *EVERY)).token
    async with speaking(url, token) as client:
        offered = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"add_task", "list_tasks", "show_task", "execute_task", "list_review", "review"} <= offered.keys()
        assert all(tool.description and tool.output_schema and tool.annotations for tool in offered.values())
        hints = {
            name: (t.annotations.read_only_hint, t.annotations.destructive_hint)
            for name, t in offered.items()
            if t.annotations
        }
        assert (hints["list_tasks"], hints["add_task"], hints["review"]) == (
            (True, False),
            (False, False),
            (False, True),
        )

        (call,) = (await use(client, "add_task", text="call Ana 🎈 tomorrow 3pm p1 #home"))["tasks"]
        assert (call["priority"], call["labels"]) == ("critical", ["home"])
        two = await use(
            client,
            "add_task",
            tasks=[{"title": "Größe prüfen"}, {"title": "買い物", "due_at": "2026-03-05T15:00:00+01:00"}],
        )
        assert [task["title"] for task in two["tasks"]] == ["Größe prüfen", "買い物"]
        (mail,) = (
            await use(
                client,
                "add_task",
                title="Draft an email to john@example.com thanking him for the meeting",
                execution_type="fully_automated",
                kind="email",
                recipient="john@example.com",
            )
        )["tasks"]

        page = await use(client, "list_tasks", limit=3)
        rest = await use(client, "list_tasks", limit=3, cursor=page["next_cursor"])
        assert {task["id"] for task in [*page["items"], *rest["items"]]} == {
            call["id"],
            mail["id"],
            *(t["id"] for t in two["tasks"]),
        }
        assert [t["id"] for t in (await use(client, "list_tasks", q="Größe", status=["pending"]))["items"]] == [
            two["tasks"][0]["id"]
        ]

        blocked = (await use(client, "execute_task", task_id=call["id"]))["answer"]
        assert (blocked["strategy"], blocked["success"]) == ("blocked", False)
        done = (await use(client, "execute_task", task_id=mail["id"]))["answer"]
        assert (done["strategy"], bool(done["draft_id"])) == ("immediate", True)
        assert (await refused(client, "execute_task", task_id=mail["id"]))["status"] == 409

        (waiting,) = (await use(client, "list_review"))["items"]
        assert (waiting["draft_id"], waiting["draft"]["to_recipients"]) == (done["draft_id"], ["john@example.com"])
        old = {"draft_id": waiting["draft_id"], "decision": "approve", "digest": waiting["digest"]}
        await review.revise_draft(house.caller, UUID(waiting["draft_id"]), {"subject": "Thanks, Jürgen 🎈"})
        assert (await refused(client, "review", **old))["status"] == 409
        (waiting,) = (await use(client, "list_review"))["items"]
        assert (waiting["draft"]["subject"], waiting["draft"]["version"]) == ("Thanks, Jürgen 🎈", 2)
        assert (await refused(client, "review", **{**old, "draft_id": waiting["draft_id"]}))["status"] == 409
        approved = await use(
            client, "review", draft_id=waiting["draft_id"], decision="approve", digest=waiting["digest"]
        )
        assert approved["draft_state"] in {"approved", "sending", "sent"}
        assert (
            await refused(client, "review", draft_id=waiting["draft_id"], decision="approve", digest=waiting["digest"])
        )["status"] == 409
        shown = await use(client, "show_task", task_id=mail["id"])
        assert shown["task"]["result"]["draft_id"] == done["draft_id"]
        assert [entry["event"] for entry in shown["task"]["execution_log"]][:2] == ["created", "queued"]


async def test_questions_are_answered_as_they_were_shown(house: House, url: str) -> None:
    gate = {"tool": "approval_gate", "execution_type": "fully_automated", "tool_input": {"question": "Go?"}}
    tree = {"title": "Launch", "children": [{"title": "Decide", **gate}, {"title": "Decide again", **gate}]}
    made = await trees.create_task_tree(house.caller, tree)
    first, second = (str(part.id) for part in made.children)
    async with speaking(url, (await token_of(house.caller, *EVERY)).token) as client:
        for part in (first, second):
            assert (await use(client, "execute_task", task_id=part))["answer"]["strategy"] == "blocked"
        asked = {one["task_id"]: one for one in (await use(client, "list_review"))["items"]}
        assert (asked[first]["draft_id"], asked[first]["payload"]["question"]) == (None, "Go?")
        yes = {"approval_id": asked[first]["approval_id"], "decision": "approve"}
        assert (await refused(client, "review", **yes, digest=asked[second]["digest"] + "0"))["status"] == 422
        assert (await refused(client, "review", **yes, digest="0" * 64))["status"] == 409
        said = await asyncio.gather(
            *(client.call_tool("review", {**yes, "digest": asked[first]["digest"]}) for _ in range(3))
        )
        assert sorted(one.is_error for one in said) == [False, True, True]
        no = {"approval_id": asked[second]["approval_id"], "decision": "reject", "notes": "Not now"}
        assert (await use(client, "review", **no))["approval_state"] == "rejected"
        assert (await use(client, "list_review"))["items"] == []
        shown = await use(client, "show_task", task_id=str(made.id))
        assert [part["id"] for part in shown["subtasks"]] == [first, second]

        larry = (await agents.register_agent(house.caller, {"name": "Larry"})).details.id
        speaks = house.database.acting_as(Identity.agent(larry, made.organization_id))
        request = {"action": "send_mail", "args": {"to": "carol@example.org"}}
        wish = {"action_request": request, "config": {"allow_edit": True, "allow_respond": True}}
        await interrupts.open_interrupts(speaks, larry, [interrupts.NewInterrupt.model_validate(wish)])
        (asks,) = (await use(client, "list_review"))["items"]
        assert (asks["asked_by"], asks["decisions"]) == ("Larry", ["edit", "response"])
        answer = {"approval_id": asks["approval_id"], "digest": asks["digest"]}
        assert "accept" in (await refused(client, "review", **answer, decision="accept"))["detail"]
        assert "args" in (await refused(client, "review", **answer, decision="approve", args="yes"))["detail"]
        deep: Any = {}
        for _ in range(100):
            deep = {"a": deep}
        assert "deeper" in (await refused(client, "review", **answer, decision="edit", args=deep))["detail"]
        edited = {**request, "args": {"to": "dana@example.org"}}
        assert (await use(client, "review", **answer, decision="edit", args=edited))["approval_state"] == "used"
        told = await interrupts.get_interrupt(speaks, larry, UUID(asks["task_id"]))
        assert told.response
        assert (told.response.type, told.response.args) == ("edit", edited)


async def test_an_outside_agent_works_and_reports(house: House, url: str) -> None:
    wish = {"title": "Find breeders 🐕", "tool": "outside_agent", "tool_input": {"capabilities": ["prospecting"]}}
    made = await trees.create_task_tree(house.caller, {**wish, "execution_type": "fully_automated"})
    larry, other = [
        await agents.register_agent(house.caller, {"name": name, "capabilities": ["prospecting"]})
        for name in ("Larry", "Other")
    ]
    async with speaking(url, (await token_of(house.caller, *EVERY, "agents")).token) as client:
        assert "claim_work" not in {tool.name for tool in (await client.list_tools()).tools}
        answer = (await use(client, "execute_task", task_id=str(made.id)))["answer"]
        assert (answer["strategy"], answer["execution_status"]) == ("blocked", "blocked")
        assert "Only an agent itself" in (await refused(client, "claim_work"))["detail"]
    async with speaking(url, larry.token) as first, speaking(url, other.token, "legacy") as second:
        assert {tool.name for tool in (await first.list_tools()).tools} == {"claim_work", "report_work"}
        for tool in TOOLS.keys() - {"claim_work", "report_work"}:
            assert (await refused(first, tool))["status"] == 403
        claimed = [await use(client, "claim_work") for client in (first, second)]
        work = claimed[0]["work"]
        assert (work["task"]["title"], claimed[1]["work"]) == ("Find breeders 🐕", None)
        assert claimed[1]["poll_after_seconds"] > 0

        def events(*told: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
            of = {"task_id": work["task"]["id"]}
            said = [{"event_id": name, "type": kind, "data": data, **of} for name, kind, data in told]
            return {"execution_id": work["execution"]["id"], "events": said}

        problem = await refused(first, "report_work", **events(("1", "task_progress", {"percent": 101})))
        assert (problem["status"], problem["errors"][0]["field"]) == (422, "events.0.data.percent")
        problem = await refused(first, "report_work", **events(("1", "task_done", {})))
        assert problem["errors"][0]["field"] == "events.0.type"
        (answer,) = (await use(second, "report_work", **events(("x", "task_complete", {"output": 1}))))["items"]
        assert (answer["outcome"], answer["next"]) == ("refused", "poll")
        told = events(("1", "task_started", {}), ("2", "task_complete", {"output": {"found": 3}}))
        for outcomes in (["applied", "applied"], ["duplicate", "duplicate"]):
            answers = (await use(first, "report_work", **told))["items"]
            assert [one["outcome"] for one in answers] == outcomes
        assert (await refused(first, "report_work", **{**told, "execution_id": str(uuid4())}))["status"] == 404
        await agents.revoke_agent_token(house.caller, larry.details.id)
        with pytest.raises(MCPError, match="agent's token is not valid"):
            await first.call_tool("claim_work", {})
    assert (await functions.get_task(house.caller, made.id)).result["output"] == {"found": 3}


async def test_what_is_wrong_is_said_and_where(house: House, url: str) -> None:
    made = await token_of(house.caller, *EVERY)
    async with speaking(url, made.token, "legacy") as client:
        wrong: tuple[tuple[str, dict[str, Any], str], ...] = (
            ("add_task", {}, "exactly one of text, title and tasks"),
            ("add_task", {"text": "   "}, "text:"),
            ("add_task", {"tasks": []}, "tasks:"),
            ("add_task", {"title": "A", "colour": "red"}, "colour:"),
            ("add_task", {"title": "A", "due_at": "2026-03-05T15:00:00"}, "offset"),
            ("add_task", {"title": "A", "parent_task_id": str(uuid4())}, "parent"),
            ("list_tasks", {"status": ["open"]}, "status.0:"),
            ("list_tasks", {"limit": 1000}, "limit:"),
            ("list_tasks", {"cursor": "nonsense"}, "cursor"),
            ("show_task", {"task_id": "1"}, "task_id:"),
            ("show_task", {"task_id": str(uuid4())}, "There is no such task"),
            ("review", {"decision": "approve", "draft_id": str(uuid4())}, "digest"),
            ("review", {"decision": "reject"}, "either draft_id or approval_id"),
            ("review", {"decision": "reject", "draft_id": str(uuid4())}, "draft"),
            ("review", {"decision": "approve", "approval_id": str(uuid4()), "digest": "0" * 64}, "approval"),
        )
        for tool, given, said in wrong:
            problem = await refused(client, tool, **given)
            assert problem["status"] in {404, 422}, (tool, given, problem)
            assert said in problem["detail"], (tool, given, problem)
        assert (await use(client, "list_tasks"))["items"] == []
        with pytest.raises(MCPError, match="There is no tool 'drop_table'; there are add_task"):
            await client.call_tool("drop_table", {})
        with pytest.raises(MCPError, match=r"params.arguments.title: Text cannot hold"):
            await client.call_tool("add_task", {"title": "a\x00b"})
        with pytest.raises(MCPError, match="The body is too large"):
            await client.call_tool("add_task", {"title": "A", "description": "x" * house.settings.max_body_bytes})
        long = await refused(client, "add_task", title="A", description="x" * 200_001)
        assert len(str(long)) < 2_000

        await tokens.revoke_token(house.caller, made.details.id)
        with pytest.raises(MCPError, match="it was revoked"):
            await client.call_tool("list_tasks", {})


async def test_a_program_does_what_its_scopes_say_with_its_own_tasks(
    house: House, url: str, stranger_token: str
) -> None:
    reader = (await token_of(house.caller, "tasks:read")).token
    writer = (await token_of(house.caller, "tasks:read", "tasks:write", "review:read")).token
    (mine,) = await functions.create_tasks(house.caller, [{"title": "Buy milk"}])
    async with speaking(url, reader) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"list_tasks", "show_task"}
        assert (await use(client, "show_task", task_id=str(mine.id)))["task"]["title"] == "Buy milk"
        for name, tool in TOOLS.items():
            if tool.scope != "tasks:read":
                problem = await refused(client, name)
                assert (problem["status"], f"lacks the scope {tool.scope}" in problem["detail"]) == (403, True)
    async with speaking(url, writer) as client:
        problem = await refused(client, "review", draft_id=str(uuid4()), decision="approve", digest="0" * 64)
        assert problem["status"] == 403
    async with speaking(url, stranger_token) as client:
        assert (await use(client, "list_tasks"))["items"] == []
        for tool in ("show_task", "execute_task"):
            assert (await refused(client, tool, task_id=str(mine.id)))["status"] == 404
        assert (await refused(client, "add_task", title="A", parent_task_id=str(mine.id)))["status"] in {404, 422}


@pytest.fixture
async def stranger_token(house: House) -> str:
    """Somebody of another organization."""
    from tests.conftest import sign_up

    identity = await sign_up(house.database, "stranger@example.net")
    return (await token_of(house.database.acting_as(identity), *EVERY)).token


async def test_only_a_token_comes_in_and_no_page_of_another_site(house: House, url: str) -> None:
    assert house.owner.user_id
    keys: Keys = load_keys(house)
    session = {"Cookie": f"{COOKIE}={keys.session_token(house.owner.user_id)}"}
    bearer = {"Authorization": f"Bearer {keys.bearer_token(house.owner.user_id)}"}
    async with httpx.AsyncClient(headers=ACCEPT) as http:

        async def status(headers: dict[str, str]) -> int:
            answer = await http.post(url, headers=headers, json=INITIALIZE)
            assert answer.status_code == 200 or answer.json()["error"]["message"]
            return answer.status_code

        missing = await http.post(url, json=INITIALIZE)
        assert (missing.status_code, missing.headers["www-authenticate"]) == (401, "Bearer")
        assert "steward token create" in missing.json()["error"]["message"]
        assert "default-src 'none'" in missing.headers["content-security-policy"]
        assert await status(session) == 401
        assert await status({"Authorization": "Bearer stw_wrong"}) == 401
        assert await status({"Authorization": "Basic eDp5"}) == 401
        assert await status({**bearer, "Origin": "https://evil.example"}) == 403
        assert await status({**bearer, "Sec-Fetch-Site": "cross-site"}) == 403
        assert await status({**bearer, "Host": "evil.example"}) == 400
        assert await status({**bearer, "Origin": url.removesuffix("/mcp")}) == 200
        assert await status(bearer) == 200
        for content, kind in ((b"{", "application/json"), (b"[" * 100_000, "application/json"), (b"x=1", "text/plain")):
            answer = await http.post(url, headers={**bearer, "Content-Type": kind}, content=content)
            assert answer.status_code in {400, 415}, answer.text
        for number in (b"NaN", b"-Infinity", b"1e999"):
            content = b'{"jsonrpc": "2.0", "id": %s, "method": "ping"}' % number
            answer = await http.post(url, headers={**bearer, "Content-Type": "application/json"}, content=content)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32700)
        for method in ("GET", "DELETE"):
            answer = await http.request(method, url, headers=bearer)
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
