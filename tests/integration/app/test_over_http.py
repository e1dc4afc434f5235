"""A house on a project's URL and keys: what it does, what it says it lacks, and live events without LISTEN."""

import asyncio
from pathlib import Path

import pytest

from app.house import House, open_house
from app.live import listening
from app.polling import PollingHub
from cli.doctor import check_house
from cli.doctor_outside import check_sending
from cli.doctor_supabase import check_project
from cli.run import _migrate  # pyright: ignore[reportPrivateUsage]
from core.database import Identity
from core.errors import Unavailable
from core.postgrest import PostgrestDatabase
from core.settings import Settings
from tasks.events import list_task_events
from tests.both_adapters import over_http
from tests.emulators.supabase import SupabaseLite, supabase_lite


def project(lite: SupabaseLite, home: Path, **more: str) -> Settings:
    """Settings of somebody who has the URL and the key of a project."""
    given = {"SUPABASE_URL": lite.url, "SUPABASE_PUBLISHABLE_KEY": lite.publishable_key, **more}
    return Settings.model_validate({"home": home, **given})


async def test_url_and_keys_are_enough_for_the_web_and_the_rest_names_what_it_needs(
    database_url: str, tmp_path: Path
) -> None:
    async with supabase_lite(database_url, auth=False) as lite:
        bare, signing = project(lite, tmp_path), project(lite, tmp_path, SUPABASE_JWT_SECRET=lite.jwt_secret)
        async with open_house(signing, over_http=True) as house:
            assert isinstance(house.database, PostgrestDatabase)
            assert house.owner == Identity.nobody()
            with pytest.raises(Unavailable, match="needs a connection"):
                await house.worker()
        for refused in (open_house(signing).__aenter__(), _migrate(signing)):
            with pytest.raises(Unavailable, match="needs a connection") as caught:
                await refused
            assert "STEWARD_DATABASE_URL" in str(caught.value.hint)
        assert [(one.state, "HTTP" in one.said) for one in await check_house(signing)] == [("ok", True)]
        (limited,) = await check_house(bare)
        assert (limited.state, "SUPABASE_SIGNING_KEY" in limited.hint) == ("note", True)
    (gone,) = await check_house(bare)
    assert gone.state == "broken"


async def test_doctor_says_who_sends_where_no_connection_is(tmp_path: Path) -> None:
    given = {"SUPABASE_URL": "http://127.0.0.1:9", "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_some"}
    sending = await check_sending(Settings.model_validate({"home": tmp_path, **given}))
    assert sending.said == "from the mailbox that each person connects under Settings"
    assert "outbox" in (await check_sending(Settings.model_validate({"home": tmp_path}))).said


async def test_doctor_names_the_url_or_the_key_that_is_not_the_projects(database_url: str, tmp_path: Path) -> None:
    async def found(**more: str) -> list[tuple[str, str]]:
        settings = project(lite, tmp_path, **more)
        return [
            (one.state, one.said) for one in await check_project(settings) if "confirms" not in one.said
        ]  # Lite confirms nobody

    async with supabase_lite(database_url) as lite:
        ((state, said),) = await found(SUPABASE_SECRET_KEY=lite.secret_key)
        assert (state, said.count("_KEY")) == ("ok", 2)
        wrong = (await found(SUPABASE_SECRET_KEY="sb_secret_another"))[0]
        assert wrong == ("broken", f"{lite.url} does not know SUPABASE_SECRET_KEY")
        both = await found(SUPABASE_SECRET_KEY="sb_secret_another", SUPABASE_PUBLISHABLE_KEY="sb_publishable_another")
        assert [state for state, _ in both] == ["broken", "broken"]
        ((state, said),) = await found(SUPABASE_PUBLISHABLE_KEY="")
        assert (state, "SUPABASE_PUBLISHABLE_KEY is not" in said) == ("note", True)
    assert [state for state, _ in await found()] == ["broken"]  # nobody is there any more
    lone = Settings.model_validate({"home": tmp_path, "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_some"})
    with pytest.raises(Unavailable, match="SUPABASE_URL is not"):
        async with open_house(lone):
            raise AssertionError("a database of our own was opened")
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize("for_all", [True, False])
async def test_events_come_by_asking_and_nothing_is_asked_for_nobody(
    house: House, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, for_all: bool
) -> None:
    monkeypatch.setattr("app.polling.LOOK_SECONDS", 0.02)
    async with over_http(database_url, tmp_path / "http") as reached:
        asked: list[str] = []
        call_json = reached.call_json

        async def counted(_: PostgrestDatabase, function: str, identity: Identity, params: dict[str, object]) -> bytes:
            asked.append(function)
            return await call_json(function, identity, params)

        monkeypatch.setattr(PostgrestDatabase, "call_json", counted)
        hub = PollingHub(reached, for_all=for_all)
        async with listening(hub):
            await asyncio.sleep(0.1)
            assert asked == []
            async with hub.subscribed(reached.acting_as(house.owner)) as subscription:
                got: list[int] = []
                for title in ("One", "Two", "Three"):
                    await house.caller.call("create_tasks", items=[{"title": title}])
                    expected = [event.id for event in await list_task_events(house.caller, None, 0, 100)]
                    async with asyncio.timeout(20):
                        async for batch in subscription.batches():
                            got += [told.id for told in batch]
                            if len(got) >= len(expected):
                                break
                    assert got == expected
            await asyncio.sleep(0.3)
            asked.clear()
            await asyncio.sleep(0.1)
            assert asked == []
