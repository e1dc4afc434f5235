"""`POST /mcp`: the Model Context Protocol over streamable HTTP. Stateless: each request brings its token and is answered by itself.

GET and DELETE, which open a stream and end a session, are not served: there is neither (the protocol allows 405).
"""

import asyncio
import importlib
import json
import re
from functools import partial
from math import isfinite

from fastapi import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from app._mcp.tool import Visit
from app.api.tasks._execution import settled_at
from app.dependencies import bearer_caller
from app.house import House
from app.seen import house_of

SUSPECT = re.compile(rb"NaN|Infinity|[eE]\+?\d{3}|\d{300}")  # a cheap look: almost no message has to be read twice


async def mcp(request: Request) -> Response:
    """Whoever comes with a token uses tools. Raises what `bearer_caller` does."""
    house: House = house_of(request)
    caller = await bearer_caller(request)
    await asyncio.to_thread(importlib.import_module, "app._mcp.server")  # takes a second, the first time
    return _Conversation(Visit(house, caller, partial(settled_at, house.hub, caller)), house)


class _Conversation(Response):
    """One message of a program and the answer to it, written by the SDK."""

    def __init__(self, visit: Visit, house: House) -> None:
        super().__init__()
        self._visit = visit
        self._most_bytes = house.settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from app._mcp.server import server_for

        body, is_whole = await _read(receive, self._most_bytes)
        if is_whole and _has_no_number(body):
            error = {"code": -32700, "message": "Parse error: NaN and infinity are no JSON"}
            await JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, 400)(scope, receive, send)
            return
        begun: list[Message] = [{"type": "http.request", "body": body, "more_body": not is_whole}]

        async def again() -> Message:
            return begun.pop() if begun else await receive()

        manager = StreamableHTTPSessionManager(
            server_for(self._visit),
            json_response=True,
            stateless=True,
            max_request_body_size=self._most_bytes,
        )
        async with manager.run():
            await manager.handle_request(scope, again, send)


async def _read(receive: Receive, most_bytes: int) -> tuple[bytes, bool]:
    """The body, and whether that is all of it: not beyond the most that is taken, or where the client has gone."""
    parts: list[bytes] = []
    size = 0
    while size <= most_bytes:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if message["type"] != "http.request" or not message.get("more_body", False):
            return b"".join(parts), True
    return b"".join(parts), False


class _NoNumber(Exception):
    """Something in a message is NaN or infinity."""


def _has_no_number(body: bytes) -> bool:
    """Python reads NaN and infinity, which are no JSON: as an id, nothing could be answered."""
    if not SUSPECT.search(body):
        return False
    try:
        json.loads(body, parse_constant=_finite, parse_float=_finite)
    except _NoNumber:
        return True
    except (ValueError, RecursionError):
        return False  # the SDK says what is wrong with it
    return False


def _finite(number: str) -> float:
    value = float(number)
    if not isfinite(value):
        raise _NoNumber
    return value
