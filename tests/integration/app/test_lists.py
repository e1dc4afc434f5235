"""Lists over the API: cursors lead through all of it, and a parameter that a list does not have is named."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.cursors import encode_cursor
from tests.integration.app.test_api import is_problem
from tests.integration.app.test_trees_api import make, part

LISTS = (
    "/api/tasks",
    "/api/tasks/execute",
    "/api/drafts",
    "/api/approvals",
    "/api/conversations",
    "/api/events",
    "/api/tasks/{id}/events",
    "/api/tasks/{id}/steps",
    "/api/tasks/{id}/plan-changes",
    "/api/tasks/{id}/log",
)


@pytest.fixture
async def shop(client: httpx.AsyncClient) -> str:
    """The id of a tree with a few events."""
    return (await make(client, part("a"), part("b"), part("c")))["id"]


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_refuses_what_it_does_not_know(client: httpx.AsyncClient, shop: str, path: str) -> None:
    here = path.replace("{id}", shop)
    body = is_problem(await client.get(here, params={"serach": "x", "serach2": "y"}), 422)
    assert [error["field"] for error in body["errors"]] == ["serach", "serach2"]
    assert "allowed: " in body["errors"][0]["message"]
    assert (await client.get(here)).status_code == 200


async def test_the_allowed_parameters_are_named(client: httpx.AsyncClient) -> None:
    body = is_problem(await client.get("/api/tasks", params={"search": "x"}), 422)
    assert "q, archived, sort, limit, cursor" in body["detail"]
    body = is_problem(await client.get(f"/api/tasks/{uuid4()}/steps", params={"limit": 3}), 422)
    assert "allowed: none" in body["detail"]
    is_problem(await client.get("/api/tasks?%ED%A0%80=1"), 422)


async def test_strangers_learn_nothing_of_parameters(client: httpx.AsyncClient) -> None:
    is_problem(await client.get("/api/tasks", params={"search": "x"}, headers={"Authorization": "Bearer x"}), 401)


@pytest.mark.parametrize("path", ["/api/events", "/api/tasks/{id}/events"])
async def test_events_come_page_by_page(client: httpx.AsyncClient, shop: str, path: str) -> None:
    here = path.replace("{id}", shop)
    whole = (await client.get(here)).json()
    assert whole["next_cursor"] is None
    found: list[dict[str, Any]] = []
    params: dict[str, Any] = {"limit": 2}
    for _ in range(len(whole["items"])):
        page = (await client.get(here, params=params)).json()
        found += page["items"]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert found == whole["items"]
    assert len(found) > 3
    rest = (await client.get(here, params={"after": found[1]["id"]})).json()["items"]
    assert rest == found[2:]


@pytest.mark.parametrize(
    "cursor", ["zzz", "!", encode_cursor([]), encode_cursor(["x"]), encode_cursor([-1]), encode_cursor([2**63]), "é"]
)
async def test_a_cursor_that_is_none_is_refused(client: httpx.AsyncClient, shop: str, cursor: str) -> None:
    for path in ("/api/events", f"/api/tasks/{shop}/events"):
        body = is_problem(await client.get(path, params={"cursor": cursor}), 422)
        assert body["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 30, "1 2"])
async def test_a_wrong_last_event_id_is_told_in_words(client: httpx.AsyncClient, shop: str, last: str) -> None:
    for path in ("/api/events", f"/api/tasks/{shop}/events"):
        body = is_problem(await client.get(path, headers={"Last-Event-ID": last}), 422)
        assert body["errors"][0]["field"] == "last-event-id"
        assert "is not the id of an event" in body["detail"]
        assert "pattern" not in body["detail"]
    assert (await client.get("/api/events", headers={"Last-Event-ID": ""})).status_code == 200
