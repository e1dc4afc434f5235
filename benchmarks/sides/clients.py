"""Many browsers in one process: raw sockets on one event loop that read server-sent events and note when each came.

    python -m benchmarks.sides.clients PORT TOKEN

Questions: {"clients": N} opens the streams, once all have begun; {"until": [ids]} answers {id: [moments]} when every
client has had each of these events, by the clock that all processes of a machine share; {"close": true} closes them.
"""

import asyncio
import re
import select
import socket
import sys
import time
from typing import Any

from benchmarks.peers.lines import own_output, serve

OPENING_AT_ONCE = 20
LONGEST_SECONDS = 30.0
ID = re.compile(rb"^id: (\d+)\nevent", re.MULTILINE)
READY = b"retry: "


class Clients:
    """Open streams, and when each event came to each of them."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._request = (
            f"GET /api/events?tail=true HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            "Accept: text/event-stream\r\n\r\n"
        ).encode()
        self._sockets: dict[int, socket.socket] = {}
        self._poll = select.epoll()
        self._moments: dict[int, list[float]] = {}

    def open(self, count: int) -> None:
        """Return when every stream has begun."""
        while len(self._sockets) < count:
            opened = [self._connect() for _ in range(min(OPENING_AT_ONCE, count - len(self._sockets)))]
            for client in opened:
                head = b""
                while READY not in head:
                    part = client.recv(65536)
                    if not part:
                        raise ConnectionError(f"a stream ended: {head[:200]!r}")
                    head += part
                client.setblocking(False)
                self._poll.register(client.fileno(), select.EPOLLIN)
                self._sockets[client.fileno()] = client

    def _connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self._port), timeout=LONGEST_SECONDS)
        client.sendall(self._request)
        return client

    def read_until(self, ids: list[int]) -> dict[int, list[float]]:
        """When each of these events came to each client. Raises TimeoutError when one did not within half a minute."""
        until = time.perf_counter() + LONGEST_SECONDS
        while any(len(self._moments.get(number, ())) < len(self._sockets) for number in ids):
            if time.perf_counter() > until:
                raise TimeoutError(f"events are missing: { {n: len(self._moments.get(n, ())) for n in ids} }")
            self.read(1.0)
        return {number: self._moments.pop(number) for number in ids}

    def read(self, seconds: float) -> None:
        """What came, at least for a moment."""
        for descriptor, _ in self._poll.poll(seconds):
            part = self._sockets[descriptor].recv(65536)
            now = time.perf_counter()
            if not part:
                raise ConnectionError("a stream ended")
            for number in ID.findall(part):
                self._moments.setdefault(int(number), []).append(now)

    def close(self) -> None:
        for descriptor, client in self._sockets.items():
            self._poll.unregister(descriptor)
            client.close()
        self._sockets.clear()
        self._moments.clear()


async def main() -> None:
    answers = own_output()
    clients = Clients(int(sys.argv[1]), sys.argv[2])

    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        if "clients" in question:
            await asyncio.to_thread(clients.open, question["clients"])
        elif "seconds" in question:
            until = time.perf_counter() + question["seconds"]
            while time.perf_counter() < until:
                clients.read(0.05)
        elif "until" in question:
            return {str(number): moments for number, moments in clients.read_until(question["until"]).items()}
        else:
            clients.close()
        return {}

    await serve(answer, answers)


if __name__ == "__main__":
    asyncio.run(main())
