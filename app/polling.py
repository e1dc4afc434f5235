"""Live events where LISTEN is not to be had: the same events, asked for again and again while somebody listens.

Reached over HTTP, a database tells nothing by itself. So the hub asks twice a second, once for everybody where Steward
may speak as the worker, else for each client as that client. Nobody listens: nothing is asked. What is given, and in
which order, is as with LISTEN: ids are given in commit order, and a client begins with the past.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import structlog

from app.live import EventHub, is_cancelled
from app.subscription import Subscription
from core.database import Caller, Database, Identity
from core.errors import StewardError
from tasks.events import get_last_event_id

log = structlog.get_logger()
LOOK_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0  # where the database is out of reach
LOOKS_PER_PLACE = 8  # without news, before the hub asks whether the database was put back


class PollingHub(EventHub):
    """Asks for new events while somebody listens. `for_all`: Steward may read the events of all tenants at once."""

    def __init__(self, database: Database, *, for_all: bool) -> None:
        super().__init__()
        self._reader = database.acting_as(Identity.service())
        self._for_all = for_all
        self._somebody = asyncio.Event()
        self._quiet = 0  # looks since there was news, or since the place was found

    @asynccontextmanager
    async def subscribed(
        self,
        caller: Caller,
        task_id: UUID | None = None,
        after: int = 0,
        still_valid: Callable[[], Awaitable[object]] | None = None,
    ) -> AsyncGenerator[Subscription]:
        """As with LISTEN; the first one wakes the hub, the last one lets it sleep."""
        async with super().subscribed(caller, task_id, after, still_valid) as subscription:
            self._somebody.set()
            try:
                yield subscription
            finally:
                if self.clients == 1:
                    self._somebody.clear()

    async def _listen(self) -> None:
        pause, is_lost = LOOK_SECONDS, False
        while not is_cancelled():
            if not self._somebody.is_set():
                await self._somebody.wait()
                self._cursor = None  # much may have happened: those who came read it as their past
            try:
                await self._look(is_lost)
                pause, is_lost = LOOK_SECONDS, False
            except Exception as error:  # an answer of another form, too: live events go on with the next good one
                detail = (error.detail if isinstance(error, StewardError) else type(error).__name__) or ""
                await log.awarning("poll_failed", error=str(error)[:300], detail=detail)
                pause, is_lost = min(pause * 2, LONGEST_PAUSE_SECONDS), True
            await asyncio.sleep(pause)

    async def _look(self, is_lost: bool) -> None:
        self._quiet += 1
        is_due = is_lost or self._quiet >= LOOKS_PER_PLACE
        if is_due:
            self._quiet = 0
        if not self._for_all:
            for subscription in self._all():
                subscription.look_back(await get_last_event_id(subscription.caller) if is_due else None)
            return
        if self._cursor is None or is_due:
            await self._find_place(self._reader)
        before = self._cursor
        await self._read(self._reader)
        if self._cursor != before:
            self._quiet = 0
