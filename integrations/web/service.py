"""JSON APIs of services over guarded HTTP: what each status means, and what was said about it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote

import httpx

from core.outside.errors import Malformed, Refused, SignInExpired, Temporary, Uncertain
from integrations.web.client import AGENT, broken, retry_after_seconds, unsent
from integrations.web.guard import Guard, TooMuch, parsed_url

LATER = {408, 425, 429}


class NotThere(Refused):
    """The service knows no such thing, or does not show it to this account."""

    type = "not-there"
    title = "There is no such thing there"


class Changed(Refused):
    """Somebody else has changed it since it was seen; nothing was done."""

    type = "changed-outside"
    title = "It has changed since it was seen"


@dataclass(frozen=True)
class ServiceApi:
    """One service: its name for people, where it is, what every request carries, what to do when it is not let in."""

    name: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    guard: Guard
    hint: str

    async def read(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """The JSON at a path. Raises NotThere, Refused, SignInExpired, Temporary or Malformed."""
        answer, body = await self._ask("GET", path, params, None, is_reading=True)
        self._refuse(answer, body, is_reading=True)
        value = _json(body)
        if value is None:
            raise Malformed(f"The answer of {self.name} cannot be understood", detail=f"{len(body)} bytes, not JSON")
        return value

    async def tagged(self, path: str) -> tuple[Any, str | None]:
        """As `read`, and the answer's ETag."""
        answer, body = await self._ask("GET", path, None, None, is_reading=True)
        self._refuse(answer, body, is_reading=True)
        value = _json(body)
        if value is None:
            raise Malformed(f"The answer of {self.name} cannot be understood", detail=f"{len(body)} bytes, not JSON")
        return value, answer.headers.get("etag")

    async def change(
        self, method: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Any:
        """What the service answers to a change; None where it says nothing.

        Raises Refused, Changed, SignInExpired or Temporary when nothing took effect, Uncertain when nobody knows.
        """
        answer, said = await self._ask(method, path, None, body, is_reading=False, headers=headers)
        self._refuse(answer, said, is_reading=False)
        if said is None:
            raise Uncertain(f"{self.name} took it, and the answer broke off")
        value = _json(said)
        if value is None and said.strip():
            raise Uncertain(f"{self.name} took it, and its answer cannot be understood")
        return value

    async def _ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None,
        *,
        is_reading: bool,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[httpx.Response, Any]:
        url = parsed_url(self.url + path)
        content = json.dumps(body, ensure_ascii=False).encode() if body is not None else None
        all_headers = {"Accept": "application/json", "User-Agent": AGENT, **self.headers, **(headers or {})}
        if content is not None:
            all_headers["Content-Type"] = "application/json"
        async with self.guard.client() as client:
            try:
                request = client.build_request(
                    method, url, params=dict(params) if params else None, headers=all_headers, content=content
                )
                answer = await client.send(request, stream=True)
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError) as error:
                raise unsent(error, self.name, is_reading) from error
            try:
                return answer, await answer.aread()
            except (httpx.HTTPError, TooMuch) as error:
                if is_reading:
                    raise broken(error, self.name) from error
                return answer, None if answer.is_success else b""
            finally:
                await answer.aclose()

    def _refuse(self, answer: httpx.Response, body: bytes | None, *, is_reading: bool) -> None:
        status = answer.status_code
        if answer.is_success:
            return
        said = said_in(body or b"")
        wait = retry_after_seconds(answer.headers)
        if status == 403 and (limit := _limit_seconds(answer.headers)) is not None:
            raise Temporary(f"{self.name} limits how much is asked of it", detail=said, retry_after_seconds=limit)
        if status == 401:
            raise SignInExpired(f"{self.name} does not accept the sign-in", hint=self.hint)
        if status == 404:
            raise NotThere(f"{self.name} has no such thing", detail=said)
        if status == 412:
            raise Changed(f"{self.name} says that it has changed since", detail=said)
        if status in LATER or (status >= 500 and is_reading) or (status == 503 and wait is not None):
            raise Temporary(f"{self.name} answers {status}", detail=said, retry_after_seconds=wait)
        if status >= 500 and status != 501:
            raise Uncertain(f"{self.name} answers {status}: whether it took effect is not known", detail=said)
        raise Refused(f"{self.name} refused it ({status})", detail=said)


def segment(text: object) -> str:
    """One segment of a path, quoted; what would climb out of it is refused."""
    value = str(text)
    if value in {"", ".", ".."}:
        raise Refused(f"{value!r} cannot stand in an address")
    return quote(value, safe="")


def rows_of(answer: Any, name: str | None, service: str) -> list[Mapping[str, Any]]:
    """The objects in a list that a service answered, under a name or by itself. Raises Malformed where there is none."""
    found: Any = cast("Mapping[str, Any]", answer).get(name) if name and isinstance(answer, Mapping) else answer
    if not isinstance(found, list):
        raise Malformed(f"The answer of {service} has no list" + (f" of {name}" if name else ""))
    return [cast("Mapping[str, Any]", one) for one in cast("list[Any]", found) if isinstance(one, Mapping)]


def inside(row: Mapping[str, Any], *names: str) -> Any:
    """What lies at a path of objects; None where there is nothing."""
    value: Any = row
    for name in names:
        value = cast("Mapping[str, Any]", value).get(name) if isinstance(value, Mapping) else None
    return value


def _limit_seconds(headers: httpx.Headers) -> int | None:
    """How long to wait where a 403 means a rate limit (GitHub); None where it means no."""
    wait = retry_after_seconds(headers)
    if wait is not None:
        return wait
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0":
        return max(1, int(reset) - int(time.time())) if reset.isdecimal() and len(reset) < 12 else 60
    return None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def said_in(body: bytes) -> str | None:
    """What a service says about an error, in its own words, at most 500 characters."""
    value = _json(body)
    if not isinstance(value, dict):
        return None
    answer = cast("dict[str, Any]", value)
    words: list[str] = []
    for name in ("message", "errorMessages", "error", "detail", "hint", "errors"):
        said = answer.get(name)
        if isinstance(said, str):
            words.append(said)
        elif isinstance(said, list):
            words += [_words(one) for one in cast("list[Any]", said)]
        elif isinstance(said, dict):
            words += [f"{field}: {_words(one)}" for field, one in cast("dict[str, Any]", said).items()]
    return "; ".join(word for word in words if word)[:500] or None


def _words(value: Any) -> str:
    if isinstance(value, dict):
        inner = cast("dict[str, Any]", value)
        return str(inner.get("message") or " ".join(str(inner[name]) for name in ("field", "code") if name in inner))
    return str(value)
