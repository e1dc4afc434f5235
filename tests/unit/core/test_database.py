"""What the database adapter does with a call that was broken off."""

from collections.abc import Mapping
from typing import Any

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from core.database import Identity
from core.errors import Conflict, Unavailable
from core.postgres import PostgresDatabase


class Deadlocked(PostgresDatabase):
    """Its calls are broken off so often, in a pipeline that cannot be left then."""

    left = 0

    async def _once(self, function: str, identity: Identity, params: Mapping[str, object]) -> bytes:
        if self.left:
            self.left -= 1
            try:
                raise psycopg.errors.DeadlockDetected("deadlock detected")
            except psycopg.Error:
                raise psycopg.OperationalError("cannot exit pipeline mode while busy")  # noqa: B904 # as psycopg does it
        return b"1"


async def test_a_deadlock_is_tried_again_also_where_psycopg_hides_it() -> None:
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool("", open=False)
    database = Deadlocked(pool, "")
    database.left = 7
    assert await database.call("x", Identity(None), {}) == 1
    database.left = 8
    with pytest.raises(Conflict, match="at the same time"):
        await database.call("x", Identity(None), {})
    with pytest.raises(Unavailable):
        await Lost(pool, "").call("x", Identity(None), {})


class Lost(PostgresDatabase):
    """Out of reach."""

    async def _once(self, function: str, identity: Identity, params: Mapping[str, object]) -> bytes:
        raise psycopg.OperationalError("server closed the connection")
