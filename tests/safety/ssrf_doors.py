"""Every way out that takes an address from somebody else: how each is asked for one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from core.errors import StewardError
from core.outside.errors import Temporary
from core.outside.records import TableQuery
from core.outside.web import HttpRequest
from core.settings import Settings
from integrations.browser.proxy import GuardedProxy
from integrations.browser.sites import Sites
from integrations.cicd.webhook import WebhookPipelines
from integrations.database.postgres import Postgres
from integrations.database.supabase import SupabaseTables
from integrations.jira.cloud import JiraCloud
from integrations.mail.imap import ImapMailbox
from integrations.mail.imap_connection import ImapAddress
from integrations.mail.smtp import SmtpServer
from integrations.web.client import WebClient
from integrations.web.guard import Guard
from integrations.web.reader import WebReader
from integrations.web.rest_records import RestRecords
from jobs.outside.mail import check_servers
from jobs.plan_callbacks import receiver_of
from tests.safety.ssrf_forms import answers_of

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
Door = Callable[[str], Awaitable[object]]


@dataclass
class NameServer:
    """The name server of the corpus; it counts how often it is asked, since some answers change."""

    asked: dict[str, int] = field(default_factory=dict[str, int])

    async def resolve(self, host: str, port: int) -> list[str]:
        nth = self.asked.get(host, 0)
        self.asked[host] = nth + 1
        return [*answers_of(host, nth)]


def web_doors(guard: Guard) -> dict[str, Door]:
    """Doors that speak HTTP to an address that stands in a tool's input, on a page or in an account."""
    client = WebClient(guard)
    return {
        "http_get": lambda url: client.send(HttpRequest("GET", url)),
        "http_request": lambda url: client.send(HttpRequest("POST", url, body=b"x")),
        "web_fetch": lambda url: WebReader(client).read(url, 1000),
        "webhook": lambda url: WebhookPipelines(url, SECRET, guard).request("m", {"type": "x", "data": {}}),
        "plan_callback": lambda url: receiver_of(url, SECRET, guard).post("m", {"type": "x"}),
        "jira": lambda url: JiraCloud.signed_in(url, "a@b.example", "t", guard).get("A-1"),
        "records": lambda url: RestRecords.signed_in(url, "t", guard).get("people", "1", []),
        "supabase": lambda url: SupabaseTables(url, "k", guard).select(TableQuery("people"), 1),
    }


def socket_doors(guard: Guard) -> dict[str, Door]:
    """Doors that speak something else; they take the host and port of an address."""
    return {
        "mailbox": lambda url: _mailbox(url, guard),
        "postgres": lambda url: Postgres(_for_postgres(url), guard, 1.0).get("people", "1", ["id"]),
    }


async def _mailbox(url: str, guard: Guard) -> None:
    """A mailbox as somebody connects it: both servers are checked, then asked."""
    place = url.partition("://")[2].partition("/")[0]
    secret = {"imap_url": f"imap://user:password@{place}", "smtp_url": f"smtp://user:password@{place}"}
    places = await check_servers(Settings(), secret, guard)
    smtp = SmtpServer(secret["smtp_url"], timeout_seconds=5, at=places["smtp_url"])
    imap = ImapMailbox(ImapAddress.from_url(secret["imap_url"], places["imap_url"]), smtp, (), timeout_seconds=5)
    for ask in (imap.check, smtp.check):
        try:
            await ask()
        except Temporary:
            continue  # as it should be: what is public here answers nothing


def _for_postgres(url: str) -> str:
    place = url.partition("://")[2].partition("/")[0]
    return f"postgresql://user:password@{place}/name?connect_timeout=2"


@dataclass
class BrowserDoor:
    """The browser's only way out, asked as Chromium would ask, for a site that somebody did name."""

    guard: Guard
    allow: Callable[[int], None]

    async def ask(self, url: str) -> None:
        """Plainly and through a tunnel; a site that cannot be named is asked for as it is written."""
        try:
            sites = Sites([url])
        except StewardError:
            sites = Sites()
        for method in ("GET", "CONNECT"):
            proxy = GuardedProxy(sites, self.guard.vetted)
            port = await proxy.start()
            self.allow(port)
            try:
                target = url if method == "GET" else url.partition("://")[2].partition("/")[0]
                await _say(port, f"{method} {target} HTTP/1.1\r\n\r\n".encode("utf-8", "replace"))
            finally:
                await proxy.stop()


async def _say(port: int, said: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    writer.write_eof()
    try:
        await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        pass  # refused by hanging up
    finally:
        writer.close()
