"""Files of a plan through the engine: written, found by later tasks, inert."""

from typing import Any

import pytest

from app.house import House
from tasks import artifacts, functions
from tasks.events import list_task_events
from tests.integration.agents.growing import at_work, is_state, node, root, started, until


async def test_what_one_task_writes_another_reads(house: House) -> None:
    rows = [{"name": "=1+1", "n": 1}, {"name": "größe", "n": 2}]
    tree = root(
        node("make", "data_transform", tool_input={"data": rows, "expression": "$[n > 0]"}),
        node(
            "write",
            "file",
            ["make"],
            tool_input={"action": "write", "name": "Bericht größe.csv", "rows": "{{ make.value }}"},
        ),
        node(
            "note",
            "file",
            ["make"],
            tool_input={"action": "write", "name": "n.json", "data": {"r": "{{ make.value.0.n }}"}},
        ),
        node("read", "file", ["write"], tool_input={"action": "read", "name": "{{ write.file.name }}"}),
        node("list", "file", ["write", "note"], tool_input={"action": "list"}),
        node(
            "again", "file", ["read"], tool_input={"action": "write", "name": "x.txt", "text": "{{ read.rows.0.name }}"}
        ),
    )
    async with at_work(house):
        made = await started(house, tree)
        await until(house, made.id, is_state("completed"))
    kept = await artifacts.find_artifact(house.caller, made.id, "Bericht größe.csv")
    assert kept.content == "n,name\r\n1,'=1+1\r\n2,größe\r\n".encode()
    read = await functions.get_task(house.caller, made.keys["read"])
    assert read.result["output"]["rows"] == [{"n": "1", "name": "'=1+1"}, {"n": "2", "name": "größe"}]
    assert read.result["untrusted"] is True
    listed = await functions.get_task(house.caller, made.keys["list"])
    assert {one["name"] for one in listed.result["output"]["files"]} >= {"Bericht größe.csv", "n.json"}
    events = await list_task_events(house.caller, made.keys["again"], limit=500)
    assert [e.data["untrusted"] for e in events if e.kind == "input" and e.task_id == made.keys["again"]] == [["text"]]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"action": "read", "name": "nosuch.txt"}, "There is no file 'nosuch.txt' in this tree: there are: none"),
        ({"action": "write", "name": "a/b", "text": "x"}, "no slashes"),
        ({"action": "write", "name": "a.csv", "text": 'a,"b'}, "no CSV"),
        ({"action": "eat"}, "action"),
    ],
)
async def test_what_goes_wrong_is_said_and_ends_the_task(house: House, given: dict[str, Any], words: str) -> None:
    async with at_work(house):
        made = await started(house, root(node("it", "file", tool_input=given, on_failure="escalate")))
        task = await until(house, made.keys["it"], is_state("failed"))
    assert words in (task.failure_reason or "")
