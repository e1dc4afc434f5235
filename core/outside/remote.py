"""Tools that other programs offer (Model Context Protocol), in neutral words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class OfferedTool:
    """A tool as its server describes it. `is_read`: the server, or the settings, say that it changes nothing.

    `input_schema` is JSON Schema. Names, descriptions and results are the server's words: untrusted.
    """

    server: str
    name: str
    description: str
    input_schema: Mapping[str, Any]
    is_read: bool = False

    @property
    def full_name(self) -> str:
        """The name among all tools: server and tool."""
        return f"{self.server}_{self.name}"
