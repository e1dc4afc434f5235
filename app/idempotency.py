"""`Idempotency-Key` on unsafe API requests: the same key and request gives the first answer again."""

import hashlib
import re
from typing import Any

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.dependencies import current_caller
from app.security import refuse
from core.database import Caller
from core.errors import StewardError

KEY = re.compile(r"[\x21-\x7e]{1,255}")
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


class Idempotency:
    """Stores first answers by key, person and organization for a day. 409 for another request with the same key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_api = scope["type"] == "http" and scope["path"].startswith("/api/") and scope["method"] in UNSAFE
        request = Request(scope, receive) if is_api else None
        key = request.headers.get("idempotency-key") if request else None
        if request is None or key is None or "text/event-stream" in request.headers.get("accept", ""):
            await self._app(scope, receive, send)
            return
        if not KEY.fullmatch(key):
            await refuse(
                send, 422, "invalid", "A value is wrong", "Idempotency-Key is 1 to 255 visible ASCII characters"
            )
            return
        body = await request.body()

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        try:
            caller = await current_caller(Request(scope, replay))
        except StewardError:
            await self._app(scope, replay, send)  # the route says who is missing
            return
        fingerprint = hashlib.sha256(
            f"{scope['method']} {scope['path']}?".encode() + scope["query_string"] + b"\n" + body
        ).hexdigest()
        known = await caller.call("begin_idempotent_request", key=key, fingerprint=fingerprint)
        if known["mismatch"]:
            await refuse(
                send,
                409,
                "conflict",
                "This key belongs to another request",
                "Use a new Idempotency-Key for a new request",
            )
        elif known["state"] == "running":
            await refuse(
                send, 409, "conflict", "The first request with this key is still running", "Try again in a moment"
            )
        elif known["state"] == "done":
            await _answer_again(send, known)
        else:
            await self._first(scope, replay, send, caller, key)

    async def _first(self, scope: Scope, receive: Receive, send: Send, caller: Caller, key: str) -> None:
        start: Message = {}
        body = bytearray()

        async def keep(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, keep)
        finally:
            if start and start["status"] < 500:
                media = next((v.decode() for k, v in start["headers"] if k.lower() == b"content-type"), "")
                await caller.call(
                    "finish_idempotent_request", key=key, status=start["status"], body=body.decode(), content_type=media
                )
            else:
                await caller.call("abandon_idempotent_request", key=key)


async def _answer_again(send: Send, known: dict[str, Any]) -> None:
    body = (known["body"] or "").encode()
    headers = [(b"idempotency-replayed", b"true"), (b"content-length", str(len(body)).encode())]
    if known["content_type"]:
        headers.append((b"content-type", known["content_type"].encode()))
    await send({"type": "http.response.start", "status": known["status"], "headers": headers})
    await send({"type": "http.response.body", "body": body})
