"""MCP servers for real: a program over pipes, the same over HTTP, and what goes wrong with either."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from core.outside.errors import Malformed, NotConnected, Refused, Temporary, Uncertain
from core.outside.remote import OfferedTool
from integrations.mcp.client import McpServers
from integrations.mcp.settings import read_servers

PROGRAM = Path(__file__).parents[3] / "emulators" / "mcp_program.py"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def over_pipes(book: Path) -> McpServers:
    one = {"command": sys.executable, "args": [str(PROGRAM)], "env": {"CONTACT_BOOK": str(book)}}
    return McpServers(read_servers(json.dumps({"mcpServers": {"contacts": one}})))


@pytest.fixture(params=["pipes", "http"])
def servers(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[McpServers]:
    if request.param == "pipes":
        yield over_pipes(tmp_path / "book")
        return
    port = free_port()
    command = [sys.executable, str(PROGRAM), str(port)]
    process = subprocess.Popen(command, env={"CONTACT_BOOK": str(tmp_path / "book")}, stderr=subprocess.DEVNULL)
    try:
        _wait(port, process)
        url = f"http://127.0.0.1:{port}/mcp"
        yield McpServers(read_servers(json.dumps({"mcpServers": {"contacts": {"url": url}}})))
    finally:
        process.terminate()
        process.wait(10)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(400):
        assert process.poll() is None, "the MCP server ended at once"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError("the MCP server did not start")


async def tool(servers: McpServers, name: str) -> OfferedTool:
    return next(one for one in await servers.offered("contacts") if one.name == name)


async def test_tools_are_listed_and_used(servers: McpServers, tmp_path: Path) -> None:
    offered = {one.full_name: one for one in await servers.offered("contacts")}
    assert offered["contacts_find_contact"].is_read
    assert not offered["contacts_add_contact"].is_read
    assert offered["contacts_add_contact"].input_schema["required"] == ["name", "mail"]
    assert await servers.call(offered["contacts_find_contact"], {"name": "Ana"}) == {
        "name": "Ana",
        "mail": "ana@example.org",
    }
    await servers.call(offered["contacts_add_contact"], {"name": "Ana", "mail": "ana@example.org"})
    assert (tmp_path / "book").read_text() == "Ana <ana@example.org>\n"


async def test_what_the_server_refuses_is_refused(servers: McpServers) -> None:
    with pytest.raises(Refused, match="could not do refuse") as caught:
        await servers.call(await tool(servers, "refuse"), {"name": "Ana"})
    assert "not allowed here" in (caught.value.detail or "")


async def test_a_server_that_dies_in_the_middle_of_an_act_leaves_a_doubt(servers: McpServers, tmp_path: Path) -> None:
    with pytest.raises(Uncertain):
        async with asyncio.timeout(30):
            await servers.call(await tool(servers, "vanish"), {"name": "Ana"})
    assert len((tmp_path / "book").read_text().splitlines()) == 1


async def test_an_answer_too_long_is_malformed(servers: McpServers) -> None:
    with pytest.raises(Malformed, match="300,0"):
        await servers.call(await tool(servers, "shout"), {"count": 300_000})


@pytest.mark.parametrize(
    "server",
    [
        {"url": f"http://127.0.0.1:{free_port()}/mcp"},
        {"command": "/no/such/program"},
        {"command": sys.executable, "args": ["-c", "print('this is no MCP')"]},
    ],
)
async def test_a_server_that_is_not_there_is_tried_again_later(server: dict[str, object]) -> None:
    servers = McpServers(read_servers(json.dumps({"mcpServers": {"contacts": server}})))
    with pytest.raises(Temporary, match="out of reach"):
        await servers.offered("contacts")


async def test_a_server_that_is_not_configured_any_more(tmp_path: Path) -> None:
    with pytest.raises(NotConnected, match="no MCP server other"):
        await over_pipes(tmp_path / "book").call(OfferedTool("other", "x", "", {}), {})


async def test_a_program_does_not_get_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-secret")
    servers = over_pipes(tmp_path / "book")
    names = await servers.call(await tool(servers, "environment"), {})
    assert "CONTACT_BOOK" in str(names)
    assert "OPENAI_API_KEY" not in str(names)
