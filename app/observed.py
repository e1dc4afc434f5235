"""The outermost middleware: each request becomes numbers, a span, and one event in the log (level info).

Routes are told by their pattern (`/api/tasks/{task_id:uuid}`), never by what was asked for, so that neither ids nor
nonsense make new time series. Pure ASGI: streams are passed on as they come.
"""

import re
from contextlib import ExitStack
from time import perf_counter

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.meters import Meters
from core.tracing import is_tracing, parent_from, span

log = structlog.get_logger()
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
NO_ROUTE = "(none)"
METERS = "steward.meters"
CONVERTER = re.compile(r":\w+(?=})")


class Observed:
    """Counts, times and traces what passes. /metrics finds the meters in its scope."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._meters = Meters.new()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[METERS] = self._meters
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            with self._meters.streams.labels("websocket").track_inprogress():
                await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        method = scope["method"] if scope["method"] in METHODS else "(other)"
        answer = _Answer()

        with ExitStack() as open_until_end:

            async def observed(message: Message) -> None:
                if message["type"] == "http.response.start" and answer.status is None:
                    answer.status = message["status"]
                    self._count(scope, method, message["status"], perf_counter() - began)
                    if Headers(raw=message.get("headers", [])).get("content-type", "").startswith("text/event-stream"):
                        open_until_end.enter_context(self._meters.streams.labels("sse").track_inprogress())
                await send(message)

            parent = parent_from(dict(Headers(scope=scope))) if is_tracing() else None
            with span("request", parent, method=method) as current:
                try:
                    await self._app(scope, receive, observed)
                finally:
                    current.note(route=route_of(scope), status=answer.status or 500)
            if answer.status is None:
                self._count(scope, method, 500, perf_counter() - began)
        log.info(
            "request_answered",
            method=method,
            route=route_of(scope),
            status=answer.status,
            milliseconds=round((perf_counter() - began) * 1000, 1),
        )

    def _count(self, scope: Scope, method: str, status: int, seconds: float) -> None:
        route = route_of(scope)
        self._meters.requests.labels(method, route, str(status)).inc()
        self._meters.seconds.labels(method, route).observe(seconds)


class _Answer:
    status: int | None = None


def route_of(scope: Scope) -> str:
    """The pattern that a request was matched by; "(none)" where there is no such route, or nobody got that far."""
    path = getattr(scope.get("route"), "path", None)
    return CONVERTER.sub("", path) if isinstance(path, str) else NO_ROUTE
