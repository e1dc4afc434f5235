"""Live events where Postgres tells of them: one LISTEN connection per web process.

A notification carries no content: it wakes the reader, and a lost or doubled one does no harm.
"""

import asyncio
from typing import Any

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool

from app.live import EventHub, is_cancelled
from core.database import Identity
from core.errors import StewardError
from core.postgres import PostgresDatabase

log = structlog.get_logger()
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 1.0  # before the database is asked for a new connection
POLL_SECONDS = 15.0  # without a notification


class ListeningHub(EventHub):
    """Reads when Postgres says that there is something to read."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    async def _listen(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not is_cancelled():
            try:
                async with (
                    await _connect(self._url) as connection,
                    _own_pool(self._url) as pool,
                ):
                    await connection.execute("listen steward_events")
                    reader = PostgresDatabase(pool, self._url).acting_as(Identity.service())
                    await self._find_place(reader)
                    pause = FIRST_PAUSE_SECONDS
                    while not is_cancelled():
                        await self._read(reader)
                        async for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                            pass  # what comes in one burst leads to one read
            except (psycopg.Error, StewardError) as error:
                await log.awarning("listen_failed", error=str(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _own_pool(url: str) -> AsyncConnectionPool[psycopg.AsyncConnection[tuple[Any, ...]]]:
    """The reader's one connection: it never queues behind requests."""
    kwargs = {"autocommit": True, "prepare_threshold": 3}
    return AsyncConnectionPool(url, min_size=1, max_size=1, open=False, timeout=10, kwargs=kwargs)


async def _connect(url: str) -> psycopg.AsyncConnection[tuple[Any, ...]]:
    """A connection that notices within half a minute when the database has vanished without a word."""
    return await psycopg.AsyncConnection.connect(
        url, autocommit=True, keepalives_idle=15, keepalives_interval=5, keepalives_count=3
    )
