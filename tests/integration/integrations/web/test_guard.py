"""No odd form of an address, no answer of a name server and no redirect leads into the house: nothing is connected to."""

import asyncio
import gzip
import socket
import zlib
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import suppress
from ipaddress import ip_address

import httpx
import pytest

from core.outside.errors import Malformed, Refused, Temporary, Uncertain
from core.outside.web import HttpRequest
from integrations.web.addresses import is_metadata, is_public
from integrations.web.client import WebClient
from integrations.web.guard import AddressRefused, Guard, TooMuch
from tests.emulators.served import Answer, Served, serving

HOSTS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "127.0.0.1.",
    "127.127.127.127",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fe80::1%lo]",
    "[::1%25lo]",
    "[fd00:ec2::254]",
    "[fd00::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[2606:4700::200:5efe:7f00:1]",
    "169.254.169.254",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "0xa9fea9fe",
    "2852039166",
    "168.63.129.16",
    "100.100.100.200",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "255.255.255.255",
    "１２７.０.０.１",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "127.0.0.1%00.example.com",
    "exa mple.com",
    "-x.example.com",
    "a..b",
    "x" * 300,
    "",
]


class Listener:
    """Every port of this machine's addresses that a form could reach; counts who connects."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        try:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            self.socket.bind(("::", 0))
        except OSError:  # a machine without IPv6
            self.socket.close()
            self.socket = socket.socket()
            self.socket.bind(("0.0.0.0", 0))
        self.socket.listen(100)
        self.socket.setblocking(False)
        self.port = int(self.socket.getsockname()[1])

    @property
    def connections(self) -> int:
        count = 0
        with suppress(BlockingIOError):
            while True:
                self.socket.accept()[0].close()
                count += 1
        return count


@pytest.fixture
def listener() -> Generator[Listener]:
    made = Listener()
    yield made
    made.socket.close()


@pytest.fixture
async def site() -> AsyncGenerator[Served]:
    """A site that is allowed; what it says is put in by the test."""
    async with serving(lambda got: Answer(200, {"path": got.path})) as served:
        yield served


def allowed(site: Served, **more: object) -> WebClient:
    return WebClient(Guard(frozenset({f"127.0.0.1:{site.port}"}), **more))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("host", HOSTS)
async def test_no_form_of_an_address_is_connected_to(listener: Listener, host: str) -> None:
    for url in (f"http://{host}:{listener.port}/", f"https://{host}:{listener.port}/x?y#z"):
        with pytest.raises((AddressRefused, Temporary)):
            await WebClient(Guard()).send(HttpRequest("GET", url))
    assert listener.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "gopher://127.0.0.1:6379/_x",
        "//127.0.0.1/",
        "127.0.0.1",
        "javascript:alert(1)",
        "http://",
        "http:///x",
        "http://user:pass@example.com/",
        "http://example.com@127.0.0.1/",
        "http://127.0.0.1\\@example.com/",
        "http://example.com\r\nHost: x/",
        "http://example.com:0x50/",
        "http://example.com:99999/",
        "http://[::1/",
        "http://exam\tple.com/",
        "",
    ],
)
async def test_what_is_no_plain_url_is_refused(url: str) -> None:
    with pytest.raises((AddressRefused, Refused)):
        await WebClient(Guard()).send(HttpRequest("GET", url))


@pytest.mark.parametrize("host", HOSTS)
async def test_a_redirect_is_checked_like_the_first_address(listener: Listener, site: Served, host: str) -> None:
    for code in (301, 307):
        site.once = [Answer(code, headers={"Location": f"http://{host or '%20'}:{listener.port}/"})]
        with pytest.raises((AddressRefused, Temporary, Refused)):
            await allowed(site).send(HttpRequest("GET", site.url))
    assert listener.connections == 0


async def test_redirects_are_checked_at_every_hop_and_end(listener: Listener, site: Served) -> None:
    there = {"Location": f"http://127.0.0.1:{listener.port}/"}
    site.once = [
        Answer(302, headers={"Location": "/2"}),
        Answer(302, headers={"Location": "/3"}),
        Answer(302, headers=there),
    ]
    with pytest.raises(AddressRefused):
        await allowed(site).send(HttpRequest("GET", site.url))
    assert (len(site.got), listener.connections) == (3, 0)
    site.once = [Answer(302, headers={"Location": "file:///etc/passwd"})]
    with pytest.raises((AddressRefused, Refused)):
        await allowed(site).send(HttpRequest("GET", site.url))
    site.once = [Answer(302, headers={"Location": f"/{n}"}) for n in range(20)]
    with pytest.raises(Refused, match="without end"):
        await allowed(site).send(HttpRequest("GET", site.url))


async def test_a_request_that_changes_something_follows_no_redirect(site: Served) -> None:
    site.once = [Answer(307, headers={"Location": "/elsewhere"})]
    answer = await allowed(site).send(HttpRequest("POST", site.url, body=b"x"))
    assert (answer.status, answer.headers["location"], len(site.got)) == (307, "/elsewhere", 1)


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["::1"],
        ["8.8.8.8", "::ffff:10.0.0.1"],
        ["fe80::1%1"],
        ["not an address"],
        [],
    ],
)
async def test_a_name_with_one_bad_answer_is_not_reached(listener: Listener, answers: Sequence[str]) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return answers

    with pytest.raises((AddressRefused, Temporary)):
        await WebClient(Guard(resolve=resolve)).send(HttpRequest("GET", f"http://evil.example:{listener.port}/"))
    assert listener.connections == 0


async def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(site: Served) -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    guard = Guard(frozenset({f"rebind.example:{site.port}"}), resolve)
    answer = await WebClient(guard).send(HttpRequest("GET", f"http://rebind.example:{site.port}/a"))
    assert (answer.status, asked, site.got[0].headers["host"]) == (
        200,
        ["rebind.example"],
        f"rebind.example:{site.port}",
    )
    with pytest.raises(AddressRefused):  # an own host may be private, metadata never
        await WebClient(guard).send(HttpRequest("GET", f"http://rebind.example:{site.port}/a"))


async def test_the_environments_proxy_is_not_used(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await allowed(site).send(HttpRequest("GET", site.url))).status == 200


async def test_an_answer_is_bounded_unpacked(site: Served) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    assert len(bomb) < 60_000
    site.once = [Answer(200, bomb, {"Content-Encoding": "gzip"})]
    with pytest.raises(TooMuch):
        await allowed(site, most_bytes=100_000).send(HttpRequest("GET", site.url))
    site.once = [Answer(200, b"x" * 200_000)]
    with pytest.raises(TooMuch):
        await allowed(site, most_bytes=100_000).send(HttpRequest("GET", site.url))
    site.once = [Answer(200, gzip.compress("grüße".encode()), {"Content-Encoding": "gzip"})]
    assert (await allowed(site).send(HttpRequest("GET", site.url))).body == "grüße".encode()
    site.once = [Answer(200, gzip.compress(b"x" * 100)[:-12], {"Content-Encoding": "gzip"})]
    with pytest.raises(Temporary):
        await allowed(site).send(HttpRequest("GET", site.url))
    for packing, body in (("br", b"x"), ("deflate", zlib.compress(b"x")), ("gzip", b"not packed")):
        site.once = [Answer(200, body, {"Content-Encoding": packing})]
        with pytest.raises(Malformed):
            await allowed(site).send(HttpRequest("GET", site.url))


async def test_an_answer_that_never_ends_is_cut_off(site: Served) -> None:
    never = asyncio.Event()
    site.once = [Answer(wait=never), Answer(wait=never)]
    with pytest.raises(Temporary):
        await allowed(site, most_seconds=0.2).send(HttpRequest("GET", site.url))
    with pytest.raises(Uncertain):
        await allowed(site, most_seconds=0.2).send(HttpRequest("POST", site.url, body=b"x"))
    never.set()


async def test_an_answer_that_drips_is_cut_off_however_often_something_comes() -> None:
    over = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        except OSError:
            over.set()  # whoever asked has hung up
        finally:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = WebClient(Guard(frozenset({f"127.0.0.1:{port}"}), most_seconds=0.3))
    try:
        with pytest.raises(Temporary):
            await client.send(HttpRequest("GET", f"http://127.0.0.1:{port}/"))
        await asyncio.wait_for(over.wait(), 10)
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"x" * 100, cut=10),
        Answer(raw=b""),
        Answer(raw=b"garbage\r\n\r\n"),
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Le"),
    ],
)
async def test_a_cut_or_malformed_answer_is_temporary_for_reading(site: Served, answer: Answer) -> None:
    site.once = [answer, answer]
    with pytest.raises(Temporary):
        await allowed(site).send(HttpRequest("GET", site.url))
    if answer.raw is not None:
        with pytest.raises(Uncertain):
            await allowed(site).send(HttpRequest("PUT", site.url, body=b"x"))
    else:
        assert (await allowed(site).send(HttpRequest("PUT", site.url, body=b"x"))).is_cut


async def test_nobody_listening_is_temporary_for_acts_too() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    client = WebClient(Guard(frozenset({f"127.0.0.1:{port}"})))
    for method in ("GET", "POST"):
        with pytest.raises(Temporary):
            await client.send(HttpRequest(method, f"http://127.0.0.1:{port}/"))  # pyright: ignore[reportArgumentType]


async def test_a_name_that_is_not_found_is_temporary() -> None:
    with pytest.raises(Temporary, match=r"nowhere\.invalid"):
        await WebClient(Guard()).send(HttpRequest("GET", "http://nowhere.invalid/"))


def test_public_addresses_are_public_and_metadata_hides_nowhere() -> None:
    for text in (
        "8.8.8.8",
        "1.1.1.1",
        "2606:4700:4700::1111",
        "2a00:1450:4001:82f::200e",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ):
        assert is_public(ip_address(text)), text
    for text in ("2606:4700:a9fe:a9fe::", "2606:4700::a9fe:a9fe", "::a9fe:a9fe", "2001::5601:5601", "168.63.129.16"):
        assert is_metadata(ip_address(text)), text
    assert not is_metadata(ip_address("8.8.8.8"))


async def test_settings_name_hosts_of_ones_own_network(site: Served) -> None:
    from core.settings import Settings

    guard = Guard.from_settings(Settings.model_validate({"private_hosts": f" , LOCALHOST:{site.port},"}))
    assert (await WebClient(guard).send(HttpRequest("GET", f"http://localhost:{site.port}/"))).status == 200
    with pytest.raises(AddressRefused):
        await WebClient(guard).send(HttpRequest("GET", site.url))
    assert httpx.URL(site.url).port == site.port
