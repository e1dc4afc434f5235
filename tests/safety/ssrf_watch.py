"""Who connects where: every connection that this process tries, and every one that arrives at this machine's addresses.

The interpreter reports each connect before it happens (audit hooks, PEP 578), so an address is seen whatever library
wanted it, and none but the helpers' own is let through: nothing leaves the machine, even where a guard had a hole.
"""

import socket
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, cast

from tests.safety.ssrf_forms import PUBLIC


class Watch:
    """Connections to where nobody may. `allowed` are ports on loopback that belong to the helpers."""

    def __init__(self) -> None:
        self.allowed: set[int] = set()
        self.forbidden: list[str] = []
        self.outside: list[str] = []  # to the address that stands for the open internet: rightly tried, and ended here
        self.now = ""  # what is being tried, for whoever reads the report

    def on_connect(self, address: object) -> None:
        """Note it. Raises OSError for what is not a helper's, so that it goes nowhere."""
        parts = (
            cast("tuple[Any, ...]", address) if isinstance(address, tuple) else (address, 0)
        )  # a path: a Unix socket
        host, port = parts[0], parts[1]
        if host in {"127.0.0.1", "::1"} and port in self.allowed:
            return
        (self.outside if host == PUBLIC else self.forbidden).append(f"{self.now}: {host} port {port}")
        raise ConnectionRefusedError("Nothing is let out of the corpus")


_on: list[Watch] = []


@cache
def _hook() -> None:
    """Hooks cannot be taken off again: this one does nothing while nobody watches."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"socket.connect", "socket.sendto"}:
            for watch in _on:
                watch.on_connect(arguments[1])

    sys.addaudithook(hook)


@contextmanager
def watching(watch: Watch) -> Generator[None]:
    """Every connect of this process is noted, and held to `allowed`."""
    _hook()
    _on.append(watch)
    try:
        yield
    finally:
        _on.remove(watch)


class Listeners:
    """Somebody at home: TCP on every address of this machine, both families, and UDP. Who arrives is noted and sent away.

    It is what sees a browser, which is a process of its own.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._tcp = self._udp = socket.socket()
        for _ in range(20):
            self._tcp.close()
            self._tcp = _bound(socket.SOCK_STREAM, 0)
            with suppress(OSError):  # the same number may be taken for UDP
                self._udp = _bound(socket.SOCK_DGRAM, self._tcp.getsockname()[1])
                break
        else:
            raise OSError("No port is free for TCP and UDP alike")
        self._tcp.listen(100)
        self.port = int(self._tcp.getsockname()[1])
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._accept, self._receive)]
        for thread in self._threads:
            thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed: it is over
            while True:
                arrived, who = self._tcp.accept()
                self._watch.forbidden.append(f"{self._watch.now}: TCP came in from {who[0]} to port {self.port}")
                arrived.close()

    def _receive(self) -> None:
        with suppress(OSError):
            while (arrived := self._udp.recvfrom(2048))[1]:  # nobody: it is over
                self._watch.forbidden.append(f"{self._watch.now}: UDP came in from {arrived[1][0]} to port {self.port}")

    def close(self) -> None:
        """Nobody is at home any more."""
        with suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._udp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()
        self._udp.close()
        for thread in self._threads:
            thread.join(2)


def _bound(kind: int, port: int) -> socket.socket:
    """A socket on every address, both families where the machine has both."""
    try:
        made = socket.socket(socket.AF_INET6, kind)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.bind(("::", port))
    except OSError:
        made = socket.socket(socket.AF_INET, kind)
        made.bind(("0.0.0.0", port))
    return made
