"""A walk in which every kind of secret is used, with everything logged and traced; then all that was written is searched.

What is connected is loopback alone: a mailbox that lets in, a mailbox that does not, and a service that refuses everything
and says back, word for word, what it was sent. That is the worst that a service can do to what is logged of its errors.
"""

import asyncio
import base64
import io
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import structlog
import uvicorn
from aiohttp import web
from aiosmtpd.smtp import AuthResult
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from psycopg import sql
from pydantic_ai import models

from app.house import House, ensure_owner, furnish
from app.live import listening
from app.main import create_app
from app.person_session import COOKIE
from core.clock import Clock
from core.database import Database
from core.keys import Keys
from core.logging import set_up_logging
from core.postgres import open_database, pool_of
from core.settings import Settings
from core.tracing import use_provider
from core.vault import Vault
from jobs.worker import working
from tasks import accounts
from tasks.functions import count_tasks
from tests.browser_pages import close_pages
from tests.conftest import free_port
from tests.emulators.imap_server import PASSWORD, USER, running_imap_server
from tests.emulators.smtp_server import Handler, serving

CARD = "4111111111111111"
READ = "https://www.googleapis.com/auth/gmail.readonly"
PATIENCE_SECONDS = 20
MARKERS = {
    name: f"mark-{name.replace('_', '-')}-7f3Kq9Zt2Lw8"
    for name in (
        "model_key", "wrong_password", "oauth_access", "oauth_refresh", "client_secret", "github_token", "jira_token",
        "tavily_key", "slack_token", "slack_signing", "cicd_secret", "resend_key", "metrics_token", "wrong_bearer",
    )
}  # fmt: skip


@dataclass
class SecretsReport:
    """`secrets` were used, `places` searched; `leaks` says which secret stands where, with the words around it."""

    secrets: int = 0
    places: int = 0
    asked: list[str] = field(default_factory=list[str])
    leaks: list[str] = field(default_factory=list[str])

    def as_json(self) -> dict[str, Any]:
        """Numbers for the line of `make safety`."""
        return {"secrets": self.secrets, "secret_places": self.places, "secret_leaks": len(self.leaks)}


