"""Live events: one LISTEN connection per web process wakes every stream; each stream reads its own rows.

A notification carries no content, only that something of an organization changed, so what a client sees always passes
row-level security under its own identity, and a lost or doubled wake-up does no harm.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import orjson
import psycopg
import structlog

from core.database import Caller
from tasks.functions import list_task_events
from tasks.models import TaskEvent

log = structlog.get_logger()
KEEP_ALIVE_SECONDS = 15.0
RECONNECT_SECONDS = 1.0
BATCH = 500


class EventHub:
    """Wakes waiting streams when `task_events` has grown."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: set[asyncio.Event] = set()

    async def run(self) -> None:
        """LISTEN until cancelled; reconnects, and wakes everybody then, since something may have been missed."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
                    await connection.execute("listen steward_events")
                    self._wake()
                    async for _ in connection.notifies():
                        self._wake()
            except psycopg.Error as error:
                await log.awarning("listen_failed", error=str(error))
            await asyncio.sleep(RECONNECT_SECONDS)

    def _wake(self) -> None:
        for waiting in self._waiting:
            waiting.set()

    async def follow(
        self, caller: Caller, task_id: UUID | None = None, after: int = 0
    ) -> AsyncIterator[TaskEvent | None]:
        """Events of a task's tree (or all of the caller's) after an id, for ever; None when it was quiet for 15 s."""
        wake = asyncio.Event()
        self._waiting.add(wake)
        try:
            while True:
                wake.clear()
                # A client that leaves must not tear a pooled connection down in the middle of a query.
                events = await asyncio.shield(list_task_events(caller, task_id, after, BATCH))
                for event in events:
                    after = event.id
                    yield event
                if events:
                    continue
                try:
                    await asyncio.wait_for(wake.wait(), KEEP_ALIVE_SECONDS)
                except TimeoutError:
                    yield None
        finally:
            self._waiting.discard(wake)


@asynccontextmanager
async def listening(hub: EventHub) -> AsyncGenerator[None]:
    """The hub listens while the block runs."""
    running = asyncio.create_task(hub.run(), name="event-hub")
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def as_server_sent_events(events: AsyncIterator[TaskEvent | None]) -> AsyncIterator[bytes]:
    """The events in the wire format of `text/event-stream` (WHATWG HTML, server-sent events)."""
    yield b"retry: 1000\n\n"
    async for event in events:
        if event is None:
            yield b": quiet\n\n"
        else:
            yield server_sent_event("task", event.model_dump(mode="json"), event.id)


def server_sent_event(name: str, data: object, event_id: int | None = None) -> bytes:
    """One event; `data` as one line of JSON."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {name}\n".encode() + b"data: " + orjson.dumps(data) + b"\n\n"
