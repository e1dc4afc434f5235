"""Asking MCP servers what they offer, and using it; through pydantic-ai's MCP client.

Each use opens a connection of its own: a server that went away and came back is simply there again.
"""

import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import structlog

from core.outside.errors import Malformed, NotConnected, Refused, Temporary, Uncertain
from core.outside.remote import OfferedTool
from integrations.mcp.settings import NamedServer

if TYPE_CHECKING:
    from pydantic_ai.mcp import MCPToolset

log = structlog.get_logger()
CONNECT_SECONDS = 15.0
ANSWER_SECONDS = 110.0
MOST_TOOLS = 200
LONGEST_ANSWER = 200_000
TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


class McpServers:
    """The configured servers. Fulfils `agents.services.remote.RemoteTools`."""

    def __init__(self, servers: Sequence[NamedServer]) -> None:
        self._servers = {one.name: one for one in servers}

    async def offered(self, name: str) -> list[OfferedTool]:
        """What a server offers. Raises Temporary where it is not reached, Malformed where it makes no sense."""
        named = self._servers[name]
        async with self._connected(named) as toolset:
            try:
                tools = await toolset.list_tools()
            except Exception as error:
                raise Malformed(f"The MCP server {name} does not say what it offers", detail=_kind(error)) from error
        return [
            OfferedTool(
                name,
                tool.name,
                (tool.description or "").strip(),
                cast("Mapping[str, Any]", tool.input_schema),
                tool.name in named.server.reads or bool(tool.annotations and tool.annotations.read_only_hint),
            )
            for tool in tools[:MOST_TOOLS]
            if TOOL_NAME.fullmatch(tool.name)
        ]

    async def call(self, tool: OfferedTool, arguments: Mapping[str, Any]) -> Any:
        """What the tool answers, as JSON; see the Protocol for what it raises."""
        from fastmcp.exceptions import ToolError
        from pydantic_ai.exceptions import ModelRetry, ToolFailedError

        named = self._servers.get(tool.server)
        if named is None:
            raise NotConnected(f"There is no MCP server {tool.server}", hint="STEWARD_MCP_SERVERS names the servers.")
        async with self._connected(named) as toolset:
            try:
                answer = await toolset.direct_call_tool(tool.name, dict(arguments))
            except (ModelRetry, ToolError, ToolFailedError) as error:
                raise Refused(f"{tool.server} could not do {tool.name}", detail=str(error)[:500]) from error
            except Exception as error:
                if tool.is_read:
                    raise Temporary(f"{tool.server} broke off {tool.name}", detail=_kind(error)) from error
                raise Uncertain(f"The line to {tool.server} broke while it did {tool.name}") from error
        return _as_json(answer, tool)

    @asynccontextmanager
    async def _connected(self, named: NamedServer) -> AsyncGenerator["MCPToolset[Any]"]:
        """A connection for the length of the block. Raises Temporary where there is none."""
        from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
        from pydantic_ai.mcp import MCPToolset

        server = named.server
        transport = (
            StreamableHttpTransport(server.url, headers=server.headers)
            if server.url
            else StdioTransport(server.command or "", server.args, env=server.env or None, keep_alive=False)
        )
        toolset: MCPToolset[Any] = MCPToolset(
            transport, init_timeout=CONNECT_SECONDS, read_timeout=ANSWER_SECONDS, tool_error_behavior="error"
        )
        try:
            await toolset.__aenter__()
        except Exception as error:
            raise Temporary(f"The MCP server {named.name} is out of reach", detail=_kind(error)) from error
        try:
            yield toolset
        finally:
            try:
                await toolset.__aexit__(None, None, None)
            except Exception as error:  # it is gone already; what became of the call is known by now
                await log.ainfo("mcp_server_did_not_say_goodbye", server=named.name, error=_kind(error))


def _as_json(answer: object, tool: OfferedTool) -> Any:
    try:
        text = json.dumps(answer, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise Malformed(f"{tool.server} answered {tool.name} with what is no JSON") from error
    if len(text) > LONGEST_ANSWER:
        raise Malformed(f"{tool.server} answered {tool.name} with {len(text):,} characters", detail="too long to keep")
    return json.loads(text)


def _plain(value: object) -> object:
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json")
    raise TypeError(type(value).__name__)


def _kind(error: BaseException) -> str:
    """What kind of error, innermost first; never its words, which may hold an address with a key."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return type(error).__name__
