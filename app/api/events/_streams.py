"""Live events on the wire: `text/event-stream`, and the same events as WebSocket messages."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from secrets import randbelow
from typing import Annotated, Any, Protocol
from uuid import UUID

import structlog
from fastapi import Header, Request, WebSocket
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from app.api._answers import listing
from app.cursors import decode_cursor
from app.dependencies import current_caller, identify
from app.limits import StreamLimiter
from app.live import EventHub
from app.subscription import End, Subscription, Told, begin
from core.database import Caller
from core.errors import Forbidden, Invalid, NotFound, StewardError, TooMany, Unauthorized, Unavailable
from tasks.events import get_last_event_id, list_task_events
from tasks.functions import get_task

log = structlog.get_logger()
LAST_ID = 2**62
LastEventId = Annotated[str, Header(json_schema_extra={"pattern": r"^[0-9]{0,18}$"})]
FAREWELL_SECONDS = 1.0  # for the last words to a client; one that does not read them is cut off
CLOSE_CODES = {End.SLOW: 1013, End.LEFT: 4404, End.SIGNED_OUT: 4401, End.UNKNOWN: 1013, End.CLOSING: 1001}
ERROR_CODES = {Unauthorized: 4401, NotFound: 4404, Forbidden: 4404, TooMany: 1013, Unavailable: 1013}


class Voice(Protocol):
    """Words events otherwise than they are stored, and may say more beside them, for one client."""

    def server_sent(self, told: Told) -> bytes:
        """An event as `text/event-stream` has it; empty for one that is not told."""
        ...

    def message(self, told: Told) -> str:
        """An event as a WebSocket message; empty for one that is not told."""
        ...

    async def beside(self, subscription: Subscription, say: "Callable[[Aside], Awaitable[None]]") -> None:
        """Say what is no event, for as long as the stream is open."""
        ...


class Aside(Protocol):
    """What a voice says beside events, in both wire forms."""

    @property
    def server_sent(self) -> bytes: ...

    @property
    def message(self) -> str: ...


class EventStream(Response):
    """A stream of server-sent events (WHATWG HTML) that ends when the client leaves or is given up."""

    media_type = "text/event-stream"

    def __init__(
        self, request: Request, caller: Caller, task_id: UUID | None, after: int, voice: Voice | None = None
    ) -> None:
        self._voice = voice
        self._request = request
        self._caller = caller
        self._task_id = task_id
        self._after = after
        self.status_code = 200
        self.background = None
        self.init_headers({"X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with _subscribed(self._request, self._caller, self._task_id, self._after) as subscription:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await _until_it_ends(subscription, self._write(subscription, send), _has_gone(receive))
            try:
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            except TimeoutError:
                await log.ainfo("stream_cut_off")

    async def _write(self, subscription: Subscription, send: Send) -> None:
        # Clients come back at different moments; an id alone moves a browser's Last-Event-ID and shows nothing.
        body = b"retry: %d\nid: %d\n\n" % (1000 + randbelow(2000), subscription.seen)
        await send({"type": "http.response.body", "body": body, "more_body": True})
        if self._voice is not None:
            await self._speak(self._voice, subscription, send)
            return
        subscription.write_now = lambda told: begin(
            send({"type": "http.response.body", "body": told.server_sent, "more_body": True})  # pyright: ignore[reportArgumentType]
        )
        async for batch in subscription.batches():
            match batch:
                case []:
                    body = b": quiet\n\n"
                case [told]:
                    body = told.server_sent  # the same bytes for every client
                case _:
                    body = b"".join([told.server_sent for told in batch])
            await send({"type": "http.response.body", "body": body, "more_body": True})

    async def _speak(self, voice: Voice, subscription: Subscription, send: Send) -> None:
        one_at_a_time = asyncio.Lock()

        async def say(body: bytes) -> None:
            async with one_at_a_time:
                await send({"type": "http.response.body", "body": body, "more_body": True})

        async def tell() -> None:
            async for batch in subscription.batches():
                body = b"".join([voice.server_sent(told) for told in batch]) if batch else b": quiet\n\n"
                if body:
                    await say(body)

        await _with_asides(tell(), voice.beside(subscription, lambda aside: say(aside.server_sent)))


@asynccontextmanager
async def _subscribed(
    request: Request, caller: Caller, task_id: UUID | None, after: int
) -> AsyncGenerator[Subscription]:
    """One more stream of the person who asks, read as `caller`. Raises TooMany, and what `EventHub.subscribed` does."""
    streams: StreamLimiter = request.app.state.streams
    hub: EventHub = request.app.state.house.hub
    with streams.one_of(str(request.state.identity.user_id)):
        async with hub.subscribed(caller, task_id, after, partial(identify, request)) as subscription:
            yield subscription


async def _with_asides(telling: Coroutine[Any, Any, None], asides: Coroutine[Any, Any, None]) -> None:
    """Tell events, and say what is beside them, until the telling ends. What goes wrong beside ends it, too."""
    tasks = [asyncio.create_task(telling), asyncio.create_task(asides)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


async def _has_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


Opening = Callable[[Caller], Awaitable[tuple[Caller, Voice | None]]]
"""Looks at what a caller wants to follow, and says as whom it is read and how it is worded (None: as events are)."""


async def serve_websocket(websocket: WebSocket, task_id: UUID | None = None, opening: Opening | None = None) -> None:
    """Events as messages {id, event, data}, after `?after=` (or from now on with `?tail=true`), until somebody leaves.

    Close codes: 4401 the token is not valid, 4403 a foreign origin, 4404 not yours, 1008 a wrong parameter,
    1013 too slow, too many or no database, 1001 the server stops. What the client says is not read.
    """
    await websocket.accept()  # codes reach a browser only after this
    try:
        code, reason = await _converse(websocket, task_id, opening)
    except WebSocketDisconnect:
        return
    except StewardError as error:
        code, reason = next((c for kind, c in ERROR_CODES.items() if isinstance(error, kind)), 1011), error.message
    try:
        async with asyncio.timeout(FAREWELL_SECONDS):
            await websocket.close(code, reason.encode()[:120].decode(errors="ignore"))
    except TimeoutError:
        await log.ainfo("stream_cut_off")


async def _converse(websocket: WebSocket, task_id: UUID | None, opening: Opening | None) -> tuple[int, str]:
    """The code and reason to close with. Raises WebSocketDisconnect when the client left."""
    origin = websocket.headers.get("origin")
    host = websocket.headers.get("host")  # one of ours: `KnownHosts` has seen to it
    if origin is not None and origin not in {f"http://{host}", f"https://{host}"}:
        return 4403, "Pages of other sites may not connect here"
    after = websocket.query_params.get("after", "0")
    tail = websocket.query_params.get("tail", "false")
    if not _is_id(after):
        return 1008, f"after: {after[:30]!r} is not an id; 0 to {LAST_ID} is allowed"
    if tail not in {"true", "false"}:
        return 1008, f"tail: {tail[:30]!r} is neither true nor false"
    request = Request({**websocket.scope, "type": "http", "method": "GET"})  # as the handshake was (RFC 6455, 4.1)
    caller = await current_caller(request)
    voice = None
    if opening is not None:
        caller, voice = await opening(caller)
    elif task_id is not None:
        await get_task(caller, task_id)
    begin = await place(caller, int(after), tail=tail == "true")
    async with _subscribed(request, caller, task_id, begin) as subscription:
        end = await _until_it_ends(subscription, _tell(subscription, websocket, voice), _has_left(websocket))
    if end is None:
        raise WebSocketDisconnect
    return CLOSE_CODES[end], end.value


def begins_after(after: int, last_event_id: str, cursor: str | None) -> int:
    """The id to begin after: the header's (a browser that comes back), else the cursor's, else `after`.

    Raises Invalid that names what is no id.
    """
    if last_event_id:
        if not _is_id(last_event_id):
            message = f"it is the id of an event, 0 to {LAST_ID}; leave the header out to begin anew"
            raise Invalid(
                f"Last-Event-ID: {last_event_id[:30]!r} is not the id of an event",
                errors=[{"field": "last-event-id", "message": message, "value": last_event_id[:100]}],
            )
        return int(last_event_id)
    if not cursor:
        return after
    match decode_cursor(cursor):
        case [int() as seen] if type(seen) is int and 0 <= seen <= LAST_ID:
            return seen
        case _:
            raise Invalid(
                "The cursor is not one that this list gave out",
                errors=[{"field": "cursor", "message": "leave it out to begin anew"}],
            )


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= LAST_ID


async def page_of_events(caller: Caller, task_id: UUID | None, after: int, limit: int) -> Response:
    """A page of events, oldest first; its cursor stands for the last one, where the page is full."""
    events = await list_task_events(caller, task_id, after, limit)
    return listing(events, [events[-1].id] if len(events) == limit else None)


async def place(caller: Caller, after: int, *, tail: bool) -> int:
    """The id to begin after; with `tail` and no id, the newest. One that comes back from an empty past has an id: 0."""
    return await get_last_event_id(caller) if tail and not after else after


async def _tell(subscription: Subscription, websocket: WebSocket, voice: Voice | None) -> None:
    send = websocket.send
    if voice is not None:
        await _with_asides(
            _words(subscription, websocket, voice),
            voice.beside(subscription, lambda aside: send({"type": "websocket.send", "text": aside.message})),
        )
        return
    subscription.write_now = lambda told: begin(send({"type": "websocket.send", "text": told.message}))
    async for batch in subscription.batches():
        for told in batch:
            await send({"type": "websocket.send", "text": told.message})


async def _words(subscription: Subscription, websocket: WebSocket, voice: Voice) -> None:
    async for batch in subscription.batches():
        for told in batch:
            if text := voice.message(told):
                await websocket.send({"type": "websocket.send", "text": text})


async def _has_left(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _until_it_ends(
    subscription: Subscription, writing: Coroutine[Any, Any, None], leaving: Coroutine[Any, Any, None]
) -> End | None:
    """Write until the house ends the subscription, which is returned, or the client leaves: None.

    A writer that cannot go on (the past cannot be read) ends it, too: the client comes back with its last id.
    """
    tasks = [asyncio.create_task(writing), asyncio.create_task(leaving)]
    try:
        await asyncio.wait([*tasks, subscription.ended], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    if isinstance(outcomes[0], StewardError):
        await log.awarning("stream_failed", error=outcomes[0].message, detail=outcomes[0].detail)
        subscription.end(End.CLOSING)
    elif isinstance(outcomes[0], Exception) and not isinstance(outcomes[0], WebSocketDisconnect):
        raise outcomes[0]
    return subscription.ended.result() if subscription.ended.done() else None
