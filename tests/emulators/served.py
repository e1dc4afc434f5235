"""A small HTTP server on loopback, for fakes of services: it can also answer late, half, wrongly, or not at all."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Got:
    """A request that came in; header names in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What goes back. `cut`: the line breaks after so many bytes of the body; `raw` goes out instead of all else."""

    status: int = 200
    body: bytes | str | dict[str, Any] | list[Any] = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    cut: int | None = None
    raw: bytes | None = None
    wait: asyncio.Event | None = None

    def as_bytes(self) -> bytes:
        if self.raw is not None:
            return self.raw
        match self.body:
            case bytes() as body:
                headers: dict[str, str] = {}
            case str() as text:
                body, headers = text.encode(), {}
            case value:
                body, headers = json.dumps(value).encode(), {"Content-Type": "application/json"}
        headers = {**headers, "Content-Length": str(len(body)), "Connection": "close", **self.headers}
        lines = [f"HTTP/1.1 {self.status} Answer", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body if self.cut is None else body[: self.cut])


Handler = Callable[[Got], Awaitable[Answer] | Answer]


@dataclass
class Served:
    """A running server: where it is, and every request that it got. `once` answers the next requests instead."""

    url: str
    port: int
    handler: Handler
    got: list[Got] = field(default_factory=list[Got])
    once: list[Answer] = field(default_factory=list[Answer])
    connections: int = 0


@asynccontextmanager
async def serving(handler: Handler = lambda got: Answer(404), host: str = "127.0.0.1") -> AsyncGenerator[Served]:
    """The server, for as long as the block runs."""
    served = Served("", 0, handler)

    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.connections += 1
        me = asyncio.current_task()
        assert me
        talks.add(me)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            first, *rest = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ", 2)
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            parts = urlsplit(target)
            got = Got(method, parts.path, parse_qs(parts.query), headers, body)
            served.got.append(got)
            answer = served.once.pop(0) if served.once else served.handler(got)
            answer = answer if isinstance(answer, Answer) else await answer
            if answer.wait:
                await answer.wait.wait()
            writer.write(answer.as_bytes())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass  # whoever asked has gone, or spoke something else
        finally:
            talks.discard(me)
            writer.close()

    server = await asyncio.start_server(talk, host, 0)
    served.port = server.sockets[0].getsockname()[1]
    served.url = f"http://{host}:{served.port}"
    try:
        yield served
    finally:
        server.close()
        for one in [*talks]:
            one.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await server.wait_closed()
