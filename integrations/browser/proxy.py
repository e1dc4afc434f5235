"""The only way out of the browser: a proxy on loopback that reaches allowed sites at public addresses, nothing else.

It looks names up itself and connects to the address that it has checked, so a name cannot lead elsewhere afterwards.
Redirects, sockets, workers and whatever request interception does not see come through here as well.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

from core.outside.errors import Refused, Temporary
from integrations.browser.sites import Sites, place_of, site_of

Resolve = Callable[[str, int], Awaitable[list[str]]]
MOST_HEAD_BYTES = 64_000
MOST_BYTES = 300_000_000
CONNECT_SECONDS = 10
IDLE_SECONDS = 120
MARK = "Steward-Guard"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}  # RFC 9110, 9.2.1
HOP = re.compile(rb"(?i)^(?:proxy-[a-z-]+|connection|keep-alive|te|trailer)\s*:")


class Unreachable(Exception):
    """The site is allowed, but cannot be reached or has no address that may be; the message says which."""


class GuardedProxy:
    """One session's way out. `refused` lists what was not let through; `resolve` gives the addresses that may be connected to."""

    def __init__(self, sites: Sites, resolve: Resolve) -> None:
        self._sites = sites
        self._resolve = resolve
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._left_bytes = MOST_BYTES
        self._sendings = 0
        self._sending_to: tuple[str, int] | None = None
        self._has_sent = False
        self.is_broken = False
        self.lets_send = False  # what is not encrypted is held to reading here as well
        self.refused: list[str] = []

    def begin_sending(self, place: tuple[str, int] | None) -> None:
        """From now on something may go to `place` once.

        A browser sends a request again by itself, even a form, when a connection breaks that was used or stood ready
        (RFC 9110, 9.2.2 forbids that; Chromium does it). So every connection is closed first, and after the first break
        no other is made: `is_broken` then says that nobody knows what arrived.
        """
        self.cut()
        self._sendings += 1
        self._sending_to, self._has_sent, self.is_broken = place, False, False

    def end_sending(self) -> None:
        """What was to be sent was answered, or failed."""
        self._sending_to = None

    async def start(self) -> int:
        """Listen on loopback; the port."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0, limit=MOST_HEAD_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close everything."""
        if self._server:
            self._server.close()
        self.cut()
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def cut(self) -> None:
        """Close every connection; what is under way ends."""
        for writer in list(self._open):
            writer.close()

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._accept(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            async with asyncio.timeout(IDLE_SECONDS * 10):
                await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError):
            pass  # the browser or the site went away: the other side learns it from the closed connection
        finally:
            self._open.discard(writer)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_SECONDS)
        first, *lines = head[:-4].split(b"\r\n")
        method, target, _ = first.decode("latin-1").split(" ", 2)
        url = f"https://{target}" if method == "CONNECT" else target
        is_sending = self._sending_to is not None and self._sending_to == place_of(url)
        if is_sending and (self.is_broken or (self._has_sent and method not in {"CONNECT", *SAFE_METHODS})):
            self.is_broken = True
            return
        self._has_sent |= is_sending and method not in {"CONNECT", *SAFE_METHODS}
        if method not in {"CONNECT", *SAFE_METHODS} and not self.lets_send:
            self.refused.append(f"not sent: {method} {site_of(url)}")
            await _answer(writer, 403, "Nobody said yes to sending this")
            return
        number = self._sendings
        try:
            ahead, behind = await self._connect(url)
        except Unreachable as error:
            await _answer(writer, 502, str(error))
            return
        except PermissionError as error:
            self.refused.append(str(error))
            await _answer(writer, 403, str(error))
            return
        self._open.add(behind)
        try:
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await asyncio.gather(
                    self._relay(reader, behind), self._tunnel(ahead, writer, number, is_sending=is_sending)
                )
            else:
                behind.write(_origin_form(method, url, lines))
                body = _length(lines)
                await asyncio.gather(self._relay(reader, behind, body), self._relay(ahead, writer))
        finally:
            self._open.discard(behind)
            behind.close()

    async def _tunnel(
        self, ahead: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, *, is_sending: bool
    ) -> None:
        """What comes back through a tunnel. One that ends while something is sent may have carried it."""
        try:
            await self._relay(ahead, writer)
        finally:
            if is_sending and number == self._sendings and self._sending_to is not None:
                self.is_broken = True

    async def _connect(self, url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises PermissionError for what is not allowed, Unreachable for what does not answer."""
        place = place_of(url)
        if place is None or not self._sites.allows(*place):
            raise PermissionError(f"The site {site_of(url)} was not named for this task")
        try:
            addresses = await self._resolve(*place)
        except Refused as error:
            raise PermissionError(f"{site_of(url)}: {error.message}") from error
        except Temporary as error:
            raise Unreachable(f"{site_of(url)}: {error.message}") from error
        for address in addresses:
            with suppress(OSError, TimeoutError):
                return await asyncio.wait_for(asyncio.open_connection(address, place[1]), CONNECT_SECONDS)
        raise Unreachable(f"{site_of(url)} does not answer")

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None = None) -> None:
        """Pass bytes on until the source ends, or `most` of them; the end is passed on, too."""
        left = most
        while left is None or left > 0:
            size = 65_536 if left is None else min(65_536, left)
            part = await asyncio.wait_for(reader.read(size), IDLE_SECONDS)
            if not part:
                break
            self._left_bytes -= len(part)
            if self._left_bytes < 0:
                self.refused.append(f"More than {MOST_BYTES // 1_000_000} MB in one session")
                self.cut()
                return
            left = None if left is None else left - len(part)
            writer.write(part)
            await writer.drain()
        if most is None:
            writer.close()


def _origin_form(method: str, url: str, lines: list[bytes]) -> bytes:
    """The request as its server wants it, for one answer on this connection."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    kept = [line for line in lines if not HOP.match(line) and not line.lower().startswith(b"upgrade")]
    return b"\r\n".join([f"{method} {path} HTTP/1.1".encode("latin-1"), *kept, b"Connection: close", b"", b""])


def _length(lines: list[bytes]) -> int:
    for line in lines:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


async def _answer(writer: asyncio.StreamWriter, status: int, words: str) -> None:
    body = words.encode()
    head = f"HTTP/1.1 {status} Guarded\r\n{MARK}: {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
    await writer.drain()
