"""The polling hub goes on: after an answer of another form, while the database is away, and when it was put back."""

import asyncio
from pathlib import Path

import pytest

from app.house import House
from app.live import listening
from app.polling import PollingHub
from app.subscription import Subscription
from core.database import Identity
from core.errors import Unavailable
from core.postgres import pool_of
from core.postgrest import PostgrestDatabase
from tasks import functions, organizations
from tests.both_adapters import over_http

PATIENCE = 20


class Stream:
    """What a client hears."""

    def __init__(self, subscription: Subscription) -> None:
        self.heard: list[str] = []
        self._subscription = subscription
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for batch in self._subscription.batches():
            self.heard += [f"{told.event.task_id} {told.event.kind}" for told in batch]

    async def hears(self, house: House, title: str) -> None:
        """Return once it has heard of a new task of this title."""
        (made,) = await house.caller.call("create_tasks", items=[{"title": title}])
        async with asyncio.timeout(PATIENCE):
            while not any(str(made["id"]) in one for one in self.heard):
                assert not self.task.done()
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("for_all", [True, False], ids=["as-the-worker", "as-each-client"])
async def test_odd_answers_an_outage_and_a_restore_end_no_stream(
    house: House, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, for_all: bool
) -> None:
    monkeypatch.setattr("app.polling.LOOK_SECONDS", 0.03)
    monkeypatch.setattr("app.subscription.AGAIN_SECONDS", 0.03)
    answers: list[bytes | None] = []  # None: no answer
    async with over_http(database_url, tmp_path / "http") as reached:
        real = reached.call_json

        async def call_json(
            _: PostgrestDatabase, function: str, identity: Identity, params: dict[str, object]
        ) -> bytes:
            if answers and function in {"read_task_events", "list_task_events", "get_newest_event_id"}:
                if (answer := answers.pop()) is None:
                    raise Unavailable("The database is out of reach")
                return answer
            return await real(function, identity, params)

        monkeypatch.setattr(PostgrestDatabase, "call_json", call_json)
        hub = PollingHub(reached, for_all=for_all)
        async with listening(hub), hub.subscribed(reached.acting_as(house.owner)) as subscription:
            stream = Stream(subscription)
            await stream.hears(house, "Before")
            answers += [b'{"message": "maintenance"}'] * 2
            await stream.hears(house, "After odd answers")
            answers += [None] * 3
            await stream.hears(house, "After an outage")
            async with pool_of(house.database).connection() as connection:  # as a back-up from before would have it
                await connection.execute("delete from public.task_events where id > 1")
                await connection.execute("select setval(pg_get_serial_sequence('public.task_events', 'id'), 1)")
            while not for_all and subscription.seen > 1:  # each client finds its place by itself, now and then
                await asyncio.sleep(0.02)
            await stream.hears(house, "After a restore")
            stream.task.cancel()


@pytest.mark.parametrize("for_all", [True, False], ids=["as-the-worker", "as-each-client"])
async def test_nothing_of_the_organization_chosen_next_comes_on_a_stream_of_the_one_before(
    house: House, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, for_all: bool
) -> None:
    monkeypatch.setattr("app.polling.LOOK_SECONDS", 0.03)
    looks = 0
    async with over_http(database_url, tmp_path / "http") as reached:
        real = reached.call_json

        async def call_json(
            _: PostgrestDatabase, function: str, identity: Identity, params: dict[str, object]
        ) -> bytes:
            nonlocal looks
            answer = await real(function, identity, params)
            looks += function == "list_task_events"
            return answer

        monkeypatch.setattr(PostgrestDatabase, "call_json", call_json)
        hub = PollingHub(reached, for_all=for_all)
        async with listening(hub), hub.subscribed(reached.acting_as(house.owner)) as subscription:
            stream = Stream(subscription)
            await stream.hears(house, "At home")
            await organizations.create_organization(house.caller, "Vega")  # in another tab, where they act from now on
            (made,) = await functions.create_tasks(house.caller, [{"title": "At work"}])
            before = looks
            async with asyncio.timeout(PATIENCE):
                while looks < before + 2:  # the past is read again, as after every outage
                    subscription.look_back()
                    await asyncio.sleep(0.02)
            assert not any(str(made.id) in one for one in stream.heard)
