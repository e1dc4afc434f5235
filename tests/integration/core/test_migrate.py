"""Migrations are applied once, in order, each with its record, and a database of a newer Steward is left alone."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from procrastinate.schema import SchemaManager

from core.embedded import EmbeddedPostgres
from core.errors import Invalid, StewardError, Unavailable
from core.migrate import MIGRATIONS, find_migrations, migrate
from tests.in_memory import passing_folder

QUEUE = f"jobs (procrastinate {version('procrastinate')})"
FIRST = "create table public.a (n int);"
SECOND = "insert into public.a values (1), (2); -- 100 % of them\n"


@pytest.fixture(scope="module")
def own_server() -> Generator[EmbeddedPostgres]:
    """A server of this file's own: the roles that are made here must not be there before."""
    with passing_folder() as folder:
        server = EmbeddedPostgres.start(folder, durable=False)
        yield server
        server.remove()


@pytest.fixture
async def url(own_server: EmbeddedPostgres) -> AsyncGenerator[str]:
    """An empty database."""
    name = f"m_{uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(own_server.url_of("postgres"), autocommit=True) as admin:
        await admin.execute(f'create database "{name}"'.encode())
        yield own_server.url_of(name)
        await admin.execute(f'drop database "{name}" with (force)'.encode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two small migrations."""
    (tmp_path / "20260101000000_first.sql").write_text(FIRST)
    (tmp_path / "20260102000000_second.sql").write_text(SECOND)
    return tmp_path


async def fetch(url: str, sql: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = await connection.execute(sql.encode())
        return await cursor.fetchall() if cursor.description else []


async def test_a_new_database_gets_everything_in_order(url: str, folder: Path) -> None:
    applied = await migrate(url, embedded=True, folder=folder)
    assert applied == ["20260101000000_first.sql", "20260102000000_second.sql", QUEUE]
    assert await fetch(url, "select n from public.a order by n") == [(1,), (2,)]
    assert await fetch(url, "select * from supabase_migrations.schema_migrations order by version") == [
        ("20260101000000", [FIRST], "first"),
        ("20260102000000", [SECOND], "second"),
    ]


async def test_a_second_time_nothing_is_left_to_do(url: str, folder: Path) -> None:
    await migrate(url, embedded=True, folder=folder)
    assert await migrate(url, embedded=True, folder=folder) == []


async def test_a_new_file_is_applied_alone(url: str, folder: Path) -> None:
    await migrate(url, embedded=True, folder=folder)
    (folder / "20260103000000_third.sql").write_text("insert into public.a values (3)")
    assert await migrate(url, embedded=True, folder=folder) == ["20260103000000_third.sql"]
    assert await fetch(url, "select count(*) from public.a") == [(3,)]


async def test_starts_at_the_same_time_apply_each_once(url: str, folder: Path) -> None:
    answers = await asyncio.gather(*(migrate(url, embedded=True, folder=folder) for _ in range(5)))
    assert sorted(len(applied) for applied in answers) == [0, 0, 0, 0, 3]
    assert await fetch(url, "select count(*) from public.a") == [(2,)]


async def test_two_databases_of_one_server_are_set_up_at_the_same_time(
    own_server: EmbeddedPostgres, folder: Path
) -> None:
    names = [f"two_{uuid4().hex}" for _ in range(4)]
    admin = own_server.url_of("postgres")
    for name in names:
        await fetch(admin, f"create database {name}")
    try:
        answers = await asyncio.gather(
            *(migrate(own_server.url_of(name), embedded=True, folder=folder) for name in names)
        )
        assert [len(applied) for applied in answers] == [3, 3, 3, 3]
    finally:
        for name in names:
            await fetch(admin, f"drop database {name} with (force)")


async def test_a_file_that_fails_leaves_nothing_behind_and_says_where(url: str, folder: Path) -> None:
    third = folder / "20260103000000_third.sql"
    third.write_text("create table public.b ();\n\nselect nonsense;")
    with pytest.raises(StewardError, match=r"^The migration 20260103000000_third\.sql failed$") as caught:
        await migrate(url, embedded=True, folder=folder)
    assert caught.value.detail == 'line 3: column "nonsense" does not exist'
    assert await fetch(url, "select to_regclass('public.b') is null") == [(True,)]
    assert await fetch(url, "select max(version) from supabase_migrations.schema_migrations") == [("20260102000000",)]
    third.write_text("create table public.b ();")
    assert await migrate(url, embedded=True, folder=folder) == [third.name, QUEUE]


async def test_a_database_of_a_newer_steward_is_left_alone(url: str, folder: Path) -> None:
    await migrate(url, embedded=True, folder=folder)
    (folder / "20260102000000_second.sql").unlink()
    with pytest.raises(Unavailable, match="A newer Steward has used this database") as caught:
        await migrate(url, embedded=True, folder=folder)
    assert caught.value.detail == "it has migration 20260102000000, this one ends at 20260101000000"


async def test_a_queue_of_a_newer_steward_is_left_alone(url: str, folder: Path) -> None:
    await migrate(url, embedded=True, folder=folder)
    await fetch(url, "comment on schema jobs is 'procrastinate 99.1.0'")
    with pytest.raises(Unavailable, match="A newer Steward") as caught:
        await migrate(url, embedded=True, folder=folder)
    assert "99.1.0" in str(caught.value.detail)


@pytest.mark.parametrize(
    "name", ["1_first.sql", "20260103000000.sql", "20260103000000_.sql", "20260103000000_Übung.sql", "x.sql"]
)
async def test_a_malformed_name_is_refused_before_anything_is_done(url: str, folder: Path, name: str) -> None:
    (folder / name).write_text("select 1")
    with pytest.raises(Invalid, match="has a wrong name") as caught:
        await migrate(url, embedded=True, folder=folder)
    assert name in caught.value.message
    assert await fetch(url, "select to_regnamespace('supabase_migrations') is null") == [(True,)]


def test_two_files_of_one_version_are_refused(folder: Path) -> None:
    (folder / "20260102000000_another.sql").write_text("select 1")
    with pytest.raises(Invalid, match=r"20260102000000_another\.sql and 20260102000000_second\.sql"):
        find_migrations(folder)


def test_a_folder_without_migrations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no migrations"):
        find_migrations(tmp_path)


async def test_a_server_that_is_out_of_reach_is_named(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(Unavailable, match="The database does not answer") as caught:
        await migrate(f"host={tmp_path} dbname=x", embedded=False, folder=folder)
    assert str(tmp_path) in str(caught.value.detail)
    assert "STEWARD_DATABASE_URL" in str(caught.value.hint)


async def test_what_is_no_url_is_refused(folder: Path) -> None:
    with pytest.raises(Invalid, match="The database URL is wrong"):
        await migrate("mysql://x", embedded=False, folder=folder)


async def test_a_database_that_is_not_supabases_is_refused(url: str, folder: Path) -> None:
    with pytest.raises(Unavailable, match="not one of Supabase") as caught:
        await migrate(url, embedded=False, folder=folder)
    assert "STEWARD_DATABASE_URL" in str(caught.value.hint)
    assert await fetch(url, "select to_regnamespace('supabase_migrations') is null") == [(True,)]


# ---------------------------------------------------------------- what Supabase provides


@pytest.mark.parametrize(
    ("settings", "user", "role"),
    [
        ({}, None, None),
        ({"request.jwt.claims": ""}, None, None),
        ({"request.jwt.claims": '{"role": "anon"}'}, None, "anon"),
        (
            {"request.jwt.claims": '{"sub": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "role": "authenticated"}'},
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "authenticated",
        ),
        (
            {
                "request.jwt.claims": '{"sub": "00000000-0000-4000-8000-000000000000"}',
                "request.jwt.claim.sub": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
                "request.jwt.claim.role": "service_role",
            },
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "service_role",
        ),
    ],
)
@pytest.mark.parametrize("asker", ["anon", "authenticated", "service_role"])
async def test_who_asks_is_read_from_the_claims(
    url: str, folder: Path, settings: dict[str, str], user: str | None, role: str | None, asker: str
) -> None:
    await migrate(url, embedded=True, folder=folder)
    async with await psycopg.AsyncConnection.connect(url) as connection:
        for name, value in settings.items():
            await connection.execute("select set_config(%s, %s, true)", (name, value))
        await connection.execute(f"set local role {asker}".encode())
        cursor = await connection.execute("select auth.uid()::text, auth.role(), auth.jwt() ->> 'role'")
        row = await cursor.fetchone()
    assert row is not None
    assert row[:2] == (user, role)


async def test_the_roles_are_as_supabase_makes_them(url: str, folder: Path) -> None:
    await migrate(url, embedded=True, folder=folder)
    rows = await fetch(
        url,
        "select rolname, rolbypassrls, rolsuper, pg_has_role('authenticator', oid, 'set') from pg_roles"
        " where rolname in ('anon', 'authenticated', 'service_role') order by rolname",
    )
    assert rows == [
        ("anon", False, False, True),
        ("authenticated", False, False, True),
        ("service_role", True, False, True),
    ]


async def test_people_are_not_readable_by_other_roles(url: str, folder: Path) -> None:
    await migrate(url, embedded=True, folder=folder)
    for role in ("anon", "authenticated"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await fetch(url, f"set role {role}; select * from auth.users")


# ---------------------------------------------------------------- the queue


async def test_the_queue_works_from_any_search_path_for_the_service_alone(url: str, folder: Path) -> None:
    await migrate(url, embedded=True, folder=folder)
    job = "row('q', 't', 0, null, null, '{}'::jsonb, null)::jobs.procrastinate_job_to_defer_v1"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("set role service_role; set search_path = ''")
        await connection.execute(f"select jobs.procrastinate_defer_jobs_v1(array[{job}])".encode())
        cursor = await connection.execute("select (jobs.procrastinate_fetch_job_v2(null, null)).task_name")
        assert await cursor.fetchone() == ("t",)
    for role in ("anon", "authenticated"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await fetch(url, f"set role {role}; select * from jobs.procrastinate_jobs")


def scripts_of_procrastinate(until: str) -> list[bytes]:
    scripts = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    newest = [int(part) for part in until.split(".")]
    return [s.read_bytes() for s in scripts if [int(part) for part in s.name.split("_")[0].split(".")] <= newest]


@pytest.mark.parametrize("older", ["2.0.0", "3.3.0"])
async def test_an_older_queue_is_brought_up_to_date_by_its_own_migrations(url: str, folder: Path, older: str) -> None:
    await fetch(url, "create schema jobs")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("set search_path = jobs")
        for script in scripts_of_procrastinate(until=older):
            await connection.execute(script)
        await connection.execute(f"comment on schema jobs is 'procrastinate {older}'".encode())
    assert QUEUE in await migrate(url, embedded=True, folder=folder)
    assert await migrate(url, embedded=True, folder=folder) == []
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("set role service_role; set search_path = ''")
        cursor = await connection.execute("select (jobs.procrastinate_fetch_job_v2(null, null)).task_name")
        assert await cursor.fetchone() == (None,)
    unset = "select proname from pg_proc where pronamespace = 'jobs'::regnamespace and proconfig is null"
    assert await fetch(url, unset) == []


# ---------------------------------------------------------------- the real ones


async def test_all_migrations_of_steward_apply_from_nothing(url: str) -> None:
    applied = await migrate(url, embedded=True)
    assert applied == [*sorted(path.name for path in MIGRATIONS.glob("*.sql")), QUEUE]
    assert await migrate(url, embedded=True) == []


async def test_every_table_of_steward_is_guarded_by_row_level_security(url: str) -> None:
    await migrate(url, embedded=True)
    open_tables = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relrowsecurity"
    assert await fetch(url, open_tables) == []
