"""Tools that other programs offer."""

from collections.abc import Mapping
from typing import Any, Protocol

from core.outside.remote import OfferedTool


class RemoteTools(Protocol):
    """Programs that offer tools (MCP servers)."""

    async def call(self, tool: OfferedTool, arguments: Mapping[str, Any]) -> Any:
        """What the tool answers, as JSON.

        Raises Refused where the server says that it failed, Temporary where it was not reached, Uncertain where the line
        broke after an act was asked for, Malformed where a read's answer cannot be understood.
        """
        ...
