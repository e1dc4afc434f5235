"""Outgoing HTTP that cannot be turned against the house: only http and https, only to addresses that were checked.

A name is resolved once for each connection, every answer is checked, and the connection goes to the checked address
itself, so an answer that changes (rebinding) changes nothing. Redirects come back through here, hop by hop. Answers
are bounded in size, unpacked, and in time. Proxies of the environment are not used: they would resolve names unseen.
"""

import asyncio
import re
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, cast
from urllib.parse import urlsplit

import httpcore
import httpx

from core.outside.errors import Refused, Temporary
from core.settings import Settings
from integrations.web.addresses import is_metadata, is_public

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
MOST_BYTES = 5_000_000
MOST_SECONDS = 60.0
CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
MOST_TRIED = 4
PORTS = {"http": 80, "https": 443}
NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)")
NAME = re.compile(
    r"(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?"
)


class AddressRefused(Refused):
    """The address is not one of the open internet; nothing was connected to."""

    type = "address-refused"
    title = "This address is not reached from here"


class TooMuch(Refused):
    """The answer is larger, or takes longer, than is taken in."""

    type = "answer-too-large"
    title = "The answer is too large"


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address that the system knows for a name. Raises Temporary when there is none for now."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Temporary(f"The name {host} is not found", hint="Look whether it is spelled right.") from error
    return list(dict.fromkeys(str(info[4][0]) for info in found))


@dataclass(frozen=True)
class Guard:
    """Which hosts may be reached. `private_hosts` (host or host:port, lower case) may lie at private addresses."""

    private_hosts: frozenset[str] = frozenset()
    resolve: Resolve = resolve
    most_bytes: int = MOST_BYTES
    most_seconds: float = MOST_SECONDS

    @classmethod
    def from_settings(cls, settings: Settings) -> "Guard":
        """The guard of an installation: STEWARD_PRIVATE_HOSTS, separated by commas."""
        names = (name.strip().casefold() for name in settings.private_hosts.split(","))
        return cls(frozenset(name for name in names if name))

    def trusting(self, url: str) -> "Guard":
        """The same, and the host of a URL that whoever runs this installation has written into its settings."""
        parts = urlsplit(url)
        host, port = (parts.hostname or "").casefold(), parts.port or PORTS.get(parts.scheme, 0)
        return replace(self, private_hosts=self.private_hosts | {f"{host}:{port}"})

    async def vetted(self, host: str, port: int) -> list[str]:
        """The addresses of a host, as numbers, all of them checked. Raises AddressRefused, or Temporary."""
        name = host.strip("[]").casefold()
        literal = _literal(name)
        answers = [literal] if literal else await self.resolve(name, port)
        addresses = [_address(answer, name) for answer in answers]
        if not addresses:
            raise Temporary(f"The name {name} has no address")
        self._check(name, port, addresses)
        return [str(address) for address in addresses]

    def _check(self, name: str, port: int, addresses: Sequence[IPv4Address | IPv6Address]) -> None:
        is_allowed = bool({name, f"{name}:{port}", f"[{name}]:{port}"} & self.private_hosts)
        for address in addresses:
            if is_metadata(address) or not (is_allowed or is_public(address)):
                raise AddressRefused(
                    f"{name} lies at {address}, which is not an address of the open internet (STEWARD_PRIVATE_HOSTS may name it)",
                    hint="STEWARD_PRIVATE_HOSTS names hosts of your own network that may be reached.",
                )

    def check_written(self, url: str) -> None:
        """Raises AddressRefused for a URL that could never be reached, as far as it shows without asking for names."""
        parsed = parsed_url(url)
        name = parsed.host.casefold().rstrip(".")
        literal = "127.0.0.1" if name == "localhost" or name.endswith(".localhost") else _literal(name)
        if literal is not None:
            self._check(name, parsed.port or PORTS[parsed.scheme], [_address(literal, name)])

    def client(self, *, follow_redirects: bool = False, timeout_seconds: float = READ_SECONDS) -> httpx.AsyncClient:
        """An httpx client all of whose requests are guarded. To be closed."""
        timeout = httpx.Timeout(timeout_seconds, connect=CONNECT_SECONDS)
        return httpx.AsyncClient(
            transport=GuardedTransport(self),
            follow_redirects=follow_redirects,
            max_redirects=5,
            timeout=timeout,
            trust_env=False,
        )


def check_url(url: httpx.URL) -> None:
    """Raises AddressRefused for a URL that is not plainly http or https with a host."""
    if url.scheme not in PORTS:
        raise AddressRefused(
            f"{str(url)[:200]!r} is not reached", detail="allowed is http://host... or https://host..."
        )
    if url.userinfo:
        raise AddressRefused("A URL with a user name in it is not reached", hint="Give credentials as an account.")
    if not url.host:
        raise AddressRefused(f"{str(url)[:200]!r} names no host")
    if url.port is not None and not 1 <= url.port <= 65_535:
        raise AddressRefused(f"{url.port} is no port")


