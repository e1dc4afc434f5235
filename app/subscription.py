"""One client's live events: the past, page by page, then what is pushed; and the wire forms of an event, made once."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from dataclasses import replace
from enum import StrEnum
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson
import structlog
from pydantic import ValidationError

from core.database import Caller
from core.errors import StewardError, Unauthorized, Unavailable
from tasks.events import TaskEvent, list_task_events

PAGE = 500  # events read at once
BATCH = 100  # events given to a client at once
MOST_WAITING = 1000  # events that a client may lag behind
AGAIN_SECONDS = 1.0  # before the past is asked for again that the database did not tell
STALLED_SECONDS = 30.0  # for one write to a client
UNKNOWN_SECONDS = 180.0  # that somebody is told on when it cannot be asked whether they still may
log = structlog.get_logger()
NOT_SENT = {"organization_id", "root_task_id", "person_id"}  # these say which clients get an event
Key = tuple[UUID, UUID | None]  # an organization, and one task where not everything is wanted


class End(StrEnum):
    """Why the house ended a subscription."""

    SLOW = "The client reads too slowly; come again with the id of the last event seen"
    LEFT = "The organization is no longer yours"
    SIGNED_OUT = "The token is not valid any more"
    UNKNOWN = "Nobody can say any more whether this is yours; come again"
    CLOSING = "The server stops; come again"


class Told:
    """An event on its way. Its wire forms are made once, however many clients get it."""

    def __init__(self, event: TaskEvent) -> None:
        self.event = event
        self.id = event.id

    @cached_property
    def server_sent(self) -> bytes:
        """As `text/event-stream` has it."""
        return b"id: %d\nevent: task\ndata: %b\n\n" % (self.id, self._data)

    @cached_property
    def message(self) -> str:
        """As a WebSocket message: {id, event, data}."""
        return (b'{"id":%d,"event":"task","data":%b}' % (self.id, self._data)).decode()

    @cached_property
    def _data(self) -> bytes:
        return orjson.dumps(self.event.model_dump(mode="json", exclude=NOT_SENT))


class Subscription:
    """One client's events. `ended` is done when the house gives the client up, with the reason."""

    def __init__(
        self,
        caller: Caller,
        organization_id: UUID,
        task_id: UUID | None,
        after: int,
        still_valid: Callable[[], Awaitable[object]] | None,
    ) -> None:
        self.caller = caller
        # The past is of the stream's organization, too, whichever the person chooses meanwhile.
        self._reader = Caller(caller.database, replace(caller.identity, organization_id=organization_id))
        self.key: Key = (organization_id, task_id)
        self.seen = after
        self.still_valid = still_valid
        self.ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._queue: deque[Told] = deque()
        self._has_past = True  # the database has events that neither client nor queue has
        self._is_reading = False
        self._is_quiet = False
        self._waiter: asyncio.Future[None] | None = None
        self._given_at: float | None = None
        self._unknown_since: float | None = None
        self._unfinished: Awaitable[None] | None = None
        self.write_now: Callable[[Told], Awaitable[None] | None] | None = None

    def push(self, told: Told, *, alone: bool = False) -> None:
        """Queue an event. The subscription ends where the queue is full: the client is not waited for.

        An event that comes alone to a client that waits is written at once, where `write_now` is set: that saves a
        switch of tasks for each client. It returns what is left to be awaited where the client's socket is full.
        """
        if self._has_past or self.ended.done():
            return  # a page of the past will hold it
        if alone and self.write_now is not None and told.id > self.seen and self._is_waiting():
            self.seen = told.id
            self._unfinished = self.write_now(told)
            if self._unfinished is not None:
                self._wake()
            return
        if len(self._queue) < MOST_WAITING:
            self._queue.append(told)
            self._wake()
        elif self._is_reading:
            self.look_back()
        else:
            self.end(End.SLOW)

    def look_back(self, newest: int | None = None) -> None:
        """Read the past again, from the last event that the client has seen, before going on live."""
        if newest is not None:
            self.seen = min(self.seen, newest)
        self._queue.clear()
        self._has_past = True
        self._wake()

    def keep_alive(self, now: float) -> None:
        """Give a sign of life to a client that waits; end where the last write to it has stalled."""
        if self._given_at is not None and now - self._given_at > STALLED_SECONDS:
            self.end(End.SLOW)
        self._is_quiet = self._given_at is None and not self._queue
        if self._is_quiet:
            self._wake()

    def judge(self, found: End | StewardError | None) -> None:
        """What was found of the client: that it may go on (None), why not, or the error that kept it from being known."""
        now = asyncio.get_running_loop().time()
        if found is None:
            self._unknown_since = None
        elif isinstance(found, End):
            self.end(found)
        elif self._unknown_since is None:
            self._unknown_since = now
        elif now - self._unknown_since >= UNKNOWN_SECONDS:
            self.end(End.UNKNOWN)

    def end(self, reason: End) -> None:
        """Give the client up."""
        if not self.ended.done():
            self.ended.set_result(reason)
        self._queue.clear()
        self._wake()

    async def batches(self) -> AsyncGenerator[list[Told]]:
        """Up to 500 events at once, the past first, until the subscription ends; an empty list when it was quiet."""
        time = asyncio.get_running_loop().time
        while not self.ended.done():
            if self._unfinished is not None:
                unfinished, self._unfinished = self._unfinished, None
                self._given_at = time()
                await unfinished
                self._given_at = None
            batch = await self._past() if self._has_past else self._take()
            if batch:
                self.seen = batch[-1].id
            elif not self._is_quiet:
                if not self._has_past and not self._queue:
                    await self._wait()
                continue
            self._is_quiet = False
            self._given_at = time()
            yield batch
            self._given_at = None

    async def _past(self) -> list[Told]:
        self._has_past = False  # from here on the queue holds what comes, whether or not the page has it
        self._is_reading = True
        try:
            # A client that leaves must not tear a pooled connection down in the middle of a query.
            events = await asyncio.shield(list_task_events(self._reader, self.key[1], self.seen, PAGE))
        except Unauthorized:  # the client's own token, which the database is shown
            self.end(End.SIGNED_OUT)
            return []
        except (Unavailable, ValidationError) as error:  # whether the client may wait so long, the hub judges
            await log.awarning("past_unknown", error=str(error)[:300])
            self._has_past = True
            await asyncio.sleep(AGAIN_SECONDS)
            return []
        finally:
            self._is_reading = False
        if len(events) == PAGE:
            self.look_back()
        return [Told(event) for event in events]

    def _take(self) -> list[Told]:
        queue, seen = self._queue, self.seen
        batch: list[Told] = []
        while queue and len(batch) < BATCH:
            told = queue.popleft()
            if told.id > seen:
                batch.append(told)
        return batch

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _is_waiting(self) -> bool:
        return self._waiter is not None and not self._waiter.done() and not self._queue

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def begin(work: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Run a coroutine up to where it first waits. None when that was its end, else what remains (or its exception)."""
    try:
        waits_for = work.send(None)
    except StopIteration:
        return None
    except Exception as error:
        return _Rest(work, None, error)
    return _Rest(work, waits_for, None)


class _Rest:
    """A coroutine that has begun already; to be awaited once, in any task of the same loop."""

    def __init__(self, work: Coroutine[Any, Any, None], waits_for: object, error: Exception | None) -> None:
        self._work = work
        self._waits_for = waits_for
        self._error = error

    def __await__(self) -> Generator[Any, None, None]:
        if self._error is not None:
            raise self._error
        waits_for = self._waits_for
        try:
            while True:
                try:
                    yield waits_for
                except BaseException as error:
                    waits_for = self._work.throw(error)
                else:
                    waits_for = self._work.send(None)
        except StopIteration:
            return
