"""Two calls that wait for each other: one is broken off by the database, tried again, and both are done."""

import asyncio

import psycopg
import pytest

from core.database import Database, Identity, open_database

CROSS = """
create function public.cross_over(first integer, second integer) returns integer language plpgsql as $$ begin
  perform pg_advisory_xact_lock(cross_over.first); perform pg_sleep(0.2); perform pg_advisory_xact_lock(cross_over.second); return cross_over.first;
end $$;
grant execute on function public.cross_over to authenticated, service_role;
"""


@pytest.mark.parametrize("role", ["authenticated", "service_role"])
async def test_a_deadlock_is_tried_again(database_url: str, role: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute(CROSS.encode())
    who = Identity(None, role)

    async def cross(database: Database, first: int, second: int) -> int:
        return await database.call("cross_over", who, {"first": first, "second": second})

    async with open_database(f"{database_url} options='-c deadlock_timeout=20ms'", min_size=2) as database:
        for _ in range(2):
            assert await asyncio.gather(cross(database, 1, 2), cross(database, 2, 1)) == [1, 2]
