"""What all measurements share: one embedded Postgres with a real disk under it, databases in it, houses on them."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from app.house import House, ensure_owner, furnish
from benchmarks.harness.filling import fill
from core.clock import Clock
from core.embedded import EmbeddedPostgres
from core.migrate import migrate
from core.postgres import open_database
from core.settings import Settings

TEMPLATE = "steward"
LIVED_IN = "lived_in"
TASKS_LIVED_WITH = 10_000


@dataclass(frozen=True)
class Options:
    """What a run was asked for. `rows`: the largest table of `growth`."""

    rows: int = 1_000_000
    rounds: int = 3
    concurrency: int = 16


@dataclass
class Bench:
    """The server all sides of a comparison share, with the settings of an installation: fsync is on."""

    server: EmbeddedPostgres
    home: Path
    options: Options
    _is_template_made: bool = False

    async def fresh(self, name: str, *, template: str | None = TEMPLATE) -> str:
        """The conninfo of a new database: with Steward's schema and its queue's, or empty (None). An older one goes."""
        async with await psycopg.AsyncConnection.connect(self.server.url_of("postgres"), autocommit=True) as admin:
            await admin.execute(f'drop database if exists "{name}" with (force)'.encode())
            await admin.execute(f'create database "{name}" {f"template {template}" if template else ""}'.encode())
        return self.server.url_of(name)

    async def lived_in(self, name: str) -> str:
        """A new database with an owner and ten thousand tasks in it, so that plans are those of a house in use."""
        if not self._is_template_made:
            url = await self.fresh(LIVED_IN)
            async with self.house(url) as house:
                await fill(url, house.owner, TASKS_LIVED_WITH)
            self._is_template_made = True
        return await self.fresh(name, template=LIVED_IN)

    def sqlalchemy_url(self, url: str) -> str:
        """The same database as SQLAlchemy names it."""
        parts = conninfo_to_dict(url)
        return f"postgresql+psycopg://{parts['user']}@/{parts['dbname']}?host={parts['host']}&port={parts['port']}"

    def environment(self, url: str) -> dict[str, str]:
        """Variables for a `steward` process on that database."""
        return {
            "STEWARD_HOME": str(self.home / "house"),
            "STEWARD_DATABASE_URL": url,
            "STEWARD_LOG_LEVEL": "error",
            "STEWARD_STREAMS_PER_PERSON": "0",  # thousands of one person
            "OPENAI_API_KEY": "",
            "OPENAI_BASE_URL": "",
        }

    @asynccontextmanager
    async def house(self, url: str, *, max_size: int = 10) -> AsyncGenerator[House]:
        """A house with its owner on a database."""
        settings = Settings.model_validate({"home": self.home / "house", "database_url": url})
        settings.home.mkdir(exist_ok=True, mode=0o700)
        owner = await ensure_owner(url, settings)
        async with open_database(url, max_size=max_size) as database:
            yield furnish(settings, Clock.from_settings(settings), database, owner)


@asynccontextmanager
async def open_bench(options: Options) -> AsyncGenerator[Bench]:
    """A bench in a folder of its own; gone after the block."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steward-bench-")))
        server = await asyncio.to_thread(EmbeddedPostgres.start, home)
        stack.callback(server.remove)
        stack.callback(server.stop)
        await migrate(server.url, embedded=True)
        yield Bench(server, home, options)
