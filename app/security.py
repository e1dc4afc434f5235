"""Middleware that every request passes: security headers, the hosts we answer for, size and text of bodies.

Pure ASGI: streams are passed on as they come. Refusals are raised, and become problems at `app.problems.Boundary`.
"""

import json
import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import BadRequest, Invalid, NotJson, TooLarge

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-DNS-Prefetch-Control": "off",  # a browser would look up the host of every link that is only shown
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Where the public address is HTTPS: a browser that was here once asks for no page without it (RFC 6797; none believes it over HTTP).
HTTPS_ALONE = "max-age=31536000"
FORMS_ARE_TAKEN = {  # Slack sends forms, and signs each
    "/api/integrations/slack/commands",
    "/api/integrations/slack/interactions",
}
EVERY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound  # nosec B104
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # Postgres's text has neither U+0000 nor halves of characters
MAYBE_UNSTORABLE = re.compile(rb"\\u(0000|[dD][89a-fA-F])")


class SecurityHeaders:
    """Adds the headers above to every answer; what is not a static file is not stored by caches."""

    def __init__(self, app: ASGIApp, *, is_https: bool = False) -> None:
        self._app = app
        self._headers = SECURITY_HEADERS | ({"Strict-Transport-Security": HTTPS_ALONE} if is_https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


class KnownHosts:
    """Answers only for the host names of this installation, so that no foreign name can be bound to it (DNS rebinding).

    Listening on every address, it also answers for addresses written as numbers: a browser only sends these of itself.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = {host.casefold().strip("[]") for host in hosts}
        self._any_address = bool(self._hosts & EVERY_ADDRESS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            host = Headers(scope=scope).get("host", "")
            if not self._is_known(host):
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})
                    return
                raise BadRequest(f"Nothing is served for the host {host[:100]!r}")
        await self._app(scope, receive, send)

    def _is_known(self, host: str) -> bool:
        match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(:\d{1,5})?", host)
        if match is None:
            return False
        name = match[1].casefold().strip("[]")
        return name in self._hosts or (self._any_address and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class BodyLimit:
    """Refuses bodies over the limit, whatever Content-Length says; and API bodies that are not said to be JSON."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        body = await self._read(Headers(scope=scope), receive)
        if body is None:
            return  # the client went away
        content = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().casefold()
        is_json = content == "application/json" or content.endswith("+json")
        is_form = content == "application/x-www-form-urlencoded" and scope["path"] in FORMS_ARE_TAKEN
        if body and scope["path"].startswith("/api/") and not (is_json or is_form):
            raise NotJson(
                f"The body is said to be {content[:100] or 'nothing'!r}", hint="Send Content-Type: application/json."
            )
        await self._app(scope, replaying(body, receive), send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        length = headers.get("content-length", "0")
        body = bytearray()
        has_more = True
        while has_more:
            if len(body) > self._most or (length.isdecimal() and len(length) < 20 and int(length) > self._most):
                raise TooLarge("The body is too large", detail=f"{self._most} bytes are taken at most")
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            has_more = message.get("more_body", False)
        if len(body) > self._most:
            raise TooLarge("The body is too large", detail=f"{self._most} bytes are taken at most")
        return bytes(body)


class StorableText:
    """Refuses what Postgres's text cannot hold, naming the field: U+0000, and in JSON a lone half of a character.

    It needs the whole body in one message, as `BodyLimit` hands it on. Uploaded files may hold any byte.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        try:
            if "\x00" in scope["path"]:
                raise _unstorable("path")
            _refuse_unstorable_pairs(scope["query_string"])
        except Invalid:
            if scope["type"] != "websocket":
                raise
            await receive()  # the handshake
            await send({"type": "websocket.close", "code": 1008, "reason": "This cannot be kept"})
            return
        if scope["type"] == "http" and scope["method"] not in {"GET", "HEAD", "OPTIONS"}:
            message = await receive()
            body = message.get("body", b"")
            content = Headers(scope=scope).get("content-type", "").casefold()
            if content.startswith("application/x-www-form-urlencoded"):
                _refuse_unstorable_pairs(body)
            elif "json" in content and MAYBE_UNSTORABLE.search(body):
                _refuse_unstorable_json(body)
            receive = replaying(body, receive)
        await self._app(scope, receive, send)


def _refuse_unstorable_pairs(encoded: bytes) -> None:
    if b"%00" not in encoded and b"\x00" not in encoded:
        return
    for name, value in parse_qsl(encoded.decode("latin-1"), keep_blank_values=True, separator="&"):
        if "\x00" in name or "\x00" in value:
            raise _unstorable(name)


def _refuse_unstorable_json(body: bytes) -> None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return  # whoever reads it for good says what is wrong with it
    refuse_unstorable(value)


def refuse_unstorable(value: object) -> None:
    """Raises Invalid, naming the field, where decoded JSON has text that cannot be kept."""
    field = next(_unstorable_fields(value), None)
    if field is not None:
        raise _unstorable(field)


def _unstorable_fields(root: Any) -> Iterator[str]:
    waiting: list[tuple[str, Any]] = [("", root)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            if UNSTORABLE.search(value):
                yield path.removeprefix(".") or "body"
        elif isinstance(value, dict):
            for key, inner in cast("dict[str, Any]", value).items():
                waiting += [(f"{path}.{key}", key), (f"{path}.{key}", inner)]
        elif isinstance(value, list):
            waiting += [(f"{path}.{index}", inner) for index, inner in enumerate(cast("list[Any]", value))]


def _unstorable(field: str) -> Invalid:
    field = UNSTORABLE.sub("\ufffd", field)[:100]
    message = "Text cannot hold the character U+0000, nor half of a character (U+D800 to U+DFFF)"
    return Invalid(f"{field}: {message}", errors=[{"field": field, "message": message}])


def replaying(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives this body once, and then what the client sends: that it has gone."""
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
