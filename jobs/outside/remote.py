"""MCP servers of the settings: their tools as tools of ours, and the way to them."""

from collections.abc import Mapping

import structlog

from agents.services.remote import RemoteTools
from agents.tools.tool import AnyTool
from core.database import Caller
from core.errors import StewardError
from core.outside.errors import NotConnected
from core.settings import Settings
from integrations.mcp.settings import NamedServer, read_servers
from jobs.outside.lending import MCP, is_lent
from jobs.outside.world import Given, Service
from tasks.models import Task

log = structlog.get_logger()
ONLY_OWNERS = "They serve its owner, and others where STEWARD_SHARED_TOOLS names mcp."
HOW = "STEWARD_MCP_SERVERS names MCP servers, whose tools become tools here."


def servers_of(settings: Settings) -> list[NamedServer]:
    """The servers that the settings name. Raises Invalid."""
    return read_servers(settings.mcp_servers.get_secret_value()) if settings.mcp_servers else []


def is_remote(settings: Settings, tool: str) -> bool:
    """May this be the name of a tool of one of the configured servers?"""
    return any(tool.startswith(f"{one.name}_") for one in servers_of(settings))


def services(given: Given) -> Mapping[type, Service]:
    """The way to the tools of MCP servers."""
    servers = servers_of(given.settings)

    async def reach(caller: Caller, task: Task) -> RemoteTools:
        if not servers:
            raise NotConnected("No MCP server is configured", hint=HOW)
        if not await is_lent(given, caller, MCP):
            raise NotConnected("The MCP servers of this installation do not serve you", hint=ONLY_OWNERS)
        from integrations.mcp.client import McpServers

        return McpServers(servers)

    return {RemoteTools: Service(reach, lambda: None if servers else HOW, (MCP,))}


async def remote_tools(settings: Settings) -> dict[str, AnyTool]:
    """The tools of every server that answers; one that does not is logged and left out."""
    servers = servers_of(settings)
    if not servers:
        return {}
    from agents.tools.remote import remote_tool
    from integrations.mcp.client import McpServers

    connected, tools = McpServers(servers), dict[str, AnyTool]()
    for named in servers:
        try:
            for offered in await connected.offered(named.name):
                tool = remote_tool(offered)
                tools[tool.name] = tool
        except StewardError as error:
            await log.awarning("mcp_server_left_out", server=named.name, error=error.message, detail=error.detail)
    return tools
