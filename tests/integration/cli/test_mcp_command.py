"""`steward mcp`: the protocol's own client starts the program and uses its tools; nobody else works in the house."""

from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.integration.cli.conftest import Steward


async def test_a_desktop_program_starts_it_and_uses_tools(steward: Steward, capfd: pytest.CaptureFixture[str]) -> None:
    (steward.folder / "log").touch()

    def program(*arguments: str) -> Any:
        wish = StdioServerParameters(
            command=steward.program[0], args=[*steward.program[1:], "mcp", *arguments], env=steward.environment
        )
        return Client(stdio_client(wish))

    async def use(client: Client, tool: str, **given: Any) -> dict[str, Any]:
        answer = await client.call_tool(tool, given)
        assert not answer.is_error, answer.structured_content
        return answer.structured_content

    async with program() as client:
        assert "review" not in {tool.name for tool in (await client.list_tools()).tools}
        made = await use(
            client,
            "add_task",
            title="Draft an email to john@example.com thanking him for the meeting 🎈",
            execution_type="fully_automated",
            kind="email",
            recipient="john@example.com",
        )
        mail = made["tasks"][0]["id"]
        done = (await use(client, "execute_task", task_id=mail))["answer"]
        assert (done["strategy"], bool(done["draft_id"])) == ("immediate", True)
        (waiting,) = (await use(client, "list_review"))["items"]
        wrong = await client.call_tool("add_task", {"title": "a\x00b"})
        assert (wrong.is_error, wrong.structured_content["status"]) == (True, 422)
        refused = await client.call_tool(
            "review", {"draft_id": waiting["draft_id"], "decision": "approve", "digest": waiting["digest"]}
        )
        assert (refused.is_error, refused.structured_content["status"]) == (True, 403)
    async with program("--scope", "review:write", "--scope", "tasks:read") as client:
        yes = {"draft_id": waiting["draft_id"], "decision": "approve", "digest": waiting["digest"]}
        assert (await use(client, "review", **yes))["draft_state"] in {"approved", "sending", "sent"}
    assert "Traceback" not in capfd.readouterr().err
    wrong = steward("mcp", "--scope", "everything")
    assert (wrong.returncode, "tasks:read" in wrong.stderr) == (1, True)
