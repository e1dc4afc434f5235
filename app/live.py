"""Live events: one reader per web process, fanned out to every client of the process.

The reader reads what is new of all tenants once and gives each event to the subscriptions of its own organization. A subscription begins with the past, read as the client itself (row-level
security), and goes on live. Ids are given in commit order, so one integer says what a client has seen: nothing is
missed between past and live, nothing comes twice, and a lost or doubled wake-up does no harm.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from time import time
from uuid import UUID

import orjson
import structlog

from app.subscription import PAGE, End, Key, Subscription, Told
from core.auth import unverified_claims
from core.database import SERVICE, Caller, Identity
from core.errors import Forbidden, StewardError, Unauthorized
from tasks.capture import get_profile
from tasks.events import TaskEvent, get_last_event_id, get_newest_event_id, read_task_events
from tasks.tokens import live_tokens

log = structlog.get_logger()
KEEP_ALIVE_SECONDS = 15.0
MEMBERSHIP_SECONDS = 60.0
TOKENS_SECONDS = 2.0  # a program's stream ends so soon after its token was revoked or expired


class EventHub(ABC):
    """Reads new events once and gives each to the subscriptions it concerns; how it hears of news, its kinds know.

    `app.listening` is told by Postgres, `app.polling` asks.
    """

    def __init__(self) -> None:
        self._subscriptions: dict[Key, set[Subscription]] = {}
        self._cursor: int | None = None  # the newest event given out
        self._latest: datetime | None = None  # and when it happened
        self._is_closing = False  # it ran, and ended: who comes now would wait for nothing

    @property
    def clients(self) -> int:
        """How many subscriptions there are now."""
        return len(self._all())

    async def run(self) -> None:
        """Listen, read and give out until cancelled; reconnects, and catches up then. Ends all streams when it ends."""
        self._is_closing = False
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(), name="events: listen")
                group.create_task(self._keep_alive(), name="events: keep alive")
                group.create_task(self._keep_members(), name="events: members")
                group.create_task(self._keep_tokens(), name="events: tokens")
        finally:
            self._is_closing = True
            for subscription in self._all():
                subscription.end(End.CLOSING)

    @asynccontextmanager
    async def subscribed(
        self,
        caller: Caller,
        task_id: UUID | None = None,
        after: int = 0,
        still_valid: Callable[[], Awaitable[object]] | None = None,
    ) -> AsyncGenerator[Subscription]:
        """Events of a task (of its whole tree, where it is a root) or of the caller's organization, after an id.

        `still_valid` is asked every minute, like the membership, and raises Unauthorized where the client's token has
        run out. Raises Forbidden for callers without an organization, Unavailable without a database.
        """
        organization_id = await _organization_of(caller)
        if organization_id is None:
            raise Forbidden("You belong to no organization", hint="Ask somebody to invite you.")
        if after and (self._cursor is None or after > self._cursor):  # ahead of us, or of the database: it was put back
            after = min(after, await get_last_event_id(caller))
        subscription = Subscription(caller, organization_id, task_id, after, still_valid)
        self._subscriptions.setdefault(subscription.key, set()).add(subscription)
        if self._is_closing:
            subscription.end(End.CLOSING)
        try:
            yield subscription
        finally:
            group = self._subscriptions[subscription.key]
            group.discard(subscription)
            if not group:
                del self._subscriptions[subscription.key]

    async def follow(
        self, caller: Caller, task_id: UUID | None = None, after: int = 0
    ) -> AsyncIterator[TaskEvent | None]:
        """The same, one by one, until the house ends it; None when it was quiet for 15 s."""
        async with self.subscribed(caller, task_id, after) as subscription:
            async for batch in subscription.batches():
                if not batch:
                    yield None
                for told in batch:
                    yield told.event

    async def check_members(self) -> None:
        """End the subscriptions of those who left their organization, or whose token has run out.

        What is wrong with one keeps no other from its turn; one of which nothing is known for minutes ends, too.
        """
        groups: dict[tuple[Identity, str | None, UUID], list[Subscription]] = {}
        for subscription in self._all():
            identity = subscription.caller.identity
            groups.setdefault((identity, identity.access_token, subscription.key[0]), []).append(subscription)
        for subscriptions in groups.values():
            tokens = [await _verdict(_token_holds(one)) for one in subscriptions]
            await asyncio.sleep(0)  # others have their turn
            if any(not isinstance(found, End) for found in tokens):
                member = await _verdict(_is_member(subscriptions[0]))
                tokens = [found if isinstance(found, End) else member or found for found in tokens]
            for subscription, found in zip(subscriptions, tokens, strict=True):
                subscription.judge(found)

    async def check_tokens(self, service: Caller) -> None:
        """End the subscriptions of programs whose token works no more. Nothing is asked where no program listens."""
        by_token: dict[UUID, list[Subscription]] = {}
        for subscription in self._all():
            if subscription.caller.identity.token_id:
                by_token.setdefault(subscription.caller.identity.token_id, []).append(subscription)
        live = await live_tokens(service, list(by_token))
        for token_id in by_token.keys() - live:
            for subscription in by_token[token_id]:
                subscription.end(End.SIGNED_OUT)

    @abstractmethod
    async def _listen(self) -> None:
        """Find the place, and read on whenever there is news, until cancelled."""

    async def _find_place(self, reader: Caller) -> None:
        newest = await get_newest_event_id(reader)
        is_put_back = self._cursor is not None and newest < self._cursor  # after a crash the last ids may come again
        if is_put_back:
            newest = await self._last_of_the_past(reader, newest)
        if self._cursor is None or is_put_back:
            self._cursor = newest
            for subscription in self._all():
                subscription.look_back(newest if is_put_back else None)

    async def _last_of_the_past(self, reader: Caller, newest: int) -> int:
        """Of a database that was put back: the id before its first event that is younger than all that was given out."""
        latest = self._latest
        if latest is None:
            return newest
        events = await read_task_events(reader, max(0, newest - PAGE), PAGE)
        return next((event.id - 1 for event in events if event.created_at > latest), newest)

    async def _read(self, reader: Caller) -> None:
        while True:
            events = await read_task_events(reader, self._cursor or 0, PAGE)
            for event in events:
                self._give(Told(event), alone=len(events) == 1)
                self._cursor = event.id
                self._latest = max(event.created_at, self._latest or event.created_at)
            if len(events) < PAGE:
                return
            await asyncio.sleep(0)  # the clients write

    def _give(self, told: Told, *, alone: bool) -> None:
        event = told.event
        if event.organization_id is None:
            return
        for about in {None, event.task_id, event.root_task_id}:
            for subscription in self._subscriptions.get((event.organization_id, about), ()):
                if event.person_id in {None, subscription.caller.identity.user_id}:
                    subscription.push(told, alone=alone)

    async def _keep_alive(self) -> None:
        clock = asyncio.get_running_loop().time
        while not is_cancelled():
            await asyncio.sleep(KEEP_ALIVE_SECONDS)
            for subscription in self._all():
                subscription.keep_alive(clock())

    async def _keep_members(self) -> None:
        while not is_cancelled():
            await asyncio.sleep(MEMBERSHIP_SECONDS)
            try:
                await self.check_members()
            except Exception as error:  # one odd answer ends no stream
                await log.awarning("members_unknown", error=str(error)[:300])

    async def _keep_tokens(self) -> None:
        while not is_cancelled():
            await asyncio.sleep(TOKENS_SECONDS)
            asks = next((one.caller for one in self._all() if one.caller.identity.token_id), None)
            try:
                if asks is not None:
                    await self.check_tokens(asks.database.acting_as(Identity.service()))
            except Exception as error:  # an answer of another form, too: the next round may know more
                await log.awarning("tokens_unknown", error=str(error)[:300])

    def _all(self) -> list[Subscription]:
        return [subscription for group in self._subscriptions.values() for subscription in group]


def is_cancelled() -> bool:
    """Is this task asked to end? Python 3.11's `wait_for`, which psycopg waits with, swallows a cancellation that comes together with its result

    (python/cpython#86296); so whoever loops around it asks.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _organization_of(caller: Caller) -> UUID | None:
    """The one organization whose events the caller may see: the worker's named one, or the person's."""
    if caller.identity.role == SERVICE:
        return caller.identity.organization_id
    organization = (await get_profile(caller))["organization"]
    return UUID(organization["id"]) if organization else None


async def _verdict(asking: Awaitable[End | None]) -> End | StewardError | None:
    """Why a subscription is over; None where it is not; the error where that cannot be known now."""
    try:
        return await asking
    except Unauthorized:
        return End.SIGNED_OUT
    except StewardError as error:
        await log.awarning("stream_unknown", error=error.message)
        return error


async def _token_holds(subscription: Subscription) -> End | None:
    """Raises Unauthorized where the client's token holds no more: by its own time, or as its door says."""
    token = subscription.caller.identity.access_token
    if token and unverified_claims(token).get("exp", 0) <= time():
        return End.SIGNED_OUT
    if subscription.still_valid is not None:
        await subscription.still_valid()
    return None


async def _is_member(subscription: Subscription) -> End | None:
    return End.LEFT if await _organization_of(subscription.caller) != subscription.key[0] else None


@asynccontextmanager
async def listening(hub: EventHub) -> AsyncGenerator[None]:
    """The hub listens while the block runs."""
    running = asyncio.create_task(hub.run(), name="event-hub")
    await asyncio.sleep(0)  # it has begun, and whoever comes now is not sent away
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def server_sent_event(name: str, data: object, event_id: int | None = None) -> bytes:
    """One event of `text/event-stream` (WHATWG HTML, server-sent events); `data` as one line of JSON."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {name}\n".encode() + b"data: " + orjson.dumps(data) + b"\n\n"