@dataclass
class Walk:
    """What was used on the way; `used` grows by the secrets that the house itself makes."""

    house: House
    url: str
    service: str
    used: dict[str, str]
    asked: list[str] = field(default_factory=list[str])

    async def all(self) -> None:
        """Sign in, connect everything, use it, and be refused."""
        owner = self.house.owner.user_id
        assert owner
        keys = Keys.load(self.house.settings.home)
        link, session = keys.link_token(owner), keys.session_token(owner)
        self.used |= {"sign_in_link": link, "session": session, "bearer": keys.bearer_token(owner)}
        async with aiohttp.ClientSession(self.url, cookie_jar=aiohttp.DummyCookieJar()) as anybody:
            async with anybody.get("/", params={"token": link}, allow_redirects=False) as answer:
                self.used["session_of_link"] = answer.cookies[COOKIE].value
            for path in ("/api/tasks", "/tasks"):
                for value in (f"Bearer {MARKERS['wrong_bearer']}", f"Basic {MARKERS['wrong_bearer']}"):
                    await self.ask(anybody, "GET", path, headers={"Authorization": value})
            await self.ask(anybody, "GET", "/", params={"token": link})  # a second time
        bearer = {"Authorization": f"Bearer {self.used['bearer']}"}
        async with aiohttp.ClientSession(self.url, headers=bearer) as owner_api:
            await self.connect(owner_api)
            await self.use(owner_api)
        csrf = keys.csrf_token(session)
        self.used["csrf"] = csrf
        async with aiohttp.ClientSession(self.url, headers={"Cookie": f"{COOKIE}={session}"}) as pages:
            await self.ask(pages, "POST", "/settings", data={"csrf_token": csrf, "action": "nothing"})
            await self.ask(pages, "POST", "/api/tasks", json={"title": "x"}, headers={"X-CSRF-Token": csrf})
            async with pages.ws_connect("/api/events", headers={"Origin": self.url}):
                pass

    async def connect(self, api: aiohttp.ClientSession) -> None:
        """Accounts of every kind, by the API; a second time with the same Idempotency-Key."""
        key = {"Idempotency-Key": "once"}
        made = await self.ask(api, "POST", "/api/tokens", json={"name": "script"}, headers=key)
        again = await self.ask(api, "POST", "/api/tokens", json={"name": "script"}, headers=key)
        assert made["token"] == again["token"]
        self.used["api_token"] = made["token"]
        feed = await self.ask(api, "POST", "/api/calendar/feed", headers={"Idempotency-Key": "feed"})
        self.used["feed_token"] = feed["url"].rpartition("token=")[2]
        await self.ask(api, "GET", "/api/calendar/feed", params={"token": self.used["feed_token"]})
        token = {"Authorization": f"Bearer {self.used['api_token']}"}
        await self.ask(api, "GET", "/api/tasks", headers=token)
        for provider, secret in (
            ("github", {"token": MARKERS["github_token"]}),
            ("jira", {"url": self.service, "email": USER, "token": MARKERS["jira_token"]}),
            ("tavily", {"key": MARKERS["tavily_key"]}),
            ("cicd", {"url": self.service, "secret": f"whsec_{MARKERS['cicd_secret']}"}),
        ):
            await self.ask(api, "POST", f"/api/integrations/{provider}", json={"secret": secret})
        async with (
            running_imap_server() as imap,
            serving(Handler(), authenticator=_let_in, auth_require_tls=False) as smtp,
        ):
            self.used["mail_password"] = PASSWORD
            user = quote(USER, safe="")
            box = {"address": USER, "imap_url": imap.url, "smtp_url": f"smtp://{user}:{PASSWORD}@{smtp}"}
            wrong = imap.url.replace(PASSWORD, MARKERS["wrong_password"])
            await self.ask(api, "POST", "/api/mail/accounts", json={**box, "imap_url": wrong})
            await self.ask(api, "POST", "/api/mail/accounts", json=box)
            await accounts.request_reading(self.house.caller, "imap")
            await asyncio.sleep(1)
        await accounts.request_reading(self.house.caller, "imap")  # nobody answers now
        secret = {"access_token": MARKERS["oauth_access"], "refresh_token": MARKERS["oauth_refresh"]}
        vault = Vault.from_settings(self.house.settings)
        await accounts.connect_account(self.house.caller, vault, "google", "robin@example.com", secret, [READ])
        await accounts.request_reading(self.house.caller, "google")

    async def use(self, api: aiohttp.ClientSession) -> None:
        """Tasks whose tools sign in with these, a chat with the model, hooks with wrong signatures."""
        pay = {"start_url": f"{self.service}/pay", "steps": [{"do": "type", "target": "Card", "text": CARD}]}
        for tool, given in (
            ("browser", pay),
            ("github_check", {"repository": "a/b", "ref": "main"}),
            ("web_search", {"query": "kettles"}),
            ("jira_ticket", {"project": "OPS", "summary": "a"}),
        ):
            made = await self.ask(
                api, "POST", "/api/tasks/tree", json={"title": tool, "tool": tool, "tool_input": given}
            )
            await self.ask(api, "POST", "/api/tasks/execute", json={"taskId": made["id"], "wait": True})
        for approval in (await self.ask(api, "GET", "/api/approvals"))["items"]:
            body = {"approved": True, "digest": approval["digest"]}
            await self.ask(api, "POST", f"/api/approvals/{approval['id']}", json=body)
        await self.ask(api, "POST", "/api/chat", json={"message": "call Ana tomorrow"})
        signed = {"X-Slack-Signature": "v0=0", "X-Slack-Request-Timestamp": "1", "webhook-signature": "v1,0"}
        await self.ask(api, "POST", "/api/integrations/slack/events", json={"type": "x"}, headers=signed)
        await self.ask(api, "GET", "/metrics", headers={"Authorization": f"Bearer {MARKERS['metrics_token']}"})
        await self.quiet()

    async def quiet(self) -> None:
        """When no task runs any more."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            counts = await count_tasks(self.house.caller)
            while counts.get("queued") or counts.get("in_progress"):
                await asyncio.sleep(0.1)
                counts = await count_tasks(self.house.caller)

    async def ask(self, session: aiohttp.ClientSession, method: str, path: str, **given: Any) -> dict[str, Any]:
        """The decoded answer, whatever its status; `asked` notes it."""
        async with session.request(method, path, **given) as answer:
            self.asked.append(f"{method} {path} {answer.status}")
            if "json" in answer.content_type:
                return dict(await answer.json(content_type=None))
            return {}


async def run_secrets(database_url: str, home: Path) -> SecretsReport:
    """Walk, then search: logs, output, every table, spans, and the files of the data folder."""
    said, spans = io.StringIO(), InMemorySpanExporter()
    async with AsyncExitStack() as parts:
        parts.enter_context(_everything_heard(said, spans))
        service = await parts.enter_async_context(_talkative())
        settings = _settings(database_url, home, service)
        set_up_logging(settings, said)
        owner = await ensure_owner(database_url, settings)
        database = await parts.enter_async_context(open_database(database_url))
        house = furnish(settings, Clock.from_settings(settings), database, owner)
        walk = Walk(house, f"http://127.0.0.1:{settings.port}", service, {**MARKERS, "card": CARD})
        async with listening(house.hub), working(await house.worker()), _served(house):
            await walk.all()
            await close_pages()
        written = {"the log and the output": said.getvalue(), "spans": _spans(spans)}
        written |= await _tables(database)
        written |= _files(home)
    report = SecretsReport(len(walk.used), len(written), walk.asked)
    for place, text in written.items():
        for name, secret in walk.used.items():
            report.leaks += [f"{name} in {place}: {words}" for words in found_in(text, secret)]
    return report


def _settings(database_url: str, home: Path, service: str) -> Settings:
    return Settings.model_validate(
        {
            "home": home, "database_url": database_url, "port": free_port(), "timezone": "Europe/Berlin",
            "log_level": "debug", "log_format": "json", "private_hosts": "127.0.0.1",
            "OPENAI_API_KEY": MARKERS["model_key"], "OPENAI_BASE_URL": f"{service}/v1", "model": "some-model",
            "google_client_id": "a-client", "google_client_secret": MARKERS["client_secret"], "google_base_url": service,
            "slack_bot_token": f"xoxb-{MARKERS['slack_token']}", "slack_signing_secret": MARKERS["slack_signing"],
            "slack_api_url": f"{service}/", "github_url": service, "tavily_url": service, "jira_url": service,
            "metrics_token": MARKERS["metrics_token"], "RESEND_API_KEY": MARKERS["resend_key"],
        }
    )  # fmt: skip


def _let_in(*_: object) -> AuthResult:
    return AuthResult(success=True)


@asynccontextmanager
async def _talkative() -> AsyncGenerator[str]:
    """A service that refuses whatever it is asked, and quotes all of the request."""

    async def answer(request: web.Request) -> web.Response:
        quoted = {
            "headers": dict(request.headers),
            "body": (await request.read()).decode(errors="replace"),
            "url": str(request.url),
        }
        told = {"error": {"message": f"Refused: {quoted}", "type": "refused", "code": "401"}, "message": str(quoted)}
        return web.json_response(told, status=401)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _served(house: House) -> AsyncGenerator[None]:
    keys = Keys.load(house.settings.home)
    config = uvicorn.Config(
        create_app(house, keys), port=house.settings.port, log_config=None, access_log=False, lifespan="off",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving_now = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await serving_now


@contextmanager
def _everything_heard(said: io.StringIO, spans: InMemorySpanExporter) -> Generator[None]:
    """Output goes to `said`, spans to `spans`, models may be asked; afterwards all is as it was."""
    root = logging.getLogger()
    before, level, configured = root.handlers[:], root.level, structlog.get_config()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    use_provider(provider)
    try:
        with redirect_stdout(said), redirect_stderr(said), models.override_allow_model_requests(True):
            yield
    finally:
        use_provider(None)
        provider.shutdown()
        root.handlers[:] = before
        root.setLevel(level)
        structlog.configure(**configured)


def _spans(spans: InMemorySpanExporter) -> str:
    return "\n".join(span.to_json() for span in spans.get_finished_spans())


async def _tables(database: Database) -> dict[str, str]:
    """Every row of every table as text, by the name of the table: those of the queue and of people as well."""
    found: dict[str, str] = {}
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            """select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where c.relkind in ('r', 'p', 'm') and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'"""
        )
        for schema, table in await cursor.fetchall():
            rows = await connection.execute(sql.SQL("select t::text from {} t").format(sql.Identifier(schema, table)))
            found[f"{schema}.{table}"] = "\n".join(str(row[0]) for row in await rows.fetchall())
    return found


def _files(home: Path) -> dict[str, str]:
    files = (path for path in home.rglob("*") if path.is_file())
    return {f"file {path.relative_to(home)}": path.read_bytes().decode("latin-1") for path in files}


def found_in(text: str, secret: str) -> list[str]:
    """The words around a secret: as it is, in a URL, as bytes in hexadecimal, or within something in base64."""
    forms = {secret, quote(secret, safe=""), secret.encode().hex()}
    for shift, touched in enumerate((0, 2, 3)):  # characters at the ends also depend on what stands beside it
        plain = base64.b64encode(b"x" * shift + secret.encode()).decode().rstrip("=")
        certain = plain[touched : -1 if (shift + len(secret.encode())) % 3 else None]
        forms |= {certain, certain.replace("+", "-").replace("/", "_")}
    return [f"…{text[max(0, at - 80) : at + 20]}…" for form in forms if (at := text.find(form)) >= 0]
