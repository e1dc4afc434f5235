"""`supabase db push` and `steward migrate` make the same schema: from nothing, from each landed version, without a superuser."""

import asyncio
from collections.abc import AsyncGenerator
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from cli.testing import ROOT
from core.embedded import EmbeddedPostgres
from core.migrate import find_migrations, migrate
from tests.integration.core.test_catalogue import QUERIES
from tests.integration.supabase.cli import Project, project
from tests.integration.supabase.fingerprint import grants_of, schema_of
from tests.integration.supabase.hosted import HostedServer

QUEUE = f"jobs (procrastinate {version('procrastinate')})"
UP_TO_DATE = "Remote database is up to date."
SEED = (ROOT / "supabase/seed.sql").read_text()
BOTH = pytest.mark.parametrize("hosted", [18, 15], indirect=True, ids=["postgres18", "postgres15"])
COLUMNS = "select column_name, data_type, is_nullable from information_schema.columns where table_schema = 'supabase_migrations' and table_name = 'schema_migrations' order by 1"
RECORDED = "select version, name from supabase_migrations.schema_migrations order by version"


def names_of(project: Project) -> list[str]:
    """The files of its migrations, oldest first."""
    return sorted(path.name for path in project.migrations.glob("*.sql"))


async def fetch(url: str, query: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = await connection.execute(query.encode())
        return await cursor.fetchall() if cursor.description else []


@pytest.fixture
async def other(hosted: HostedServer) -> AsyncGenerator[str]:
    """A second empty project."""
    name = f"o_{uuid4().hex}"
    yield hosted.clone("empty", name)
    hosted.drop(name)


@BOTH
async def test_the_cli_and_steward_bring_a_project_to_the_same_schema(
    hosted: HostedServer, empty: str, other: str, steward: Project
) -> None:
    assert await fetch(empty, "select rolsuper from pg_roles where rolname = current_user") == [(False,)]
    folder, files = steward.migrations, names_of(steward)
    said, applied = await asyncio.gather(steward.push(empty), migrate(other, embedded=False, folder=folder))
    assert [name for name in files if name not in said] == []
    assert "WARN" not in said, "config.toml has what the CLI does not know"
    assert applied == [*files, QUEUE]
    assert await fetch(empty, RECORDED) == await fetch(other, RECORDED)
    assert await fetch(empty, COLUMNS) == await fetch(other, COLUMNS)
    assert await fetch(empty, RECORDED) == [(one.version, one.name) for one in find_migrations(folder)]
    # Each finds what the other has done.
    assert await migrate(empty, embedded=False, folder=folder) == [QUEUE]
    assert UP_TO_DATE in await steward.push(other)
    assert UP_TO_DATE in await steward.push(empty)
    assert await migrate(empty, embedded=False, folder=folder) == []
    assert await schema_of(empty) == await schema_of(other)


@pytest.mark.parametrize(
    ("hosted", "step"), [(18, 15), (15, 40)], indirect=["hosted"], ids=["postgres18", "postgres15"]
)
async def test_every_landed_version_comes_to_the_same_schema_and_keeps_what_people_had(
    hosted: HostedServer, other: str, steward: Project, tmp_path: Path, step: int
) -> None:
    await migrate(other, embedded=False, folder=steward.migrations)
    wanted, files = await schema_of(other), names_of(steward)

    async def push_the_rest(url: str, landed: int) -> None:
        said = await steward.push(url)
        assert [name for name in files[landed:] if name not in said] == [], files[landed]
        assert await schema_of(url) == wanted, f"after {files[landed - 1]}"
        assert await fetch(url, "select count(*) from public.tasks") == [(5,)]
        assert await migrate(url, embedded=False, folder=steward.migrations) == []

    names: list[str] = []
    source = "empty"
    try:
        pushed: list[asyncio.Task[None]] = []
        for landed in range(step, len(files), step):
            name, house = f"v_{uuid4().hex}", f"v_{uuid4().hex}"
            folder = project(tmp_path / name, landed).migrations
            await migrate(hosted.clone(source, name), embedded=False, folder=folder)
            source = name
            names += [name, house]
            url = hosted.clone(name, house)
            await fetch(url, SEED)
            pushed.append(asyncio.create_task(push_the_rest(url, landed)))
        await asyncio.gather(*pushed)
    finally:
        for name in names:
            hosted.drop(name)


async def test_the_open_grants_of_a_project_open_nothing(empty: str, server: EmbeddedPostgres, template: str) -> None:
    await migrate(empty, embedded=False)
    embedded = server.url_of(template)
    assert await grants_of(empty) == await grants_of(embedded)
    assert await schema_of(empty) == await schema_of(embedded)
    for kind, query in QUERIES.items():
        assert await fetch(empty, query) == [], kind


@BOTH
async def test_people_come_and_go_through_supabase_auth(hosted: HostedServer, empty: str, steward: Project) -> None:
    await steward.push(empty, "--include-seed")
    await fetch(empty, SEED)  # a second time adds nothing
    assert await fetch(empty, "select count(*) from public.tasks") == [(5,)]
    auth = empty.replace("postgres:postgres@", "supabase_auth_admin@")
    await fetch(
        auth,
        "insert into auth.users (id, email, raw_user_meta_data) values (gen_random_uuid(), 'kim@vega.example', '{}')",
    )
    homes = (
        "select o.name, m.role from public.organizations o join public.members m on m.organization_id = o.id order by 1"
    )
    assert await fetch(empty, homes) == [("Robin Vega", "owner"), ("kim", "owner")]
    await migrate(empty, embedded=False)
    await fetch(auth, "delete from auth.users")
    assert await fetch(empty, "select count(*) from public.members") == [(0,)]
