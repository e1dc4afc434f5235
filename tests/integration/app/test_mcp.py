"""Steward as an MCP server, used by the protocol's own client over HTTP, at a house that is really served."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from app._mcp.server import TOOLS
from app.dependencies import COOKIE
from app.house import House
from cli.serving import load_keys, serve
from core.database import Caller
from core.keys import Keys
from tasks import functions, tokens

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
    await asyncio.wait_for(ready.wait(), 20)
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
        assert await refused(client, "review", draft_id=waiting["draft_id"], decision="approve", digest="0" * 64)
        approved = await use(
            client, "review", draft_id=waiting["draft_id"], decision="approve", digest=waiting["digest"]
        )
        assert approved["draft_state"] in {"approved", "sending", "sent"}
        assert (
            await refused(client, "review", draft_id=waiting["draft_id"], decision="approve", digest=waiting["digest"])
        )["status"] == 409
        shown = await use(client, "show_task", task_id=mail["id"])
        assert shown["task"]["result"]["draft_id"] == waiting["draft_id"]
        assert [entry["event"] for entry in shown["task"]["execution_log"]][:2] == ["created", "queued"]
