"""The owner on a database whose people Supabase Auth keeps: found, made by Auth, and never half a row."""

import psycopg
import pytest

from app import owner
from app.owner import ensure_owner
from core.database import Identity
from core.errors import Conflict, Unavailable
from core.settings import Settings
from tests.emulators.supabase import supabase_lite

ADDRESS = "Robin@vega.example"


async def people(url: str) -> list[tuple[str, str | None]]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute(
            "select email, raw_app_meta_data ->> 'steward_owner' from auth.users order by 1"
        )
        return [(str(email), mark) for email, mark in await cursor.fetchall()]


async def put(url: str, confirmed: bool, address: str = "robin@vega.example") -> None:
    """Somebody as Auth keeps them."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute(
            """insert into auth.users (id, email, email_confirmed_at, raw_user_meta_data, raw_app_meta_data)
               values (gen_random_uuid(), %s, case when %s then now() end, '{}', '{"provider": "email"}')
               on conflict (email) do update set email_confirmed_at = excluded.email_confirmed_at""",
            (address, confirmed),
        )


async def test_only_auth_makes_people_where_it_keeps_them(
    database_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, ...]] = []

    async def make(*told: str) -> None:  # Lite has no admin API: what it is asked stands in test_auth.py
        made.append(told)
        await put(database_url, confirmed=True)
        raise Conflict("another process was first")

    monkeypatch.setattr(owner, "make_person", make)
    confirms = {"email": {"enable_confirmations": True}}
    async with supabase_lite(database_url, auth=confirms) as lite, supabase_lite(database_url) as careless:
        unset = settings.model_copy(update={"owner_email": "owner@localhost"})
        assert (await ensure_owner(database_url, unset)).user_id is None
        named = settings.model_copy(update={"owner_email": ADDRESS})
        with pytest.raises(Unavailable, match="not among the people") as lacks:
            await ensure_owner(database_url, named)
        assert "SUPABASE_SECRET_KEY" in str(lacks.value.hint)
        await put(database_url, confirmed=False)
        with pytest.raises(Unavailable, match="did not confirm"):  # anybody could have signed up so
            await ensure_owner(database_url, named)
        assert await people(database_url) == [("robin@vega.example", None)]
        async with await psycopg.AsyncConnection.connect(database_url) as connection:
            await connection.execute("delete from auth.users")
        given = {
            "supabase_url": lite.url,
            "supabase_publishable_key": lite.publishable_key,
            "supabase_secret_key": lite.secret_key,
        }
        whole = Settings.model_validate({**named.model_dump(), **given})
        first = await ensure_owner(database_url, whole)
        assert made == [(lite.url, lite.secret_key, ADDRESS, "Robin Vega")]
        assert await people(database_url) == [("robin@vega.example", "true")]
        assert await ensure_owner(database_url, whole) == first
        assert (await ensure_owner(database_url, unset)).user_id is None
        assert await people(database_url) == [
            ("robin@vega.example", "true")
        ]  # of another process, which has the setting
        await put(database_url, confirmed=True, address="ana@vega.example")
        another = whole.model_copy(update={"owner_email": "ana@vega.example"})
        with pytest.raises(Unavailable, match="confirms no addresses"):  # the first who came has it
            await ensure_owner(database_url, another.model_copy(update={"supabase_url": careless.url}))
        assert await ensure_owner(database_url, another) not in (first, Identity.nobody())
        assert await people(database_url) == [("ana@vega.example", "true"), ("robin@vega.example", None)]


async def test_on_a_database_of_our_own_the_settings_person_is_the_owner_and_an_address_is_nobody_elses(
    database_url: str, settings: Settings
) -> None:
    unset = settings.model_copy(update={"owner_email": "owner@localhost", "owner_name": ""})
    named = settings.model_copy(update={"owner_email": ADDRESS})
    await put(database_url, confirmed=True)  # somebody out of a back-up
    new = await ensure_owner(database_url, unset)
    robin = await ensure_owner(database_url, named)
    assert robin != new
    assert await people(database_url) == [("owner@localhost", None), ("robin@vega.example", "true")]
    assert await ensure_owner(database_url, unset) == robin  # no setting takes no address away
    moved = settings.model_copy(update={"owner_email": "robin@new.example"})
    assert [await ensure_owner(database_url, moved) for _ in range(2)] == [robin, robin]
    assert await people(database_url) == [("owner@localhost", None), ("robin@new.example", "true")]
