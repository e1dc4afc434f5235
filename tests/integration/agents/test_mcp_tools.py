"""Tools of an MCP server in a tree: reads run, what acts waits for a yes and happens once."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from app.house import House
from jobs.outside.all import connected_world
from jobs.outside.world import Given
from jobs.worker import working
from tasks import review
from tests.integration.agents.growing import is_state, node, root, started, until

PROGRAM = Path(__file__).parents[2] / "emulators" / "mcp_program.py"


async def test_a_tool_of_a_server_reads_and_acts(house: House, tmp_path: Path) -> None:
    book = tmp_path / "book"
    server = {"command": sys.executable, "args": [str(PROGRAM)], "env": {"CONTACT_BOOK": str(book)}}
    setting = SecretStr(json.dumps({"mcpServers": {"contacts": server}}))
    settings = house.settings.model_copy(update={"mcp_servers": setting})
    equipment = replace(house.equipment, outside=connected_world(Given(settings, house.database, house.clock)))
    there = replace(house, settings=settings, equipment=equipment)
    tree = root(
        node("find", "contacts_find_contact", tool_input={"name": "Ana"}),
        node("add", "contacts_add_contact", ["find"], tool_input={"name": "Ana", "mail": "ana@example.org"}),
    )
    async with working(await there.worker()):
        made = await started(house, tree)
        found = await until(house, made.keys["find"], is_state("completed"), 30)
        assert found.result["output"]["mail"] == "ana@example.org"
        await until(house, made.keys["add"], is_state("blocked"), 30)
        (approval,) = (await review.list_approvals(house.caller, states=["open"])).items
        assert approval.title == "Let contacts do “add_contact”?"
        assert not book.exists()
        await review.decide_approval(house.caller, approval.id, approved=True)
        await until(house, made.id, is_state("completed"), 30)
    assert book.read_text() == "Ana <ana@example.org>\n"
