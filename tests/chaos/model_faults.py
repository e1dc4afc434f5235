"""A proxy on loopback before the model server: it asks for faults, cuts answers off itself, and counts. Ours.

The answers, and the faults 429 (with Retry-After), 500 and malformed JSON, are aimock's: the proxy asks for one with a
header. aimock cannot cut a whole answer off in the middle, so the proxy does. Which request meets which fault follows
from the seed, the task's marker and how often it was asked. It writes down every request: the other end of the journal.
"""

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

Fault = Literal["none", "limited", "broken", "malformed", "cut"]
MARKER = re.compile(rb"marker-[a-z]+-\d+")
HEADERS: dict[Fault, str] = {
    "limited": "x-aimock-chaos-ratelimit: 1",
    "broken": "x-aimock-chaos-drop: 1",
    "malformed": "x-aimock-chaos-malformed: 1",
}
PURPOSES = {"immediate": "strategy", "verdict": "check", "skip": "replan"}


@dataclass
class Asked:
    """One request: the marker in its words, what it was for, which fault it met. `whole`: an answer was passed on."""

    marker: str
    purpose: str
    fault: Fault
    whole: bool = False


@dataclass
class ModelFaults:
    """Chances of each fault, from 0 to 1, and how long an answer takes at most: so that workers are struck in the middle.

    `on_answered` is called with the marker before a whole answer is passed on.
    """

    upstream: str
    seed: int = 1
    slow_seconds: float = 0.0
    limited: float = 0.04
    broken: float = 0.04
    malformed: float = 0.03
    cut: float = 0.03
    asked: list[Asked] = field(default_factory=list[Asked])
    on_answered: Callable[[str], None] | None = None
    port: int = 0
    _serving: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @property
    def base_url(self) -> str:
        """What OPENAI_BASE_URL has to be."""
        return f"http://127.0.0.1:{self.port}/v1"

    def answered(self, marker: str) -> int:
        """How many whole answers about a task were passed on."""
        return sum(one.whole and one.marker == marker for one in self.asked)

    def faults(self) -> Counter[str]:
        """How many requests met which fault."""
        return Counter(one.fault for one in self.asked)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection to its end, also when its client is gone: asyncio alone would forget the task then."""
        serving = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1]) if length else 0)
            await self._answer(head, body, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        found = MARKER.search(body)
        marker = found[0].decode() if found else ""
        chance = self._chance(marker)
        fault = self._fault(chance)
        asked = Asked(marker, purpose_of(body), fault)
        self.asked.append(asked)
        answer = await self._forward(head, body, HEADERS.get(fault))
        await asyncio.sleep(chance.uniform(0, self.slow_seconds))
        asked.whole = fault == "none" and answer.startswith(b"HTTP/1.1 200")
        if fault == "cut":
            writer.write(answer[: len(answer) // 2])
            await writer.drain()
            writer.transport.abort()
            return
        if asked.whole and self.on_answered is not None:
            self.on_answered(marker)
        writer.write(answer)
        await writer.drain()

    async def end(self) -> None:
        """Let go of the connections that are left."""
        for serving in list(self._serving):
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _chance(self, marker: str) -> random.Random:
        earlier = sum(one.marker == marker for one in self.asked)
        return random.Random(f"{self.seed}/{marker}/{earlier}")

    def _fault(self, chance: random.Random) -> Fault:
        fate = chance.random()
        for fault in ("limited", "broken", "malformed", "cut"):
            fate -= float(getattr(self, fault))
            if fate < 0:
                return fault
        return "none"

    async def _forward(self, head: bytes, body: bytes, fault_header: str | None) -> bytes:
        """The model server's answer, byte for byte."""
        to = urlsplit(self.upstream)
        first, *headers = head.decode("latin-1").split("\r\n")[:-2]
        kept = [line for line in headers if not line.lower().startswith(("connection:", "accept-encoding:"))]
        lines = [first, *kept, "Connection: close", *([fault_header] if fault_header else [])]
        reader, writer = await asyncio.open_connection(to.hostname, to.port)
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def purpose_of(body: bytes) -> str:
    """What a request is for, by the forms that its answer may have."""
    asked: dict[str, Any] = json.loads(body)
    tools: list[dict[str, Any]] = asked.get("tools") or []
    names = {str(tool.get("name") or tool.get("function", {}).get("name")) for tool in tools}
    return next((purpose for name, purpose in PURPOSES.items() if name in names), "other")


@asynccontextmanager
async def running_faults(faults: ModelFaults) -> AsyncGenerator[ModelFaults]:
    """The proxy listens on a free port of loopback while the block runs."""
    server = await asyncio.start_server(faults.accept, "127.0.0.1", 0)
    faults.port = int(server.sockets[0].getsockname()[1])
    try:
        yield faults
    finally:
        server.close()
        await faults.end()
