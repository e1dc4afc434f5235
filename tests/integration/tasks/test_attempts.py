"""Tries of signing in are counted in the database: for every process, by the second, and for nobody who may not."""

import asyncio
import hashlib

import psycopg
import pytest

from core.database import Caller, Database, Identity
from core.errors import Forbidden, Invalid, Unauthorized
from tasks.attempts import take_attempt

ANA, BEN = (hashlib.sha256(name).hexdigest() for name in (b"ana", b"ben"))


async def test_so_many_at_once_and_then_one_for_each_share_of_the_time(database: Database, database_url: str) -> None:
    house = database.acting_as(Identity.service())
    taken = await asyncio.gather(*(take_attempt(house, ANA, 7, 60) for _ in range(12)))
    assert (taken.count(0), all(1 <= wait <= 9 for wait in taken if wait)) == (7, True)
    assert await take_attempt(house, BEN, 7, 60) == 0
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("update private.attempts set full_at = full_at - interval '9 seconds'")
        assert [await take_attempt(house, ANA, 7, 60) > 0 for _ in range(2)] == [False, True]
        await connection.execute(
            "update private.attempts set full_at = now() - interval '1 second' where hash = %s", (ANA,)
        )
        await take_attempt(house, BEN, 7, 60)
        kept = await (await connection.execute("select hash from private.attempts")).fetchall()
    assert kept == [(BEN,)]  # who may try as often as anybody is forgotten


@pytest.mark.parametrize("wrong", [{"attempt_hash": "no hash"}, {"most": 0}, {"seconds": 0}, {"seconds": 86401}])
async def test_what_cannot_be_counted_is_refused(database: Database, wrong: dict[str, object]) -> None:
    given = {"attempt_hash": ANA, "most": 5, "seconds": 60, **wrong}
    with pytest.raises(Invalid):
        await database.acting_as(Identity.service()).call("take_attempt", **given)


async def test_nobody_but_the_house_counts(ana: Caller, service: Caller) -> None:
    nobody = ana.database.acting_as(Identity.nobody())
    for other in (ana, service, nobody):  # a worker of one organization is not the house
        with pytest.raises((Forbidden, Unauthorized)):
            await take_attempt(other, ANA, 5, 60)
