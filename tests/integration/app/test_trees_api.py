"""Trees over the API: made whole or not at all, edges, order, bounds, decisions about what failed or waits."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.integration.app.test_api import is_problem

DOOR = {"title": "Open the shop", "key": "open", "depends_on": ["paint", "sign"], "execution_type": "manual"}


def part(key: str, *after: str, **more: Any) -> dict[str, Any]:
    return {
        "title": key,
        "key": key,
        "depends_on": list(after),
        "execution_type": "fully_automated",
        "tool": "noop",
    } | {
        "max_retries": 0,
        **more,
    }


BROKEN = {"data": 1, "expression": "$error('broken')"}


async def make(client: httpx.AsyncClient, *children: dict[str, Any], **more: Any) -> dict[str, Any]:
    tree = {"title": "Shop", "key": "shop", "execution_type": "fully_automated", "children": list(children), **more}
    answer = await client.post("/api/tasks/tree", json=tree)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def run(client: httpx.AsyncClient, task_id: str) -> None:
    assert (await client.post("/api/tasks/execute", json={"taskId": task_id, "wait": False})).status_code == 202


async def until(client: httpx.AsyncClient, task_id: str, **wanted: str) -> dict[str, Any]:
    task: dict[str, Any] = {}
    for _ in range(300):
        task = (await client.get(f"/api/tasks/{task_id}")).json()
        if all(task[name] == value for name, value in wanted.items()):
            return task
        await asyncio.sleep(0.05)
    raise AssertionError({name: task[name] for name in wanted} | {"reason": task["failure_reason"]})


async def test_a_tree_is_made_with_its_edges_and_keys(client: httpx.AsyncClient) -> None:
    made = await make(client, part("paint"), part("sign", "paint"), DOOR, bounds={"max_tasks": 9})
    keys = made["keys"]
    assert set(keys) == {"shop", "paint", "sign", "open"}
    assert [child["title"] for child in made["children"]] == ["paint", "sign", "Open the shop"]
    assert set(made["children"][2]["depends_on"]) == {keys["paint"], keys["sign"]}
    assert made["bounds"] == {"max_tasks": 9}
    assert {made["execution_status"], *(c["execution_status"] for c in made["children"])} == {"pending"}


@pytest.mark.parametrize(
    ("children", "words"),
    [
        ([part("a", "b"), part("b", "a")], ("cycle", "a -> b")),
        ([part("a", "a")], ("cycle", "a")),
        ([part("a", "shop")], ("cycle", "Shop")),
        ([part("a", "b"), {**part("c"), "tool": None, "children": [part("b", "a")]}], ("cycle", "b")),
        ([part("a", "nowhere")], ("nowhere",)),
        ([part("a"), part("a")], ("key",)),
        ([part("a", tool="rocket")], ("rocket", "noop", "approval_gate")),
        ([part("a", tool="email_send")], ("email_send",)),
        ([part("a", title="")], ("title",)),
        ([part("a", title="x" * 501)], ("title",)),
        ([part("a", surprise=1)], ("surprise",)),
        ([part("a", bounds={})], ("bounds",)),
        ([part("a", on_failure="panic")], ("on_failure",)),
        (["a"], ("children.0",)),
    ],
)
async def test_a_tree_that_makes_no_sense_is_refused_whole(
    client: httpx.AsyncClient, children: list[Any], words: tuple[str, ...]
) -> None:
    body = is_problem(
        await client.post("/api/tasks/tree", json={"title": "Shop", "key": "shop", "children": children}), 422
    )
    assert all(word in str(body) for word in words), body
    assert (await client.get("/api/tasks")).json()["items"] == []


@pytest.mark.parametrize("bounds", [{"max_tasks": -1}, {"max_tasks": 1.5}, {"max_tasks": "many"}, {"most": 1}, 3])
async def test_bounds_that_mean_nothing_are_refused(client: httpx.AsyncClient, bounds: object) -> None:
    is_problem(await client.post("/api/tasks/tree", json={"title": "Shop", "bounds": bounds}), 422)


async def test_deep_and_wide_trees_have_an_end(client: httpx.AsyncClient) -> None:
    def nested(levels: int) -> dict[str, Any]:
        node: dict[str, Any] = {"title": "leaf"}
        for _ in range(levels):
            node = {"title": "level", "children": [node]}
        return node

    is_problem(await client.post("/api/tasks/tree", json=nested(12)), 422)
    deep = {**nested(12), "bounds": {"max_depth": 12}}
    assert (await client.post("/api/tasks/tree", json=deep)).status_code == 201
    for levels in (13, 50, 400):
        is_problem(await client.post("/api/tasks/tree", json=nested(levels)), 422)
    broken = b'{"title": "x", "children": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    is_problem(await client.post("/api/tasks/tree", content=broken, headers={"Content-Type": "application/json"}), 422)
    wide = {"title": "x", "children": [{"title": "y"}] * 201}
    is_problem(await client.post("/api/tasks/tree", json=wide), 422)


async def test_edges_are_added_once_and_taken_away(client: httpx.AsyncClient) -> None:
    keys = (await make(client, part("a"), part("b"), part("c", "b")))["keys"]
    path = f"/api/tasks/{keys['b']}/dependencies"
    for _ in range(2):
        linked = (await client.post(path, json={"depends_on_task_id": keys["a"]})).json()
        assert [t["title"] for t in linked["depends_on"]] == ["a"]
    assert [t["title"] for t in (await client.get(path)).json()["dependents"]] == ["c"]
    cycle = is_problem(
        await client.post(f"/api/tasks/{keys['a']}/dependencies", json={"depends_on_task_id": keys["c"]}), 422
    )
    assert "a -> b -> c" in cycle["detail"] or "->" in cycle["detail"]
    other = (await make(client, part("x")))["keys"]["x"]
    foreign = is_problem(await client.post(path, json={"depends_on_task_id": other}), 422)
    assert other in foreign["detail"]
    is_problem(await client.post(path, json={"depends_on_task_id": str(uuid4())}), 404)
    is_problem(await client.post(path, json={}), 422)
    gone = await client.request("DELETE", path, params={"depends_on_task_id": keys["a"]})
    assert gone.json()["depends_on"] == []
    is_problem(await client.request("DELETE", path, params={"depends_on_task_id": keys["a"]}), 404)


async def test_the_sequence_has_groups_and_the_longest_chain(client: httpx.AsyncClient) -> None:
    inner = {**part("inner", "a"), "tool": None, "children": [part("x"), part("y", "x", estimated_duration_minutes=90)]}
    keys = (await make(client, part("a"), part("b"), inner, part("end", "inner", "b")))["keys"]
    answer = (await client.get(f"/api/tasks/{keys['shop']}/sequence")).json()
    names = {task_id: key for key, task_id in keys.items()}
    assert [{names[i] for i in group} for group in answer["parallel_groups"]] == [{"a", "b"}, {"x"}, {"y"}, {"end"}]
    assert [names[i] for i in answer["critical_path"]] == ["a", "x", "y", "end"]
    assert answer["minutes"] == 4 * 90
    assert [names[i] for i in answer["order"]][-1] == "end"
    edges = {(names[edge["task_id"]], names[edge["depends_on"]]) for edge in answer["edges"]}
    assert edges == {("x", "a"), ("y", "a"), ("y", "x"), ("end", "x"), ("end", "y"), ("end", "b")}
    steps = [(names[one["task_id"]], [names[i] for i in one["brings_together"]]) for one in answer["integration_steps"]]
    assert steps == [("end", ["b", "y"])]
    alone = (await client.get(f"/api/tasks/{keys['a']}/sequence")).json()
    assert all(
        alone[name] == [] for name in ("order", "edges", "parallel_groups", "integration_steps", "critical_path")
    )
    assert alone["minutes"] is None


@pytest.mark.usefixtures("at_work")
async def test_a_failed_part_is_gone_on_without_with_a_reason(client: httpx.AsyncClient) -> None:
    wrong = part("wrong", tool="data_transform", tool_input=BROKEN, on_failure="escalate")
    keys = (await make(client, wrong, part("next", "wrong")))["keys"]
    is_problem(await client.post(f"/api/tasks/{keys['wrong']}/waive", json={}), 409)
    await run(client, keys["shop"])
    failed = await until(client, keys["wrong"], execution_status="failed")
    assert failed["failure_reason"]
    waived = await client.post(f"/api/tasks/{keys['wrong']}/waive", json={"reason": "Nobody needs it"})
    assert waived.json()["waived_reason"] == "Nobody needs it"
    await until(client, keys["shop"], execution_status="completed")
    changes = (await client.get(f"/api/tasks/{keys['shop']}/plan-changes")).json()["items"]
    assert [(c["decision"], c["reason"]) for c in changes] == [("skip", "Nobody needs it")]
    assert changes[0]["diff"]["skipped"][0]["title"] == "wrong"
    is_problem(await client.post(f"/api/tasks/{keys['shop']}/waive", json={}), 409)


@pytest.mark.usefixtures("at_work")
async def test_a_gate_says_what_it_asks_and_takes_one_answer(client: httpx.AsyncClient) -> None:
    gate = {"question": "Paint it green?", "why": "The paint cannot be returned", "expires_in_seconds": 3600}
    keys = (await make(client, part("gate", tool="approval_gate", tool_input=gate), part("paint", "gate")))["keys"]
    await run(client, keys["shop"])
    await until(client, keys["gate"], execution_status="blocked")
    (open_gate,) = (await client.get("/api/approvals", params={"state": "open"})).json()["items"]
    assert (open_gate["title"], open_gate["why"]) == ("Paint it green?", "The paint cannot be returned")
    assert open_gate["expires_at"]
    path = f"/api/approvals/{open_gate['id']}"
    assert (await client.post(path, json={"approved": True, "notes": "A dark one"})).json()["state"] == "used"
    is_problem(await client.post(path, json={"approved": False}), 409)
    await until(client, keys["shop"], execution_status="completed", verification="claimed")
    assert (await until(client, keys["gate"], verification="verified"))["evidence"][0]["kind"] == "approval"


@pytest.mark.usefixtures("at_work")
async def test_an_answer_ends_the_waiting(client: httpx.AsyncClient) -> None:
    keys = (await make(client, part("ask", tool="wait_for_reply", tool_input={"whom": "Ana"})))["keys"]
    path = f"/api/tasks/{keys['ask']}/answer"
    is_problem(await client.post(path, json={"answer": "too early"}), 409)
    await run(client, keys["shop"])
    await until(client, keys["ask"], execution_status="blocked")
    is_problem(await client.post(path, json={"answer": 3}), 422)
    assert (await client.post(path, json={"answer": "Yes"})).json()["result"]["output"] == {"text": "Yes"}
    await until(client, keys["shop"], execution_status="completed")


async def test_bounds_are_read_and_raised_for_the_whole_tree(client: httpx.AsyncClient) -> None:
    keys = (await make(client, part("a"), bounds={"max_tasks": 5}))["keys"]
    path = f"/api/tasks/{keys['a']}/bounds"
    before = (await client.get(path)).json()
    assert (before["root_task_id"], before["bounds"]["max_tasks"], before["used"]["tasks"]) == (keys["shop"], 5, 2)
    after = (await client.patch(path, json={"max_model_calls": 7})).json()
    assert (after["bounds"]["max_tasks"], after["bounds"]["max_model_calls"]) == (5, 7)
    is_problem(await client.patch(path, json={"max_tasks": -1}), 422)
    is_problem(await client.patch(path, json={"max_fun": 1}), 422)


@pytest.mark.usefixtures("at_work")
async def test_steps_of_a_task_are_listed(client: httpx.AsyncClient) -> None:
    keys = (await make(client, part("a")))["keys"]
    assert (await client.get(f"/api/tasks/{keys['a']}/steps")).json() == {"items": [], "next_cursor": None}
    is_problem(await client.post(f"/api/tasks/{keys['a']}/steps/{uuid4()}", json={"happened": True}), 404)


async def test_what_is_not_yours_is_not_found(client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    keys = (await make(client, part("a"), part("b", "a")))["keys"]
    edge = {"depends_on_task_id": keys["a"]}
    for method, path, body in (
        ("GET", "dependencies", None),
        ("POST", "dependencies", edge),
        ("DELETE", f"dependencies?depends_on_task_id={keys['a']}", None),
        ("GET", "steps", None),
        ("POST", f"steps/{uuid4()}", {"happened": True}),
        ("GET", "plan-changes", None),
        ("POST", "waive", {"reason": "x"}),
        ("POST", "answer", {"answer": "x"}),
        ("GET", "sequence", None),
        ("GET", "bounds", None),
        ("PATCH", "bounds", {"max_tasks": 1}),
    ):
        is_problem(await stranger.request(method, f"/api/tasks/{keys['b']}/{path}", json=body), 404)


@pytest.mark.parametrize("title", ["", "   ", "\n\t"])
async def test_a_title_of_blanks_is_none(client: httpx.AsyncClient, title: str) -> None:
    task_id = (await client.post("/api/tasks", json={"title": "  Paint the door  "})).json()["id"]
    assert (await client.get(f"/api/tasks/{task_id}")).json()["title"] == "Paint the door"
    for method, path, body in (
        ("POST", "/api/tasks", {"title": title}),
        ("POST", "/api/tasks", {"text": title}),
        ("POST", "/api/tasks/tree", {"title": title}),
        ("POST", "/api/tasks/tree", {"title": "Shop", "children": [{"title": title}]}),
        ("PATCH", f"/api/tasks/{task_id}", {"title": title}),
    ):
        refused = is_problem(await client.request(method, path, json=body), 422)
        assert refused["errors"][0]["field"].endswith(("title", "text")), refused


@pytest.mark.parametrize(
    ("answer", "words"),
    [("", "empty"), (" \n ", "empty"), ({}, "empty"), (3, "a text, or an object"), ([], "a text"), (None, "a text")],
)
async def test_an_answer_says_something(client: httpx.AsyncClient, answer: object, words: str) -> None:
    keys = (await make(client, part("ask", tool="wait_for_reply")))["keys"]
    body = is_problem(await client.post(f"/api/tasks/{keys['ask']}/answer", json={"answer": answer}), 422)
    assert [error["field"] for error in body["errors"]] == ["answer"]
    assert words in body["errors"][0]["message"]


@pytest.mark.usefixtures("at_work")
async def test_executing_a_ready_made_tree_names_its_parts(client: httpx.AsyncClient) -> None:
    gate = part("gate", tool="approval_gate", tool_input={"question": "Go on?"})
    made = await make(client, part("a"), part("b", "a"), gate, part("mine", tool=None, execution_type="manual"))
    answer = (await client.post("/api/tasks/execute", json={"taskId": made["id"]})).json()
    assert answer["strategy"] == "decompose"
    assert [one["title"] for one in answer["subtasks"]] == ["a", "b", "gate", "mine"]
    assert answer["message"] == "Task decomposed into 4 subtasks"


@pytest.mark.usefixtures("at_work")
async def test_a_decision_may_name_what_was_seen(client: httpx.AsyncClient) -> None:
    keys = (await make(client, part("gate", tool="approval_gate", tool_input={"question": "Go?"})))["keys"]
    await run(client, keys["shop"])
    await until(client, keys["gate"], execution_status="blocked")
    (asked,) = (await client.get("/api/approvals", params={"state": "open"})).json()["items"]
    path = f"/api/approvals/{asked['id']}"
    is_problem(await client.post(path, json={"approved": True, "digest": "another"}), 409)
    answer = await client.post(path, json={"approved": True, "digest": asked["digest"]})
    assert answer.status_code == 200, answer.text
    await until(client, keys["gate"], execution_status="completed")
