"""Which MCP servers there are: JSON in the form that other programs use as well.

{"mcpServers": {"files": {"command": "npx", "args": ["-y", "server-filesystem", "/notes"], "env": {"KEY": "..."}},
                "crm": {"url": "https://crm.example/mcp", "headers": {"Authorization": "Bearer ..."}, "reads": ["find_contact"]}}}
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import Invalid

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
FORM = (
    'allowed is {"mcpServers": {"name": {"url": "https://..."} or {"command": "..."}}}, or the path of a file with that'
)


class McpServer(BaseModel):
    """One server: at an address, or a program that is started. `reads` names tools that change nothing."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+\S*$")
    headers: dict[str, str] = Field(default_factory=dict[str, str])
    command: str | None = Field(default=None, min_length=1)
    args: list[str] = Field(default_factory=list[str])
    env: dict[str, str] = Field(default_factory=dict[str, str])
    reads: list[str] = Field(default_factory=list[str])

    @model_validator(mode="after")
    def _one_way(self) -> "McpServer":
        if (self.url is None) == (self.command is None):
            raise ValueError("a server has either url or command")
        return self


class _File(BaseModel):
    servers: dict[str, object] = Field(alias="mcpServers")


@dataclass(frozen=True)
class NamedServer:
    """A server and what it is called here."""

    name: str
    server: McpServer = field(repr=False)


def read_servers(setting: str) -> list[NamedServer]:
    """The servers that a setting (JSON, or a file of it) names. Raises Invalid that says what is wrong; never with a value."""
    text = setting.strip()
    if not text.startswith("{"):
        try:
            text = Path(text).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise Invalid("STEWARD_MCP_SERVERS names a file that cannot be read", detail=type(error).__name__) from None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("STEWARD_MCP_SERVERS is no JSON", hint=FORM) from None
    try:
        servers = _File.model_validate(found).servers
    except ValidationError:
        raise Invalid("STEWARD_MCP_SERVERS names no servers", hint=FORM) from None
    return [_named(name, one) for name, one in servers.items()]


def _named(name: str, one: object) -> NamedServer:
    if not NAME.fullmatch(name):
        raise Invalid(
            f"STEWARD_MCP_SERVERS: {name[:60]!r} is no name for a server",
            detail="allowed: 1-40 of a-z, 0-9, _ and -",
        )
    try:
        return NamedServer(name, McpServer.model_validate(one))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join([name, *(str(part) for part in first["loc"])])
        raise Invalid(f"STEWARD_MCP_SERVERS is wrong at {where}: {first['msg']}", hint=FORM) from None
