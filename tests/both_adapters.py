"""The web tier on both adapters: its database by a connection, and by Supabase's API (Supabase Lite).

The tests of a folder whose conftest imports `adapter` and `pytest_generate_tests` run twice. Set-up, worker and what a
test asks the database itself stay on the connection; every application that a test makes reaches the same database
over HTTP the second time, and hears of events by asking for them.
"""

import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI

from app.house import House
from app.main import create_app
from app.polling import PollingHub
from core.database import Database
from core.keys import Keys
from core.postgres import PostgresDatabase
from core.postgrest import PostgrestDatabase, open_postgrest
from core.settings import Settings
from tests.emulators.supabase import supabase_lite

ADAPTERS = ("postgres", "postgrest")
LOOK_SECONDS = 0.03  # the same events, without the wait
REAL = create_app


def runs_on_both(metafunc: pytest.Metafunc, only_postgres: Mapping[str, str]) -> None:
    """Parametrize a test by adapter; those in the table have no second run."""
    if "adapter" in metafunc.fixturenames:
        name = f"{Path(str(metafunc.definition.path)).name}::{metafunc.function.__name__}"
        chosen = ADAPTERS[:1] if name in only_postgres or not _makes_app(metafunc) else ADAPTERS
        metafunc.parametrize("adapter", chosen, indirect=True)


def _makes_app(metafunc: pytest.Metafunc) -> bool:
    """Does the test have anything to do with an application?"""
    return (
        bool({"client", "sender", "served"} & set(metafunc.fixturenames))
        or getattr(cast("object", metafunc.module), "create_app", None) is REAL
    )


@asynccontextmanager
async def over_http(database_url: str, home: Path) -> AsyncGenerator[PostgrestDatabase]:
    """The database of a test as Supabase's API gives it."""
    async with supabase_lite(database_url, auth=False) as lite:
        names = {
            "SUPABASE_URL": lite.url,
            "SUPABASE_PUBLISHABLE_KEY": lite.publishable_key,
            "SUPABASE_SECRET_KEY": lite.secret_key,
            "SUPABASE_JWT_SECRET": lite.jwt_secret,
        }
        async with open_postgrest(Settings.model_validate({"home": home, **names})) as reached:
            yield reached


@pytest.fixture(autouse=True)
async def adapter(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[str]:
    """How the applications of this test reach the database."""
    chosen = str(getattr(request, "param", ADAPTERS[0]))
    if chosen == ADAPTERS[0]:
        yield chosen
        return
    async with over_http(database_url, tmp_path / "home") as reached:
        _replace_everywhere(monkeypatch, _maker(reached))
        monkeypatch.setattr("app.house.hub_of", _hub_maker(reached))
        monkeypatch.setattr("app.polling.LOOK_SECONDS", LOOK_SECONDS)
        yield chosen


def _hub_maker(reached: PostgrestDatabase) -> Callable[[Database], PollingHub]:
    return lambda _: PollingHub(reached, for_all=True)


def _maker(reached: PostgrestDatabase) -> Callable[[House, Keys], FastAPI]:
    def create(house: House, keys: Keys, *more: Any, **named: Any) -> FastAPI:
        own = house.database
        is_closed = isinstance(own, PostgresDatabase) and own.pool.closed  # a test took the database away
        over_http = replace(reached, contents=own.contents)
        return REAL(house if is_closed else replace(house, database=over_http), keys, *more, **named)

    return create


def _replace_everywhere(monkeypatch: pytest.MonkeyPatch, create: Callable[[House, Keys], FastAPI]) -> None:
    """Test modules have the function by their own name for it."""
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "") != __name__ and vars(module).get("create_app") is REAL:
            monkeypatch.setattr(module, "create_app", create)
