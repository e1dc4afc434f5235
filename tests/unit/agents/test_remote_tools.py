"""Tools of MCP servers as tools of ours."""

from typing import Any

import pytest

from agents.tools.remote import remote_tool
from core.errors import Invalid
from core.outside.remote import OfferedTool

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "count": {"type": "integer", "minimum": 1}},
    "required": ["name"],
    "additionalProperties": False,
}


def test_what_is_no_read_asks_first() -> None:
    assert remote_tool(OfferedTool("crm", "add", "Adds", SCHEMA)).asks_first
    read = remote_tool(OfferedTool("crm", "find", "Finds", SCHEMA, is_read=True))
    assert (read.name, read.kind, read.asks_first, read.brings_untrusted) == ("crm_find", "read", False, True)


def test_the_servers_schema_is_shown_and_held() -> None:
    tool = remote_tool(OfferedTool("crm", "add", "Adds", SCHEMA))
    assert tool.input.model_json_schema() == SCHEMA
    assert tool.parsed({"name": "Ana", "count": 2}).model_dump() == {"name": "Ana", "count": 2}


@pytest.mark.parametrize("given", [{}, {"name": 1}, {"name": "Ana", "count": 0}, {"name": "Ana", "other": 1}])
def test_wrong_input_is_refused_before_the_server_is_asked(given: dict[str, object]) -> None:
    with pytest.raises(Invalid, match="crm_add"):
        remote_tool(OfferedTool("crm", "add", "Adds", SCHEMA)).parsed(given)


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid, match="no JSON Schema"):
        remote_tool(OfferedTool("crm", "add", "Adds", {"type": 7}))
