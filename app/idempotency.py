"""`Idempotency-Key` on unsafe API requests: the same key and request gives the first answer again."""

import asyncio
import hashlib
import re
from uuid import UUID, uuid5

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.dependencies import current_caller
from app.openapi import asks_who_calls, route_of
from app.problems import WRITTEN, answer_to, may_pass, problem_response, told
from app.security import replaying
from core.database import Caller
from core.errors import Conflict, Invalid, OutcomeUnknown, StewardError, Unavailable
from core.vault import CannotOpen, Vault
from core.written import Written, noting_writes
from tasks.idempotency import (
    FirstRequest,
    abandon_idempotent_request,
    begin_idempotent_request,
    finish_idempotent_request,
)

KEY = re.compile(r"[\x21-\x7e]{1,255}")
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
NOBODY = UUID(int=0)
STORE_TRIES = 3
STORE_PAUSE_SECONDS = 0.2
ALLOWED = "1 to 255 visible ASCII characters are allowed"


class Idempotency:
    """Stores first answers, sealed, by key, person and organization for a day. 409 for another request with the same key.

    What may pass (429, 500 and above, a lost race) is not stored, nor a stream: after those the same key runs the request
    again. But where something was written before, or nobody knows, doing it again could do it twice: then the failed
    answer stays the answer, and of a stream, and of a request whose process died, it is said that it may have been done.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_api = scope["type"] == "http" and scope["path"].startswith("/api/") and scope["method"] in UNSAFE
        headers = Headers(scope=scope) if is_api else Headers()
        key = headers.get("idempotency-key")
        if key is None or not _is_somebodys(scope):
            await self._app(scope, receive, send)
            return
        if not KEY.fullmatch(key):
            raise Invalid(
                f"Idempotency-Key: {ALLOWED}",
                errors=[{"field": "Idempotency-Key", "message": ALLOWED, "value": key[:100]}],
            )
        body = await Request(scope, receive).body()
        replay = replaying(body, receive)
        try:
            caller = await current_caller(Request(scope, replaying(body, receive)))
        except (StewardError, HTTPException):
            await self._app(scope, replay, send)  # the route says who is missing, or that this is no form
            return
        if caller.identity.agent_id is not None:
            message = "the requests of agents take none: what is reported has its own event_id"
            raise Invalid(f"Idempotency-Key: {message}", errors=[{"field": "Idempotency-Key", "message": message}])
        known = await begin_idempotent_request(caller, key, _fingerprint(scope, body))
        if known.mismatch:
            raise Conflict("This Idempotency-Key belongs to another request", hint="Use a new key for a new request.")
        if known.state == "running":
            raise Conflict(
                "The first request with this Idempotency-Key is still running",
                hint="Try again in a moment.",
                retry_after_seconds=1,
            )
        if known.state == "lost":
            raise OutcomeUnknown("The first request with this Idempotency-Key was cut off")
        vault = Vault.from_settings(scope["app"].state.house.settings)
        if known.state == "done":
            await _answer_again(send, known, _opened(vault, caller, key, known.body))
            return
        await _FirstAnswer(caller, key, vault, send).of(self._app, scope, replay)


class _FirstAnswer:
    """Stores a whole answer before it is sent on, so that whoever has it can ask for it again."""

    def __init__(self, caller: Caller, key: str, vault: Vault, send: Send) -> None:
        self._caller = caller
        self._key = key
        self._vault = vault
        self._send = send
        self._start: Message | None = None
        self._has_begun = False  # the client has read of the answer: no other can be given
        self._is_answered = False  # the key is this answer's from then on, kept or not
        self._unkept: OutcomeUnknown | None = None
        self._written = Written()

    async def of(self, app: ASGIApp, scope: Scope, receive: Receive) -> None:
        scope.setdefault("state", {})[WRITTEN] = self._written
        try:
            with noting_writes(self._written):
                await app(scope, receive, self._store_and_send)
        except asyncio.CancelledError:  # the process ends
            await self._answer_instead(scope, receive, OutcomeUnknown("The request was broken off"))
            raise
        except Exception as error:
            if self._unkept:
                raise self._unkept from error
            if not await self._answer_instead(scope, receive, error):
                raise
        finally:
            if not self._written.perhaps and not self._is_answered:
                await abandon_idempotent_request(self._caller, self._key)
            elif not self._is_answered:  # a stream, whole or broken off
                unkept = OutcomeUnknown("The answer was a stream, which is not kept")
                answer = problem_response(Request(scope, receive), told(unkept))
                await self._store({"status": answer.status_code, "headers": answer.raw_headers}, bytes(answer.body))

    async def _answer_instead(self, scope: Scope, receive: Receive, error: Exception) -> bool:
        """Answer with the error, and keep that, where something was written and no answer was given."""
        if self._has_begun or self._is_answered or not self._written.perhaps:
            return False
        answer = await answer_to(Request(scope, receive), error)
        await answer(scope, receive, self._store_and_send)
        return True

    async def _store_and_send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is not None:
            start, self._start = self._start, None
            passes = may_pass(start["status"], says_when="retry-after" in Headers(raw=start["headers"]))
            if not message.get("more_body") and (self._written.perhaps or not passes):
                await self._store(start, message.get("body", b""))
            self._has_begun = True
            await self._send(start)
        await self._send(message)

    async def _store(self, start: Message, body: bytes) -> None:
        """Raises `OutcomeUnknown` where it cannot be stored: what was asked is done, and its key stays taken."""
        self._is_answered = True
        sealed = self._vault.seal({"body": body.decode()}, *_bound(self._caller, self._key))
        content_type = Headers(raw=start["headers"]).get("content-type", "")
        for left in reversed(range(STORE_TRIES)):
            try:
                await finish_idempotent_request(self._caller, self._key, start["status"], sealed, content_type)
            except Unavailable as error:
                if not left:
                    self._unkept = OutcomeUnknown("The answer could not be kept", detail=error.message)
                    raise self._unkept from error
                await asyncio.sleep(STORE_PAUSE_SECONDS)
            else:
                break


def _is_somebodys(scope: Scope) -> bool:
    """Is this served, and to somebody known? What is not served gets 404 or 405, whatever its key says."""
    app = scope["app"]
    route = route_of([*app.state.routes, *app.routes], scope)
    return route is not None and asks_who_calls(route)


def _fingerprint(scope: Scope, body: bytes) -> str:
    target = f"{scope['method']} {scope['path']}?".encode() + scope["query_string"]
    return hashlib.sha256(target + b"\n" + body).hexdigest()


def _bound(caller: Caller, key: str) -> tuple[UUID, UUID]:
    """What a stored answer is sealed to: the person, and the key. An answer may show a secret that is shown just once."""
    user_id = caller.identity.user_id or NOBODY
    return user_id, uuid5(user_id, key)


def _opened(vault: Vault, caller: Caller, key: str, sealed: str | None) -> bytes:
    """The body of the first answer. Raises Conflict where no key opens it any more."""
    try:
        return str(vault.open(sealed or "", *_bound(caller, key))["body"]).encode()
    except CannotOpen as error:
        raise Conflict(
            "The first answer to this Idempotency-Key cannot be read any more", hint="Use a new key."
        ) from error


async def _answer_again(send: Send, known: FirstRequest, body: bytes) -> None:
    headers = [(b"idempotency-replayed", b"true")]
    if known.status != 204:  # RFC 9110, 8.6: no Content-Length there
        headers.append((b"content-length", str(len(body)).encode()))
    if known.content_type:
        headers.append((b"content-type", known.content_type.encode()))
    await send({"type": "http.response.start", "status": known.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
