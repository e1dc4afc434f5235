"""Pull requests through the engine: how they stand, and what is expected of them."""

from typing import Any

import pytest

from app.house import House
from tests.emulators.github_rest import review, run
from tests.integration.agents.growing import at_work, node, root, started, until
from tests.integration.agents.tools.conftest import Outside, refuses, run_tool

PULL: dict[str, Any] = {"repository": "acme/shop", "pull_request": 7}


async def test_how_it_stands(wired: House, outside: Outside) -> None:
    outside.github.runs = [run("test"), run("lint", "failure"), run("e2e", None)]
    outside.github.reviews = [review("bo", "APPROVED")]
    task = await run_tool(wired, "github_check", **PULL)
    output = task.result["output"]
    assert (output["passed"], output["failed"], output["pending"], output["is_green"]) == (1, 1, 1, False)
    assert (output["title"], output["state"], output["approved_by"]) == ("Größer 🚀", "open", ["bo"])
    task = await run_tool(wired, "github_check", repository="acme/shop", ref="main")
    assert (task.result["output"]["number"], len(task.result["output"]["checks"])) == (None, 3)


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        (["checks"], "failed: lint"),
        (["approval"], "changes wanted by bo"),
        (["merged"], "it is open, not merged"),
        (["mergeable"], "it cannot be merged"),
        (["checks", "approval", "merged"], "failed: lint; changes wanted by bo; it is open, not merged"),
    ],
)
async def test_what_is_expected_and_does_not_hold_fails(
    wired: House, outside: Outside, expect: list[str], words: str
) -> None:
    outside.github.runs = [run("test"), run("lint", "failure")]
    outside.github.reviews = [review("bo", "CHANGES_REQUESTED")]
    outside.github.pull["mergeable"] = False
    task = await run_tool(wired, "github_check", state="failed", **PULL, expect=expect)
    assert words in (task.failure_reason or "")


async def test_what_still_runs_is_looked_at_again(wired: House, outside: Outside) -> None:
    outside.github.runs = [run("test", None)]
    async with at_work(wired):
        tree = root(node("it", "github_check", tool_input={**PULL, "expect": ["checks"]}, max_retries=2))
        made = await started(wired, tree)
        task = await until(wired, made.keys["it"], lambda t: t.retry_count == 1)
    assert task.execution_status == "queued"
    assert task.run_after is not None


WHAT_CANNOT_BE_LOOKED_AT: list[tuple[dict[str, Any], str]] = [
    ({"repository": "acme"}, "repository"),
    ({"repository": "acme/shop"}, "give pull_request or ref"),
    ({**PULL, "ref": "main"}, "give pull_request or ref"),
    ({"repository": "acme/shop", "ref": "main", "expect": ["merged"]}, "only checks"),
    ({**PULL, "expect": ["luck"]}, "expect"),
    ({"repository": "acme/shop", "pull_request": 8}, "no such thing"),
    ({"repository": "acme/shop", "ref": "nosuch"}, "refused it (422)"),
]


async def test_what_cannot_be_looked_at(wired: House) -> None:
    await refuses(wired, "github_check", WHAT_CANNOT_BE_LOOKED_AT)
