"""A web process over HTTP shows itself in the database: it has no connection there that tells a restore that it serves."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import structlog

from core.database import Caller, Database, Identity
from core.errors import StewardError
from core.postgres import PostgresDatabase
from tasks.web_processes import heartbeat_web_process, retire_web_process

log = structlog.get_logger()
BEAT_SECONDS = 15.0  # a process is taken for dead after a minute of silence
PATIENCE_SECONDS = 3.0


@asynccontextmanager
async def shown(database: Database) -> AsyncGenerator[None]:
    """The process is heard of while the block runs; not where it has a connection, or no key to speak for the house with."""
    service = database.acting_as(Identity.service())
    if isinstance(database, PostgresDatabase) or not database.can_speak_for(service.identity):
        yield
        return
    own = uuid4()
    beating = asyncio.create_task(_beat(service, own), name="web process")
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait([beating])
        await _retire(service, own)


async def _beat(service: Caller, own: UUID) -> None:
    while True:
        try:
            await heartbeat_web_process(service, own)
        except StewardError as error:
            await log.awarning("web_process_not_shown", error=error.message)
        await asyncio.sleep(BEAT_SECONDS)


async def _retire(service: Caller, own: UUID) -> None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await retire_web_process(service, own)
    except (StewardError, TimeoutError) as error:
        await log.awarning("web_process_not_retired", error=str(error))
