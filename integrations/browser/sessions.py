"""The living sessions of this process by task: kept a while after a run, so that the next one finds the page as it was."""

import time
from collections.abc import Iterable
from functools import cache
from uuid import UUID

from integrations.browser.chromium import Chromium, chromium_of_this_process
from integrations.browser.proxy import Resolve
from integrations.browser.session import Session

IDLE_SECONDS = 15 * 60
MOST_SESSIONS = 8


class Sessions:
    """At most `most` pages; the one that was used longest ago goes first."""

    def __init__(self, chromium: Chromium, *, most: int = MOST_SESSIONS, idle_seconds: float = IDLE_SECONDS) -> None:
        self.chromium = chromium
        self._most = most
        self._idle_seconds = idle_seconds
        self._living: dict[UUID, tuple[Session, float]] = {}

    async def of_task(
        self, task_id: UUID, sites: Iterable[str], resolve: Resolve, *, stored: str | None = None
    ) -> Session:
        """The living session of a task, else a new one with the stored state. Raises NotConnected, Temporary."""
        await self._make_room(task_id)
        known = self._living.get(task_id)
        if known is not None and not known[0].is_dead:
            session = known[0]
        else:
            session = Session(self.chromium, sites, resolve)
            try:
                await session.open(stored)
            except BaseException:
                await session.close()
                raise
        self._living[task_id] = (session, time.monotonic())
        self.chromium.later(self._idle_seconds + 1, self._close_idle)
        return session

    async def _close_idle(self) -> None:
        """Close pages that nobody came back to, and the browser with the last of them."""
        await self._make_room(None)
        if not self._living:
            await self.chromium.rest()

    async def _make_room(self, wanted: UUID | None) -> None:
        now = time.monotonic()
        oldest_first = sorted(self._living.items(), key=lambda item: item[1][1])
        spare = len(self._living) + (wanted is not None and wanted not in self._living) - self._most
        for task_id, (session, used) in oldest_first:
            is_busy = session.lock.locked()
            if task_id != wanted and not is_busy and (spare > 0 or session.is_dead or now - used > self._idle_seconds):
                spare -= 1
                self._living.pop(task_id, None)
                await session.close()


@cache
def sessions_of_this_process(program: str | None = None) -> Sessions:
    """The one set of pages, on the one browser."""
    return Sessions(chromium_of_this_process(program))