def parsed_url(text: str) -> httpx.URL:
    """A URL that may be asked for. Raises AddressRefused that says what is wrong with it."""
    if re.search(r"[\x00-\x20\x7f\\]", text):
        raise AddressRefused(f"{text[:200]!r} is no URL: it holds a space, a backslash or a control character")
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise AddressRefused(f"{text[:200]!r} is no URL", detail=str(error)[:200]) from None
    check_url(url)
    return url


def _literal(name: str) -> str | None:
    """The host where it is an address in its plain form; None for a name. Raises AddressRefused for any other form."""
    if ":" in name:
        return name
    labels = name.rstrip(".").split(".")
    if NUMBER.fullmatch(labels[-1]):  # what ends in a number is an address (WHATWG URL), in one form only
        try:
            return str(IPv4Address(name))
        except ValueError:
            raise AddressRefused(
                f"{name[:200]!r} is an odd way to write an address", detail="allowed is a name, or 192.0.2.1"
            ) from None
    if not NAME.fullmatch(name):
        raise AddressRefused(f"{name[:200]!r} is no name of a host")
    return None


def _address(text: str, name: str) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(text)
    except ValueError:
        raise AddressRefused(f"{name[:200]!r} is no address") from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise AddressRefused(f"{name[:200]} lies at an address with a zone, which is of this machine's own network")
    return address


class _Backend(httpcore.AsyncNetworkBackend):
    """Connects to checked addresses only."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._plain = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the shape of httpcore's backends
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        vetted = await self._guard.vetted(host, port)
        for last, address in enumerate(vetted[:MOST_TRIED], 1 - min(len(vetted), MOST_TRIED)):
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if last == 0:
                    raise
        raise httpcore.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise AddressRefused("Sockets of this machine are not reached")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


class GuardedTransport(httpx.AsyncBaseTransport):
    """An httpx transport behind a guard. Bodies come unpacked; Content-Encoding is taken off."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._pool = httpcore.AsyncConnectionPool(ssl_context=_tls(), network_backend=_Backend(guard))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        check_url(request.url)
        request.headers["Accept-Encoding"] = "gzip, identity"
        until = asyncio.get_running_loop().time() + self._guard.most_seconds
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        asked = httpcore.Request(
            method=request.method,
            url=url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _as_httpx(request):
            try:
                async with asyncio.timeout_at(until):
                    answer = await self._pool.handle_async_request(asked)
            except TimeoutError as error:
                raise httpx.ReadTimeout("It took too long") from error
        headers = httpx.Headers(answer.headers)
        packing = headers.pop("content-encoding", "identity").strip().casefold()
        if packing != "identity":
            headers.pop("content-length", None)
        body = _Body(answer, request, self._guard.most_bytes, until, packing)
        return httpx.Response(
            answer.status, headers=headers, stream=body, extensions=cast("dict[str, Any]", answer.extensions)
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    """The body of an answer, unpacked, bounded in bytes and time."""

    def __init__(
        self, answer: httpcore.Response, request: httpx.Request, most: int, until: float, packing: str
    ) -> None:
        self._answer = answer
        self._request = request
        self._most = most
        self._until = until
        self._packing = packing

    async def __aiter__(self) -> AsyncIterator[bytes]:
        raw, given = 0, 0
        async for chunk in self._raw():
            raw += len(chunk)
            for piece in self._unpacked(chunk, self._most - given + 1):
                given += len(piece)
                if max(raw, given) > self._most:
                    raise TooMuch(f"The answer of {self._request.url.host} has more than {self._most} bytes")
                yield piece
        if self._unpack is not None and raw and not self._unpack.eof:
            raise httpx.RemoteProtocolError("The packed answer was cut off")

    async def _raw(self) -> AsyncIterator[bytes]:
        if self._packing not in {"gzip", "x-gzip", "identity"}:
            raise httpx.DecodingError(f"The answer is packed as {self._packing[:50]!r}, which was not asked for")
        self._unpack = None if self._packing == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 16)
        with _as_httpx(self._request):
            chunks = aiter(self._answer.aiter_stream())
            while True:
                try:
                    async with asyncio.timeout_at(self._until):
                        chunk = await anext(chunks, None)
                except TimeoutError as error:
                    raise httpx.ReadTimeout("The answer took too long") from error
                if chunk is None:
                    return
                yield chunk

    def _unpacked(self, chunk: bytes, most: int) -> Iterator[bytes]:
        if self._unpack is None:
            yield chunk
            return
        try:
            yield self._unpack.decompress(chunk, most)
        except zlib.error as error:
            raise httpx.DecodingError("The packed answer cannot be unpacked") from error

    async def aclose(self) -> None:
        await self._answer.aclose()


@contextmanager
def _as_httpx(request: httpx.Request) -> Generator[None]:
    """Errors of httpcore as httpx's of the same name."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__, httpx.TransportError)
        raise kind(str(error), request=request) from error
