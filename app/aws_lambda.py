"""The door of AWS Lambda for pages and API: behind API Gateway's HTTP API, with the PostgREST adapter.

The house is opened with the first event and kept for as long as the function is warm. An answer is handed over whole, so
nothing can be streamed: a stream tells what has happened since the last id and ends, with word that the client is to
ask again (`retry`), which browsers do by themselves.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

import orjson
import structlog
from mangum import Mangum
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.aws_lambda_agents import settings_on_aws
from app.aws_lambda_events import EDGE_HEADER, check_event, viewer_of
from app.house import open_house
from app.live import EventHub
from app.main import create_app
from app.subscription import End, Subscription, Told
from core.database import Caller
from core.errors import BadRequest, StewardError, TooLarge, Unavailable
from core.keys import Keys
from core.settings import Settings

log = structlog.get_logger()
TEXTS = ["text/", "application/json", "application/problem+json", "application/manifest+json", "image/svg+xml"]
EDGE_KEY = "STEWARD_AWS_EDGE_KEY"  # what CloudFront shows; see docs/guide/aws.md
AGAIN_MILLISECONDS = 4000
# Browsers ask again after so long; a page learns that it is told now and then, not at once (app/static/live.js).
POLLED = b"retry: %d\nevent: polled\ndata: {}\n\n" % AGAIN_MILLISECONDS
MOST_PAGES = 4  # of the past in one answer: the rest comes with the next
MOST_PAST_BYTES = 2_000_000  # the same: whoever gets an error for a stream does not ask again
# What Lambda hands over at once, less the room for headers (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
MOST_ANSWER_BYTES = 6_000_000


class Past(Subscription):
    """What has happened, and no more: it ends where another would begin to wait."""

    _pages = _bytes = 0

    async def _past(self) -> list[Told]:
        self._pages += 1
        if self._pages > MOST_PAGES or self._bytes > MOST_PAST_BYTES:
            self.end(End.CLOSING)
            return []
        page = await super()._past()
        for number, told in enumerate(page, 1):
            self._bytes += len(told.server_sent)
            if self._bytes > MOST_PAST_BYTES:
                self.look_back()  # the rest is still the past
                return page[:number]
        return page

    async def _wait(self) -> None:
        self.end(End.CLOSING)


class PastHub(EventHub):
    """Gives nothing out live: between two events the function sleeps, and so does everything in it."""

    async def _listen(self) -> None:
        """There is nothing to wait for."""

    @asynccontextmanager
    async def subscribed(
        self,
        caller: Caller,
        task_id: UUID | None = None,
        after: int = 0,
        still_valid: Callable[[], Awaitable[object]] | None = None,
    ) -> AsyncGenerator[Subscription]:
        """As the hub of a server, for what is past."""
        async with super().subscribed(caller, task_id, after, still_valid) as live:
            yield Past(caller, live.key[0], task_id, live.seen, None)


@dataclass(frozen=True)
class OneHost:
    """The application under its public name, whichever way a request came; its streams end with when to come again.

    API Gateway hands on only what was sent to its own names, and behind CloudFront that is not what the browser shows:
    origins, cookies and links are about the public one.
    """

    app: ASGIApp
    host: str
    edge_key: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
        client = (viewer_of(sent, scope["client"][0], self.edge_key), 0)
        headers = [(name, value) for name, value in sent if name.lower() not in {b"host", EDGE_HEADER}]
        is_stream = False

        async def send_to_the_end(message: Message) -> None:
            nonlocal is_stream
            if message["type"] == "http.response.start":
                is_stream = any(
                    name.lower() == b"content-type" and value.startswith(b"text/event-stream")
                    for name, value in message["headers"]
                )
            elif is_stream and not message.get("more_body", False):
                message = {**message, "body": message.get("body", b"") + POLLED}
            await send(message)

        headers.insert(0, (b"host", self.host.encode()))
        await self.app({**scope, "client": client, "headers": headers}, receive, send_to_the_end)


class Web:
    """A warm function: its event loop, its house, and the application in it."""

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        self._settings = settings
        self._loop = loop
        self._open = AsyncExitStack()
        self._mangum: Mangum | None = None

    async def open(self) -> None:
        """Raises Unavailable where the project does not answer, or the function is not told enough."""
        settings = self._settings
        if settings.secret_key is None:
            raise Unavailable(
                "STEWARD_SECRET_KEY is not set",
                hint="Every function signs sessions with the same key: 32 bytes in base64.",
            )
        house = await self._open.enter_async_context(open_house(settings, over_http=True))
        house = replace(house, hub=PastHub())
        keys = Keys.from_settings(settings)
        host = urlsplit(settings.public_url or "").netloc
        app = cast("Any", OneHost(create_app(house, keys), host, os.environ.get(EDGE_KEY, "").strip()))
        self._mangum = Mangum(app, lifespan="off", text_mime_types=TEXTS)

    def answer(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """API Gateway's answer to its event; a problem where Lambda would not hand it over."""
        assert self._mangum is not None  # nosec B101 # open() comes first
        return within_limit(self._mangum(cast("Any", event), context))

    def close(self) -> None:
        """Let the house go."""
        self._loop.run_until_complete(self._open.aclose())
        self._loop.close()


_warm: Web | None = None


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """One request in the form 2.0 of API Gateway's HTTP API. What keeps the house from opening is told as a problem (503)."""
    global _warm  # noqa: PLW0603 # what Lambda keeps between two events is what a module keeps
    try:
        check_event(event)
    except BadRequest as error:
        log.warning("event_refused", error=error.message)
        return _problem(error, {})
    if _warm is None:
        try:
            _warm = opened(event)
        except StewardError as error:
            log.error("not_opened", error=error.message, detail=error.detail, hint=error.hint)
            return _not_open()
    return _warm.answer(event, context)


def opened(event: Mapping[str, Any]) -> Web:
    """A function that was cold, with its house open. The public address is the setting's, else API Gateway's own name."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # the one that Mangum takes
    try:
        settings = loop.run_until_complete(settings_on_aws())
        if settings.public_url is None:
            settings = settings.model_copy(update={"public_url": f"https://{event['requestContext']['domainName']}"})
        web = Web(settings, loop)
        loop.run_until_complete(web.open())
    except BaseException:
        loop.close()
        asyncio.set_event_loop(None)
        raise
    return web


def forget() -> None:
    """As if the function were cold."""
    global _warm  # noqa: PLW0603 # as above
    if _warm is not None:
        _warm.close()
        _warm = None


def within_limit(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, else a problem that says how large it is: beyond its limit Lambda fails, and who asked hears of no reason."""
    size = len(orjson.dumps(answer))  # with what JSON adds to a body that is a text in it
    if size <= MOST_ANSWER_BYTES:
        return answer
    log.warning("answer_too_large", status=answer["statusCode"], bytes=size)
    error = TooLarge(
        "The answer is too large to be handed over here",
        detail=f"it has {size} bytes, a function gives {MOST_ANSWER_BYTES} at most; what was asked for was done",
        hint="Ask for less at once. Files come from the store: `steward artifacts move` puts those there that lie in the database.",
    )
    return _problem(error, {})


def _not_open() -> dict[str, Any]:
    """Why is in the log: who asks need not know how this is set up."""
    error = Unavailable("Steward cannot be reached for the moment", hint="Try again in a minute.")
    return _problem(error, {"retry-after": "60"})


def _problem(error: StewardError, headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "statusCode": error.status,
        "headers": {"content-type": "application/problem+json", "cache-control": "no-store", **headers},
        "body": orjson.dumps(error.problem()).decode(),
        "isBase64Encoded": False,
    }
