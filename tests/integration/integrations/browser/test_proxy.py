"""The proxy by itself, over real sockets: what it lets through, and what happens once."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest

from core.outside.errors import Refused, Temporary
from integrations.browser.proxy import GuardedProxy
from integrations.browser.sites import Sites


@dataclass
class Server:
    """A bare server that notes what comes in; `answer` None closes the line instead."""

    port: int = 0
    heads: list[str] = field(default_factory=list[str])
    answer: bytes | None = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head.decode())
            if self.answer is not None:
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@dataclass
class Way:
    """A proxy, the server behind it, and how to ask."""

    proxy: GuardedProxy
    port: int
    server: Server

    async def ask(self, request: str) -> str:
        """What comes back for these bytes until the line is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request.encode("latin-1"))
        try:
            return (await asyncio.wait_for(reader.read(), 5)).decode("latin-1")
        except ConnectionError:
            return ""
        finally:
            writer.close()

    @property
    def site(self) -> str:
        return f"site.example:{self.server.port}"


async def resolve(host: str, port: int) -> list[str]:
    if host == "private.example":
        raise Refused("It lies at a private address")
    if host == "gone.example":
        raise Temporary("The name is not found")
    return ["127.0.0.1"]


@pytest.fixture
async def way() -> AsyncGenerator[Way]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = int(listening.sockets[0].getsockname()[1])
    sites = Sites([f"site.example:{server.port}", "private.example", "gone.example", "site.example:1"])
    proxy = GuardedProxy(sites, resolve)
    yield Way(proxy, await proxy.start(), server)
    await proxy.stop()
    listening.close()


async def test_a_request_goes_out_in_plain_form_without_the_hops(way: Way) -> None:
    head = f"GET http://{way.site}/a?b=c HTTP/1.1\r\nHost: {way.site}\r\nProxy-Connection: keep-alive\r\nConnection: keep-alive\r\nUpgrade: x\r\nA: b\r\n\r\n"
    assert (await way.ask(head)).endswith("ok")
    assert way.server.heads == [f"GET /a?b=c HTTP/1.1\r\nHost: {way.site}\r\nA: b\r\nConnection: close\r\n\r\n"]


@pytest.mark.parametrize(
    ("request_line", "status", "said"),
    [
        ("GET http://other.example/ HTTP/1.1", "403", "was not named"),
        ("CONNECT other.example:443 HTTP/1.1", "403", "was not named"),
        ("CONNECT site.example:22 HTTP/1.1", "403", "was not named"),
        ("CONNECT 169.254.169.254:80 HTTP/1.1", "403", "was not named"),
        ("GET http://private.example/ HTTP/1.1", "403", "private address"),
        ("CONNECT private.example:443 HTTP/1.1", "403", "private address"),
        ("GET http://gone.example/ HTTP/1.1", "502", "not found"),
        ("GET http://site.example:1/ HTTP/1.1", "502", "does not answer"),
        ("GET file:///etc/passwd HTTP/1.1", "403", "was not named"),
        ("GET /etc/passwd HTTP/1.1", "403", "was not named"),
        ("GET http://site.example@other.example/ HTTP/1.1", "403", "was not named"),
        ("POST http://site.example/ HTTP/1.1", "403", "Nobody said yes"),
    ],
)
async def test_what_is_refused(way: Way, request_line: str, status: str, said: str) -> None:
    answer = await way.ask(f"{request_line}\r\n\r\n")
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert said in answer
    assert way.server.heads == []


@pytest.mark.parametrize(
    "junk", ["", "\r\n\r\n", "GET\r\n\r\n", "x" * 100_000, "GET http://[ HTTP/1.1\r\n\r\n", "\x00\xff\r\n\r\n"]
)
async def test_junk_ends_the_line_and_nothing_else(way: Way, junk: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
    writer.write(junk.encode("latin-1"))
    writer.write_eof()
    try:
        answer = await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        answer = b""
    writer.close()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 403")
    assert (await way.ask(f"GET http://{way.site}/ HTTP/1.1\r\n\r\n")).endswith("ok")


async def test_a_tunnel_carries_bytes_both_ways(way: Way) -> None:
    answer = await way.ask(f"CONNECT {way.site} HTTP/1.1\r\n\r\nGET /inside HTTP/1.1\r\n\r\n")
    assert answer.startswith("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK")
    assert way.server.heads[0].startswith("GET /inside")


@pytest.mark.parametrize("kind", ["plain", "tunnel"])
async def test_a_sending_that_broke_is_not_let_through_again(way: Way, kind: str) -> None:
    way.server.answer = None
    way.proxy.lets_send = True
    way.proxy.begin_sending(("site.example", way.server.port))
    inside = "POST /order HTTP/1.1\r\n\r\n"
    request = (
        f"POST http://{way.site}/order HTTP/1.1\r\n\r\n"
        if kind == "plain"
        else f"CONNECT {way.site} HTTP/1.1\r\n\r\n{inside}"
    )
    await way.ask(request)
    assert await way.ask(request) == ""
    assert (len(way.server.heads), way.proxy.is_broken) == (1, True)
    way.proxy.end_sending()
    way.proxy.begin_sending(("site.example", way.server.port))
    await way.ask(request)
    assert len(way.server.heads) == 2


async def test_bytes_beyond_the_said_length_are_no_second_request(way: Way) -> None:
    way.proxy.lets_send = True
    hidden = "GET /hidden HTTP/1.1\r\n\r\n"
    await way.ask(f"POST http://{way.site}/a HTTP/1.1\r\nContent-Length: 2\r\n\r\nok{hidden}")
    assert [head.split()[1] for head in way.server.heads] == ["/a"]
