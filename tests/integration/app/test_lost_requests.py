"""A request that was cut off after it wrote is never silently done again with its `Idempotency-Key`."""

import httpx
import pytest

from app.house import House
from core.postgres import pool_of

KEY = {"Idempotency-Key": "k-1"}
UNKNOWN = "urn:steward:problem:outcome-unknown"


async def cut_off(house: House, minutes: int) -> None:
    """As if the process had died so long ago, after it wrote and before its answer was kept."""
    query = (
        "update public.idempotency_keys set status = null, body = null, created_at = now() - make_interval(mins => %s)"
    )
    async with pool_of(house.database).connection() as connection:
        await connection.execute(query, (minutes,))


async def titles(client: httpx.AsyncClient) -> list[str]:
    return [task["title"] for task in (await client.get("/api/tasks")).json()["items"]]


@pytest.mark.parametrize("minutes", [11, 23 * 60])
async def test_what_was_cut_off_may_have_been_done(client: httpx.AsyncClient, house: House, minutes: int) -> None:
    await client.post("/api/tasks", json={"title": "Once"}, headers=KEY)
    await cut_off(house, minutes)
    for _ in range(2):
        again = await client.post("/api/tasks", json={"title": "Once"}, headers=KEY)
        assert (again.status_code, again.json()["type"]) == (503, UNKNOWN)
        assert "look before you ask for it again" in again.json()["hint"]
    assert (await client.post("/api/tasks", json={"title": "Other"}, headers=KEY)).status_code == 409
    assert await titles(client) == ["Once"]


async def test_before_ten_minutes_it_may_still_run(client: httpx.AsyncClient, house: House) -> None:
    await client.post("/api/tasks", json={"title": "Once"}, headers=KEY)
    await cut_off(house, 9)
    again = await client.post("/api/tasks", json={"title": "Once"}, headers=KEY)
    assert (again.status_code, again.headers["retry-after"]) == (409, "1")


async def test_after_a_day_the_key_is_free(client: httpx.AsyncClient, house: House) -> None:
    await client.post("/api/tasks", json={"title": "Once"}, headers=KEY)
    await cut_off(house, 25 * 60)
    assert (await client.post("/api/tasks", json={"title": "Once"}, headers=KEY)).status_code == 201


async def test_what_the_chat_streamed_and_wrote_is_not_written_again(client: httpx.AsyncClient) -> None:
    headers = KEY | {"Accept": "text/event-stream"}
    first, again = [
        await client.post("/api/chat", json={"message": "Call Ana tomorrow"}, headers=headers) for _ in range(2)
    ]
    assert first.headers["content-type"].startswith("text/event-stream")
    assert (again.status_code, again.json()["type"]) == (503, UNKNOWN)
    assert await titles(client) == ["Call Ana"]
