"""Web processes that share STEWARD_SECRET_KEY: a link works once, and a session ends, in all of them."""

import asyncio
from base64 import b64encode
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from app.house import House
from app.main import create_app
from app.person_session import COOKIE
from core.database import Caller, Identity
from core.errors import Forbidden, Invalid
from core.keys import Keys

KEY = b64encode(b"k" * 32).decode()


async def test_links_and_sessions_are_used_up_in_every_process(house: House, tmp_path: Path, database_url: str) -> None:
    assert house.owner.user_id
    processes: list[httpx.AsyncClient] = []
    async with AsyncExitStack() as stack:
        for home in ("one", "other"):  # each with a data folder of its own
            settings = house.settings.model_copy(update={"secret_key": SecretStr(KEY), "home": tmp_path / home})
            app = create_app(replace(house, settings=settings), Keys.load(settings.home, secret_key=KEY))
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8765")
            processes.append(await stack.enter_async_context(client))
        link = Keys.load(tmp_path, secret_key=KEY).link_token(house.owner.user_id)
        answers = await asyncio.gather(*(client.get("/", params={"token": link}) for client in processes * 3))
        assert sorted(answer.status_code for answer in answers).count(303) >= 1
        cookies = {value for answer in answers if (value := answer.cookies.get(COOKIE))}
        assert len(cookies) == 1  # whoever came again in the same browser went on without a new session
        for client in processes:
            client.cookies.clear()
            again = await client.get("/", params={"token": link})
            assert (again.status_code, again.cookies.get(COOKIE)) == (401, None)

        here, elsewhere = processes
        replayed = {"Cookie": f"{COOKIE}={cookies.pop()}"}
        page = await here.get("/settings", headers=replayed)
        csrf = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        assert (await elsewhere.get("/api/tasks", headers=replayed)).status_code == 200
        assert (await here.post("/sign-out", headers=replayed, data={"csrf_token": csrf})).status_code == 303
        for client in processes:
            assert (await client.get("/api/tasks", headers=replayed)).status_code == 401

    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("update private.used_tokens set expires_at = now() - interval '1 second'")

        assert await house.database.acting_as(Identity.service()).call("use_token", token_hash="0" * 64, seconds=60)
        left = await connection.execute("select hash from private.used_tokens")
        assert await left.fetchall() == [("0" * 64,)]  # what expired is forgotten


@pytest.mark.parametrize("wrong", [{"token_hash": "no hash"}, {"seconds": 0}])
async def test_only_the_house_uses_links_up(ana: Caller, service: Caller, wrong: dict[str, object]) -> None:
    whole = ana.database.acting_as(Identity.service())
    given = {"token_hash": "0" * 64, "seconds": 60}
    for other in (ana, service):  # a worker of one organization is not the house
        with pytest.raises(Forbidden):
            await other.call("use_token", **given)
        with pytest.raises(Forbidden):
            await other.call("is_token_used", token_hash="0" * 64)
    with pytest.raises(Invalid):
        await whole.call("use_token", **{**given, **wrong})
