"""Migrations: `supabase/migrations/*.sql` in order, recorded as the Supabase CLI records them; then the queue's schema.

Each file is one transaction together with its record. Two starts at once wait for one another.
"""

import re
from importlib.metadata import version as installed_version
from importlib.resources import files
from pathlib import Path
from typing import LiteralString, cast

import psycopg

from core.errors import Invalid, StewardError, Unavailable

MIGRATIONS = Path(__file__).parent.parent / "supabase" / "migrations"
FILE_NAME = re.compile(r"(\d{14})_([a-z0-9_]+)\.sql")
LOCK_KEY = 7_232_461_209

Connection = psycopg.AsyncConnection[tuple[object, ...]]


async def migrate(url: str, *, embedded: bool, folder: Path = MIGRATIONS) -> list[str]:
    """Bring the database at `url` up to date; the names of the files applied now, oldest first.

    `embedded` adds first what Supabase has and a plain Postgres has not. Raises `Unavailable` when a newer Steward has
    been here, `Invalid` for a file name that is not `<14 digits>_<name>.sql`.
    """
    found = _files(folder)
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute("select pg_advisory_lock(%s)", (LOCK_KEY,))
            if embedded:
                await _run(
                    connection,
                    (files("core") / "embedded_bootstrap.sql").read_text(),
                    "embedded_bootstrap.sql",
                )
            await _run(connection, RECORDS, "schema_migrations")
            applied = await _apply(connection, found)
            return applied + await _install_queue(connection)
    except psycopg.OperationalError as error:
        raise Unavailable("The database does not answer", detail=str(error).strip()) from error


RECORDS = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
"""


def _files(folder: Path) -> list[tuple[str, str, Path]]:
    found: list[tuple[str, str, Path]] = []
    for path in sorted(folder.glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise Invalid(
                f"The migration {path.name} has a wrong name", detail="allowed: 20260101000000_name.sql"
            )
        found.append((match[1], match[2], path))
    if not found:
        raise Unavailable(f"There are no migrations in {folder}", hint="Run Steward from its checkout.")
    return found


async def _apply(connection: Connection, found: list[tuple[str, str, Path]]) -> list[str]:
    cursor = await connection.execute(
        "select version from supabase_migrations.schema_migrations order by version"
    )
    known = {str(row[0]) for row in await cursor.fetchall()}
    newer = sorted(v for v in known if v > found[-1][0])
    if newer:
        raise Unavailable(
            "A newer Steward has used this database",
            detail=f"it has migration {newer[-1]}",
            hint="Update Steward, or use another database.",
        )
    applied: list[str] = []
    for version, name, path in found:
        if version in known:
            continue
        text = path.read_text()
        async with connection.transaction():
            await _run(connection, text, path.name)
            await connection.execute(
                "insert into supabase_migrations.schema_migrations (version, name, statements) values (%s, %s, %s)",
                (version, name, [text]),
            )
        applied.append(path.name)
    return applied


async def _install_queue(connection: Connection) -> list[str]:
    """Procrastinate's own schema, from the installed package, in `jobs`; later versions by its own migrations."""
    release = installed_version("procrastinate")
    cursor = await connection.execute("select obj_description(to_regnamespace('jobs'), 'pg_namespace')")
    row = await cursor.fetchone()
    comment = str(row[0]) if row and row[0] else None
    if comment == f"procrastinate {release}":
        return []
    package = files("procrastinate") / "sql"
    async with connection.transaction():
        await connection.execute("create schema if not exists jobs")
        await connection.execute("set local search_path = jobs")
        if comment is None:
            await _run(connection, (package / "schema.sql").read_text(), "procrastinate schema")
        else:
            before = _release(comment.removeprefix("procrastinate "))
            for script in sorted((package / "migrations").iterdir(), key=lambda f: f.name):
                if script.name.endswith(".sql") and before < _release(script.name.split("_")[0]) <= _release(
                    release
                ):
                    await _run(connection, script.read_text(), script.name)
        await connection.execute("revoke all on schema jobs from public")
        await connection.execute("grant usage on schema jobs to service_role")
        await connection.execute("grant all on all tables in schema jobs to service_role")
        await connection.execute("grant all on all sequences in schema jobs to service_role")
        await connection.execute(cast(LiteralString, f"comment on schema jobs is 'procrastinate {release}'"))
    return [f"jobs (procrastinate {release})"]


def _release(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


async def _run(connection: Connection, text: str, name: str) -> None:
    try:
        await connection.execute(cast(LiteralString, text))
    except psycopg.Error as error:
        raise StewardError(
            f"The migration {name} failed", detail=error.diag.message_primary or str(error)
        ) from error
