"""Handing a task to outside agents, and saying its parts by hand, over HTTP."""

import asyncio
from typing import Any

import httpx

from tests.integration.app.test_api import is_problem


async def test_a_task_is_handed_over_and_broken_down_instead(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, at_work: None
) -> None:
    made = (await client.post("/api/tasks", json={"title": "Find a printer", "execution_type": "manual"})).json()
    url = f"/api/tasks/{made['id']}"
    handed = await client.post(f"{url}/hand-over", json={"capabilities": ["printing"], "instructions": "Near Ghent"})
    assert (handed.status_code, handed.json()) == (200, {"task_ids": [made["id"]]})
    assert (await stranger.post(f"{url}/hand-over", json={})).status_code == 404
    is_problem(await client.post(f"{url}/hand-over", json={"capabilities": [""]}), 422)
    while (task := (await client.get(url)).json())["execution_status"] != "blocked":
        await asyncio.sleep(0.02)
    assert task["blocked_reason"] == "Waits for an agent that can: printing"

    refused: list[tuple[dict[str, Any], str]] = [
        ({"parts": []}, "parts"),
        ({"parts": [{"title": "a", "depends_on": ["b"]}]}, "parts.0.depends_on"),
        ({"parts": [{"title": "a", "children": [{"title": "b"}]}]}, "parts.0.children"),
        ({"parts": [{"title": "a", "tool": "send_everything"}]}, "send_everything"),
    ]
    for wrong, words in refused:
        answer = await client.post(f"{url}/break-down", json=wrong)
        is_problem(answer, 422)
        assert words in answer.text
    parts = [{"title": "Ask Ana"}, {"title": "Order", "key": "order", "depends_on": ["Ask Ana"]}]
    tree = await client.post(f"{url}/break-down", json={"parts": parts})
    assert tree.status_code == 200, tree.text
    first, second = tree.json()["children"]
    assert (tree.json()["blocked_on"], first["title"], second["depends_on"]) == ("subtasks", "Ask Ana", [first["id"]])
    is_problem(await client.post(f"{url}/break-down", json={"parts": parts}), 409)
