"""A proxy on loopback before the model server, which makes its answers fail in the ways that such servers fail; it counts.

The answers are those of the model server behind it; only the faults are ours: 429 with Retry-After, 500, a body that is
no JSON, and an answer cut off in the middle. `answered` counts whole answers by the marker in the request's words.
"""

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

MARKER = re.compile(rb"marker-[a-z]+-\d+")


@dataclass
class ModelFaults:
    """Chances of each fault, from 0 to 1; `latency_seconds` is added to every answer."""

    upstream: str
    chance: random.Random
    limited: float = 0.05
    broken: float = 0.04
    malformed: float = 0.02
    cut: float = 0.03
    latency_seconds: float = 0.02
    answered: Counter[str] = field(default_factory=Counter[str])
    requests: int = 0
    on_answered: Callable[[str], None] | None = None
    port: int = 0
    connections: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A new connection, which is remembered until it ends."""
        serving = asyncio.create_task(self.serve(reader, writer))
        self.connections.add(serving)
        serving.add_done_callback(self.connections.discard)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request after the other."""
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")):
                length = int(found[1]) if (found := re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)) else 0
                body = await reader.readexactly(length)
                if not await self._answer(head, body, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> bool:
        self.requests += 1
        await asyncio.sleep(self.latency_seconds)
        marker = (MARKER.search(body) or [b""])[0].decode()
        fate = self.chance.random()
        if (fate := fate - self.limited) < 0:
            await _write(writer, 429, b'{"error": {"message": "slow down", "type": "rate_limit_error"}}', "Retry-After: 1\r\n")
            return True
        if (fate := fate - self.broken) < 0:
            await _write(writer, 500, b'{"error": {"message": "we broke", "type": "server_error"}}')
            return True
        path = head.split(b" ", 2)[1].decode()
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.upstream}{path}", content=body, headers={"content-type": "application/json"})
        if (fate := fate - self.malformed) < 0:
            await _write(writer, 200, b'{"id": "resp_1", "output": [{"type": ')
            return True
        if fate - self.cut < 0:
            whole = _raw(answer.status_code, answer.content)
            writer.write(whole[: len(whole) // 2])
            await writer.drain()
            return False
        if answer.status_code == 200 and marker:
            self.answered[marker] += 1
            if self.on_answered is not None:
                self.on_answered(marker)
        await _write(writer, answer.status_code, answer.content)
        return True


def _raw(status: int, body: bytes, more: str = "") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


async def _write(writer: asyncio.StreamWriter, status: int, body: bytes, more: str = "") -> None:
    writer.write(_raw(status, body, more))
    await writer.drain()


@asynccontextmanager
async def running_faults(faults: ModelFaults) -> AsyncGenerator[ModelFaults]:
    """The proxy listens on a free port of loopback while the block runs."""
    server = await asyncio.start_server(faults.accept, "127.0.0.1", 0)
    faults.port = int(server.sockets[0].getsockname()[1])
    try:
        yield faults
    finally:
        server.close()
        for connection in faults.connections:
            connection.cancel()
        await asyncio.gather(*faults.connections, return_exceptions=True)


def authored_answers(trees: int) -> str:
    """Fixtures for the model server: one summary and one mail for every tree, and a replanner that asks a person."""
    usage = {"prompt_tokens": 200, "completion_tokens": 50, "total_tokens": 250}

    def answer(words: str, name: str, arguments: dict[str, object]) -> dict[str, object]:
        call = {"name": name, "arguments": arguments}
        return {"match": {"userMessage": words}, "response": {"toolCalls": [call], "usage": usage}}

    fixtures = [answer("Failed part:", "escalate", {"reason": "Only a person can say what now."})]
    for number in range(trees):
        draft = {"to": [f"reader-{number}@example.com"], "subject": f"News {number}", "body": f"Hello,\n\nthese are the news {number}.\n"}
        made = {"output": "Subject: News", "format": "text", "confidence": 0.9, "draft": draft, "message": "Drafted"}
        fixtures.append(answer(f"marker-mail-{number} ", "immediate", made))
        summary = {"output": f"The short of it: {number}.", "format": "markdown", "confidence": 0.9, "message": "Shortened"}
        fixtures.append(answer(f"marker-summary-{number} ", "immediate", summary))
    return json.dumps({"fixtures": fixtures})
