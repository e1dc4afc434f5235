"""As little HTTP as a measurement needs: one keep-alive connection for requests, one for a stream of events."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any


class BadAnswer(Exception):
    """The server answered something else than was measured for."""


class Connection:
    """Requests one after another on one connection; bodies are JSON, answers have a length."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self.reader = reader
        self.writer = writer
        self.token = token

    def send(self, method: str, path: str, body: object = None, accept: str = "application/json") -> None:
        """Write a request; `answer` reads what comes back."""
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token}\r\nAccept: {accept}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self.writer.write(head.encode() + content)

    async def answer(self) -> tuple[int, bytes]:
        """Status and body."""
        status, headers = await self.head()
        return status, await self.reader.readexactly(int(headers["content-length"]))

    async def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers; names in lower case."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), headers

    async def events(self) -> AsyncGenerator[tuple[int, dict[str, Any]]]:
        """Id and data of each event, once `send` has asked for `text/event-stream`. Raises BadAnswer."""
        status, _ = await self.head()
        if status != 200:
            raise BadAnswer(f"the stream answered {status}")
        number = 0
        while line := await self.reader.readline():  # the sizes of chunks between the lines say nothing here
            if line.startswith(b"id: "):
                number = int(line[4:])
            elif line.startswith(b"data: "):
                yield number, json.loads(line[6:])


@asynccontextmanager
async def connected(port: int, token: str) -> AsyncGenerator[Connection]:
    """A connection to a server on loopback."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    try:
        yield Connection(reader, writer, token)
    finally:
        writer.close()


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
