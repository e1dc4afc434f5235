"""Today: what has no day is not shown there, and can be reached from there."""

from datetime import timedelta

import httpx

from app.house import House
from tasks import functions
from tests.conftest import NOW


async def test_today_says_how_many_tasks_are_open_beside_those_that_it_shows(
    client: httpx.AsyncClient, house: House
) -> None:
    await functions.create_tasks(house.caller, [{"title": "Some day"}])
    alone = (await client.get("/")).text
    assert "Nothing is due and nothing waits for you." in alone
    await functions.create_tasks(house.caller, [{"title": "Soon", "due_at": (NOW + timedelta(days=2)).isoformat()}])
    page = (await client.get("/")).text
    assert "Soon" in page
    assert "Some day" not in page
    assert 'In all: <a href="/tasks">2 open tasks</a>' in page
