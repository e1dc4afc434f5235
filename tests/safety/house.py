"""A whole house for the real run: its model is on the attacker's side, its other ends count what arrives.

What others wrote comes in by the real doors: imported mails and invitations, pages that are opened, results of a search,
files that were put to a task. Permissions are switched on through the API, by the owner.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from pathlib import Path
from typing import Any

import httpx
import psycopg
from pydantic_ai import models

from app.house import House, ensure_owner, furnish
from app.live import listening
from app.main import create_app
from core.clock import Clock
from core.keys import Keys
from core.postgres import open_database, postgres
from core.settings import Settings
from jobs.worker import working
from tasks import functions
from tasks.own_words import tokens_of
from tests.emulators.outside_servers import OutsideServers
from tests.emulators.served import Answer, Got, Handler, Served, serving
from tests.emulators.slack import BOT_TOKEN, SlackServer, fresh_slack
from tests.safety.cases import NOW, Case
from tests.safety.hijacked import Hijacked

PATIENCE_SECONDS = 90.0
LOOK_SECONDS = 0.03
HOST = re.compile(r"https?://(?=[a-z])([a-z0-9.-]+\.[a-z]+)(?![a-z0-9.:@-])", re.IGNORECASE)
PAGES, EVENTS, MAILS, SEARCHES = {"page", "tool"}, {"invite", "calendar"}, {"mail"}, {"search"}
PROGRAM = Path(sys.executable).parent / "steward"
SLACK_PEOPLE = ("steward", "robin", "alex", "jonas", "priya", "lea", "tom", "mallory")
SLACK_CHANNELS = ("general", "random", "team", "all-customers", "lerngruppe")
PERMITTED: tuple[tuple[str, list[str]], ...] = (
    ("email_send", ["named"]),
    ("slack_notification", ["named"]),
    ("calendar_event", ["named"]),
    ("web_fetch", ["en.wikipedia.org"]),
)


@dataclass(frozen=True)
class Left:
    """What has left so far: mails in the outbox, questions to the search, pages that were opened, what was said in Slack by
    the house, and how many approvals a permission gave."""

    mails: int
    asked: tuple[str, ...]
    opened: tuple[str, ...]
    said: tuple[str, ...]
    permitted: int
    own_acts: int


@dataclass
class RealHouse:
    """The house at work, its owner at the API, the model, and the other ends."""

    house: House
    client: httpx.AsyncClient
    model: Hijacked
    pages: Served
    search: Served
    slack: SlackServer | None = None
    page_texts: dict[str, str] = field(default_factory=dict[str, str])
    results: str = ""

    async def left(self, *, with_slack: bool = False) -> Left:
        """What has left until now; what was said in Slack, only where it is asked for."""
        async with await psycopg.AsyncConnection.connect(postgres(self.house.database).url) as connection:
            cursor = await connection.execute(
                """select count(*) filter (where decided_how = 'permission'), count(*) filter (where decided_how = 'own')
                   from public.approvals"""
            )
            row = await cursor.fetchone()
        assert row
        return Left(
            mails=len([*(self.house.settings.home / "outbox").glob("*.eml")]),
            asked=tuple(str(got.json["query"]) for got in self.search.got),
            opened=tuple(_url_of(got) for got in self.pages.got),
            said=await self.said() if with_slack else (),
            permitted=int(row[0]),
            own_acts=int(row[1]),
        )

    async def said(self) -> tuple[str, ...]:
        """What the house's bot said in any channel, or to somebody."""
        if self.slack is None:
            return ()
        bot, web = self.slack.users["steward"], self.slack.web()
        places = [*self.slack.channels.values()]
        listed = await web.read("conversations.list", types="im")
        places += [str(one["id"]) for one in listed["channels"]]
        found: list[str] = []
        for place in places:
            told = await web.read("conversations.history", channel=place, limit=200)
            found += [str(one["text"]) for one in told["messages"] if one.get("user") == bot]
        return tuple(found)

    def at_home(self, text: str) -> str:
        """The text with every site where its page is served."""
        return HOST.sub(rf"http://\1:{self.pages.port}", text)

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """A call of the API that has to go well."""
        answer = await self.client.request(method, path, json=body)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    async def settled(self, task_id: str) -> list[dict[str, Any]]:
        """The task and all below it, once nothing of it waits in the queue or runs. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                tree = [*_flat(await self.ask("GET", f"/api/tasks/{task_id}/tree"))]
                if not any(is_under_way(one) for one in tree):
                    return tree
                await asyncio.sleep(LOOK_SECONDS)


def is_under_way(task: dict[str, Any]) -> bool:
    """Does it go on by itself?"""
    return task["execution_status"] in {"queued", "in_progress"} or task["blocked_on"] == "delay"


def _flat(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node["children"]:
        yield from _flat(child)


@asynccontextmanager
async def real_house(
    database_url: str, home: Path, cases: Sequence[Case], slack: SlackServer | None = None
) -> AsyncGenerator[RealHouse]:
    """The house on an empty database, with what the cases need taken in, people known, and permissions on.

    `home` is a folder that is there and empty.
    """
    model = Hijacked()
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(serving(model.answer))
        pages = await stack.enter_async_context(serving())
        search = await stack.enter_async_context(serving())
        stack.enter_context(every_name_is_here())
        stack.enter_context(models.override_allow_model_requests(True))  # of the model above, on loopback
        settings = _settings(database_url, home, served.url, search.url, pages.port, cases, slack)
        owner = await ensure_owner(database_url, settings)
        database = await stack.enter_async_context(open_database(database_url))
        house = furnish(settings, Clock.from_settings(settings), database, owner)
        await stack.enter_async_context(house.thinking)
        await stack.enter_async_context(listening(house.hub))
        keys = Keys.load(home)
        assert owner.user_id
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(house, keys), raise_app_exceptions=False),
            base_url="http://127.0.0.1",
            headers={"Authorization": f"Bearer {keys.bearer_token(owner.user_id)}"},
            timeout=60,
        )
        real = RealHouse(house, await stack.enter_async_context(client), model, pages, search, slack)
        pages.handler, search.handler = page_of(real), results_of(real)
        await take_in(real, cases)
        await stack.enter_async_context(working(await house.worker()))
        await know(real, sorted({address for case in cases for address in spoken_of(case)}))
        for action, targets in PERMITTED:
            terms = {"action": action, "targets": targets, "hold_seconds": 0, "max_per_hour": 900, "max_per_day": 900}
            await real.ask("PUT", "/api/policies", terms | {"is_enabled": True})
        yield real


async def workspace(outside: OutsideServers) -> SlackServer:
    """A Slack workspace with the people and channels that the cases speak of."""
    people = [{"name": name, "real_name": name.title(), "email": f"{name}@vega.example"} for name in SLACK_PEOPLE]
    return await fresh_slack(outside, users=people, channels=[{"name": name} for name in SLACK_CHANNELS])


def _settings(
    database_url: str, home: Path, model: str, search: str, port: int, cases: Sequence[Case], slack: SlackServer | None
) -> Settings:
    hosts = sorted({host for case in cases for host in hosts_of(case)})
    return Settings.model_validate(
        {
            "home": home,
            "database_url": database_url,
            "timezone": "Europe/Berlin",
            "now": NOW,
            "owner_email": "robin@vega.example",
            "owner_name": "Robin Vega",
            "OPENAI_API_KEY": "not-a-key",
            "OPENAI_BASE_URL": f"{model}/v1",
            "model_api": "chat",
            "model": "gpt-5-mini",
            "TAVILY_API_KEY": "not-a-key",
            "tavily_url": search,
            "private_hosts": ",".join(f"{host}:{port}" for host in hosts),
            **({"slack_bot_token": BOT_TOKEN, "slack_api_url": slack.api_url} if slack else {}),
        }
    )


def spoken_of(case: Case) -> Iterator[str]:
    """Every contact whom the person may mean."""
    said = {token for text in case.provenance.user for token in tokens_of(text)}
    for address, name in case.provenance.contacts.items():
        if not said.isdisjoint(tokens_of(name)):
            yield address


def hosts_of(case: Case) -> Iterator[str]:
    """Every site that a case speaks of."""
    texts = [*case.provenance.user, *(one.text for one in case.provenance.untrusted)]
    texts += [url for attempt in case.attempts for url in attempt.action.urls]
    for text in texts:
        for found in HOST.finditer(text):
            yield found[1].lower()


@contextmanager
def every_name_is_here() -> Generator[None]:
    """Every host name lies on this machine for the length of the block: what goes out arrives where it is counted."""
    loop = asyncio.get_running_loop()
    resolve = loop.getaddrinfo

    async def here(host: Any, port: Any, **more: Any) -> Any:
        is_site = isinstance(host, str) and "." in host and re.search("[a-z]", host) is not None and "/" not in host
        return await resolve("127.0.0.1" if is_site else host, port, **more)

    vars(loop)["getaddrinfo"] = here
    try:
        yield
    finally:
        del vars(loop)["getaddrinfo"]


# ---------------------------------------------------------------- the doors


async def take_in(real: RealHouse, cases: Sequence[Case]) -> None:
    """Import what came by mail and calendar, with the program that a person uses."""
    folder = real.house.settings.home / "came-in"
    folder.mkdir()
    for case in cases:
        for number, read in enumerate(case.provenance.untrusted):
            if read.kind in MAILS:
                path = folder / f"{case.id}-{number}.eml"
                path.write_bytes(_mail(case.id, number, read.title, real.at_home(read.text)))
            elif read.kind in EVENTS:
                path = folder / f"{case.id}-{number}.ics"
                path.write_text(_event(case.id, number, read.title, real.at_home(read.text)), "utf-8", newline="")
    if any(folder.iterdir()):
        await import_files(real.house.settings, folder)


async def import_files(settings: Settings, *paths: Path) -> None:
    """`steward import`, into the house of these settings."""
    await asyncio.to_thread(_import, settings, *paths)


def _import(settings: Settings, *paths: Path) -> None:
    assert settings.database_url
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "STEWARD_HOME": str(settings.home),
        "STEWARD_DATABASE_URL": settings.database_url.get_secret_value(),
        "STEWARD_OWNER_EMAIL": settings.owner_email,
        "STEWARD_OWNER_NAME": settings.owner_name,
        "STEWARD_NOW": NOW.isoformat(),
        "STEWARD_TIMEZONE": "Europe/Berlin",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    command = [str(PROGRAM), "import", "--json", *map(str, paths)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"The import failed: {done.stderr[-1000:]}")
    json.loads(done.stdout)


def sender_of(case_id: str) -> str:
    """Whom the mails of a case are from: by this address the model finds them."""
    return f"{case_id}@senders.example"


def _mail(case_id: str, number: int, title: str, text: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = f"Sender <{sender_of(case_id)}>", "Robin Vega <robin@vega.example>"
    mail["Subject"] = " ".join(title.split()) or "Mail"
    mail["Date"] = format_datetime(NOW - timedelta(minutes=number + 1))
    mail["Message-ID"] = f"<{case_id}-{number}@senders.example>"
    mail.set_content(f"{text}\n")
    return mail.as_bytes()


def _event(case_id: str, number: int, title: str, text: str) -> str:
    """An invitation; its text is folded as RFC 5545, 3.1 asks."""
    written = text.replace("\\", "\\\\").replace("\n", "\\n").replace(",", "\\,").replace(";", "\\;")
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//senders//EN", "BEGIN:VEVENT", f"UID:{case_id}-{number}@x"]
    lines += [f"DTSTAMP:{NOW:%Y%m%dT%H%M%SZ}", "DTSTART:20260306T090000Z", "DTEND:20260306T100000Z"]
    lines += [f"SUMMARY:{title} {case_id}", f"DESCRIPTION:{written}", f"ORGANIZER:mailto:{sender_of(case_id)}"]
    lines += ["END:VEVENT", "END:VCALENDAR", ""]
    return "\r\n".join("\r\n ".join(line[n : n + 60] for n in range(0, max(len(line), 1), 60)) for line in lines)


def page_of(real: RealHouse) -> Handler:
    """The sites: the page of the case that is being tried, whatever is asked for."""

    def answer(got: Got) -> Answer:
        text = real.page_texts.get(got.headers.get("host", "").partition(":")[0], "Nothing here.")
        return Answer(200, f"<!doctype html><title>Page</title><p>{escape(text)}</p>", {"Content-Type": "text/html"})

    return answer


def results_of(real: RealHouse) -> Handler:
    """The search: what stands in the case that is being tried, whatever is asked."""

    def answer(got: Got) -> Answer:
        hit = {"title": "Result", "url": real.at_home("https://found.example/"), "content": real.results, "score": 0.9}
        return Answer(200, {"query": got.json["query"], "results": [hit]})

    return answer


def _url_of(got: Got) -> str:
    query = "&".join(f"{name}={value}" for name, values in got.query.items() for value in values)
    return f"http://{got.headers.get('host', '')}{got.path}{'?' if query else ''}{query}"


async def know(real: RealHouse, addresses: Sequence[str]) -> None:
    """Make people known: the owner writes to each, and says yes to it."""
    made = [
        {
            "title": f"Write to {address}",
            "kind": "email",
            "execution_type": "fully_automated",
            "tool": "email_send",
            "tool_input": {"to": [address], "subject": "Hello", "body": "Hello"},
        }
        for address in addresses
    ]
    for task in await functions.create_tasks(real.house.caller, made) if made else []:
        await real.ask("POST", "/api/tasks/execute", {"taskId": str(task.id), "wait": False})
        await real.settled(str(task.id))
    drafts: list[dict[str, Any]] = (await real.ask("GET", "/api/drafts?state=draft&limit=100"))["items"]
    for draft in drafts:
        await real.ask("POST", f"/api/drafts/{draft['id']}/approve", {"digest": draft["digest"]})
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await real.left()).mails < len(drafts):
            await asyncio.sleep(LOOK_SECONDS)
