"""`steward tools`: what there is, what asks first, what is missing; tools of MCP servers among them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Steward

PROGRAM = Path(__file__).parents[2] / "emulators" / "mcp_program.py"
SERVERS = {"mcpServers": {"contacts": {"command": sys.executable, "args": [str(PROGRAM)]}}}


def test_tools_are_listed_with_what_they_need(steward: Steward) -> None:
    tools = {tool["name"]: tool for tool in steward.json("tools")}
    assert tools["delay"]["kind"] == "control"
    assert tools["delay"]["input_schema"]["properties"]["seconds"]
    assert all(tool["description"] and tool["capability"] for tool in tools.values())
    assert all(tool["missing"] for tool in tools.values() if not tool["is_ready"])
    shown = steward("tools").stdout
    assert "approval_gate" in shown
    assert f"of {len(tools)} tools are ready" in shown


def test_one_tool_is_shown_with_its_input(steward: Steward) -> None:
    shown = steward("tools", "approval_gate").stdout
    assert "question: string (optional)" in shown
    wrong = steward("tools", "no_such_tool")
    assert (wrong.returncode, "There is no tool" in wrong.stderr) == (2, True)


def test_tools_of_an_mcp_server_are_there(steward: Steward) -> None:
    tools = {tool["name"]: tool for tool in steward.json("tools", STEWARD_MCP_SERVERS=json.dumps(SERVERS))}
    assert tools["contacts_find_contact"]["kind"] == "read"
    assert tools["contacts_add_contact"]["asks_first"]
    assert tools["contacts_add_contact"]["brings_untrusted"]


def test_a_wrong_setting_is_told_and_a_server_that_is_away_is_left_out(steward: Steward) -> None:
    wrong = steward("tools", STEWARD_MCP_SERVERS="{}")
    assert (wrong.returncode, "names no servers" in wrong.stderr) == (1, True)
    away = steward("tools", STEWARD_MCP_SERVERS='{"mcpServers": {"gone": {"command": "/no/such/program"}}}')
    assert away.returncode == 0
    assert "mcp_server_left_out" in away.stderr
