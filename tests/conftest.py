"""What tests stand on: one embedded Postgres a run, a database of its own for each test, people in it."""

import asyncio
import gc
import os
import socket
from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from pydantic_ai import models

from app.house import House, ensure_owner, furnish
from core.clock import Clock
from core.database import Caller, Database, Identity
from core.embedded import EmbeddedPostgres
from core.migrate import migrate
from core.postgres import PostgresDatabase, open_database, pool_of
from core.settings import Settings
from tests.in_memory import passing_folder

models.ALLOW_MODEL_REQUESTS = False  # a fixture opens it for a server on loopback
os.environ.pop("OPENAI_API_KEY", None)
os.environ.pop("OPENAI_BASE_URL", None)
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"  # nobody's own keyring is written to
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.fixture(scope="session")
def server() -> Generator[EmbeddedPostgres]:
    """An embedded server that forgets on a crash; gone with the run."""
    with passing_folder() as folder:
        embedded = EmbeddedPostgres.start(folder, durable=False)
        yield embedded
        embedded.stop()
        embedded.remove()


@pytest.fixture(scope="session")
def template(server: EmbeddedPostgres) -> str:
    """The name of a database with all migrations, to be cloned."""
    asyncio.run(migrate(server.url, embedded=True))
    return "steward"


@pytest.fixture
async def database_url(server: EmbeddedPostgres, template: str) -> AsyncGenerator[str]:
    """A database of one's own: a clone of the template, dropped afterwards."""
    name = f"t_{uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(server.url_of("postgres"), autocommit=True) as admin:
        await admin.execute(f'create database "{name}" template "{template}" strategy file_copy'.encode())
        yield server.url_of(name)
        await admin.execute(f'drop database "{name}" with (force)'.encode())


@pytest.fixture
async def database(database_url: str) -> AsyncGenerator[PostgresDatabase]:
    """The adapter on a database of one's own."""
    async with open_database(database_url) as opened:
        yield opened


async def sign_up(database: Database, email: str) -> Identity:
    """A new person with a personal organization."""
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute("insert into auth.users (email) values (%s) returning id", (email,))
        row = await cursor.fetchone()
    assert row
    return Identity(UUID(str(row[0])))


@pytest.fixture
async def ana(database: Database) -> Caller:
    """A person."""
    return database.acting_as(await sign_up(database, "ana@example.com"))


@pytest.fixture
async def mallory(database: Database) -> Caller:
    """Somebody else, in another organization."""
    return database.acting_as(await sign_up(database, "mallory@example.net"))


@pytest.fixture
def nobody(database: Database) -> Caller:
    """An anonymous caller."""
    return database.acting_as(Identity(None, "anon"))


@pytest.fixture
async def service(database: Database, ana: Caller) -> Caller:
    """The worker, acting for Ana's organization."""
    profile = await ana.call("get_profile")
    return database.acting_as(Identity.service(UUID(profile["organization"]["id"])))


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of a house in a folder of its own, on a Wednesday morning in March 2026."""
    return Settings.model_validate(
        {
            "home": tmp_path / "home",
            "database_url": database_url,
            "timezone": "Europe/Berlin",
            "now": NOW,
            "owner_email": "robin@vega.example",
            "owner_name": "Robin Vega",
            "port": free_port(),
        }
    )


@pytest.fixture
async def house(settings: Settings, database: PostgresDatabase) -> House:
    """A furnished house with its owner; nobody works in it yet."""
    settings.home.mkdir(exist_ok=True)
    owner = await ensure_owner(database.url, settings)
    return furnish(settings, Clock.from_settings(settings), database, owner)


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def house_with(house: House, **parts: object) -> House:
    """The house with other parts."""
    return replace(house, **parts)  # pyright: ignore[reportArgumentType]


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: whoever looks for garbage need not go through it each time."""
    gc.collect()
    gc.freeze()
