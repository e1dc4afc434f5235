"""A person of a Supabase project deletes everything of theirs: their sessions and their account at Auth are gone as well."""

import psycopg

from app.house import House
from app.person_session import COOKIE
from tests.emulators.supabase import SupabaseLite
from tests.integration.app.test_sign_in import ANA, PASSWORD, browsing, csrf_of, lite, send, sign_up

__all__ = ["lite"]


async def test_the_account_and_every_session_are_gone(house: House, lite: SupabaseLite, database_url: str) -> None:
    async with browsing(house, lite) as ana, browsing(house, lite) as phone:
        await sign_up(ana)
        await send(phone, "/sign-in", action="password", email=ANA, password=PASSWORD)
        assert (await phone.get("/tasks")).status_code == 200
        form = {"csrf_token": await csrf_of(ana), "address": ANA}
        gone = await ana.post("/settings/delete", data=form)
        assert (gone.status_code, gone.headers["location"], COOKIE in ana.cookies) == (
            303,
            "/sign-in?gone=account",
            False,
        )
        assert "your account is gone" in (await ana.get(gone.headers["location"])).text
        tasks = await phone.get("/tasks")
        assert (tasks.status_code, "Water the plants" in tasks.text) != (200, True)
        wrong = await send(ana, "/sign-in", action="password", email=ANA, password=PASSWORD)
        assert (wrong.status_code, COOKIE in ana.cookies) == (401, False)
        again = await sign_up(ana)
        assert again.status_code == 303, "the address is free"
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute("select count(*) from public.organizations o where not exists (select 1 from public.members m where m.organization_id = o.id)")  # fmt: skip
        assert await cursor.fetchone() == (0,)
