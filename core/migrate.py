"""Migrations: `supabase/migrations/*.sql` in order, recorded as the Supabase CLI records them; then the queue's schema.

Each file is one transaction together with its record. Two starts at once wait for one another.
"""

import re
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from importlib.resources import files
from pathlib import Path
from typing import LiteralString, cast

import psycopg

from core.errors import Invalid, StewardError, Unavailable

MIGRATIONS = Path(__file__).parent.parent / "supabase" / "migrations"
FILE_NAME = re.compile(r"(\d{14})_([a-z0-9_]+)\.sql")
LOCK_KEY = 7_232_461_209
RECORDS = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations
  (version text primary key, statements text[], name text);
"""
# Procrastinate's SQL names no schema: each of its functions gets a search path of its own, and so works from any other.
QUEUE_GRANTS = """
do $$ declare f regprocedure; begin
  for f in select p.oid::regprocedure from pg_catalog.pg_proc p where p.pronamespace = 'jobs'::regnamespace loop
    execute format('alter function %s set search_path = jobs, pg_temp', f);
  end loop;
end $$;
revoke all on schema jobs from public;
revoke all on all functions in schema jobs from public;
grant usage on schema jobs to service_role;
grant select, insert, update, delete on all tables in schema jobs to service_role;
grant usage, select, update on all sequences in schema jobs to service_role;
grant execute on all functions in schema jobs to service_role;
"""

Connection = psycopg.AsyncConnection[tuple[object, ...]]
Version = tuple[int, ...]


@dataclass(frozen=True, order=True)
class Migration:
    """A file of SQL; `version` is its 14 digits."""

    version: str
    name: str
    path: Path


async def migrate(url: str, *, embedded: bool, folder: Path = MIGRATIONS) -> list[str]:
    """Bring the database at `url` up to date; the names of the files applied now, oldest first.

    `embedded` adds first what Supabase has and a plain Postgres has not. Raises `Unavailable` when the database is out
    of reach, not Supabase's or used by a newer Steward before, `Invalid` for a file name that is not
    `<14 digits>_<name>.sql`, `StewardError` for SQL that fails; the files before it stay applied.
    """
    found = find_migrations(folder)
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute("select pg_advisory_lock(%s)", (LOCK_KEY,))
            if embedded:
                async with connection.transaction():
                    await _run(
                        connection, (files("core") / "embedded_bootstrap.sql").read_text(), "of the embedded roles"
                    )
            await _require_supabase(connection)
            await _run(connection, RECORDS, "of the records")
            applied = await _apply(connection, found)
            return applied + await _install_queue(connection)
    except psycopg.OperationalError as error:
        hint = "" if embedded else "Is it running, and is STEWARD_DATABASE_URL its session connection?"
        raise Unavailable("The database does not answer", detail=str(error).strip(), hint=hint) from error
    except psycopg.ProgrammingError as error:  # the URL is none
        if error.diag.sqlstate is None:
            raise Invalid(
                "The database URL is wrong", detail=str(error).strip(), hint="See STEWARD_DATABASE_URL."
            ) from error
        raise Unavailable("The database refuses to be set up", detail=error.diag.message_primary) from error


def find_migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """The migrations of a folder, oldest first. Raises `Invalid` for a wrong name or two of one version."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise Invalid(
                f"The migration {path.name} has a wrong name",
                detail="allowed: 14 digits, _, a name of a-z, 0-9 and _, like 20260101000000_name.sql",
            )
        if found and found[-1].version == match[1]:
            raise Invalid(
                f"The migrations {found[-1].path.name} and {path.name} have one version", detail="each needs its own"
            )
        found.append(Migration(match[1], match[2], path))
    if not found:
        raise Unavailable(f"There are no migrations in {folder}", hint="Run Steward from its checkout.")
    return found


async def _require_supabase(connection: Connection) -> None:
    cursor = await connection.execute(
        "select to_regrole('authenticated') is not null and to_regrole('service_role') is not null"
        " and to_regprocedure('auth.uid()') is not null and to_regclass('auth.users') is not null"
    )
    row = await cursor.fetchone()
    if row is None or row[0] is not True:
        raise Unavailable(
            "This database is not one of Supabase",
            detail="it lacks the roles and the schema auth that Supabase provides",
            hint="Let STEWARD_DATABASE_URL name a Supabase database, or leave it out to use the embedded one.",
        )


async def _apply(connection: Connection, found: list[Migration]) -> list[str]:
    cursor = await connection.execute("select version from supabase_migrations.schema_migrations order by version")
    known = {str(row[0]) for row in await cursor.fetchall()}
    newer = sorted(version for version in known if version > found[-1].version)
    if newer:
        raise Unavailable(
            "A newer Steward has used this database",
            detail=f"it has migration {newer[-1]}, this one ends at {found[-1].version}",
            hint="Update Steward, or use another database.",
        )
    applied: list[str] = []
    for migration in found:
        if migration.version in known:
            continue
        text = migration.path.read_text()
        async with connection.transaction():
            await _run(connection, text, migration.path.name)
            await connection.execute(
                "insert into supabase_migrations.schema_migrations (version, name, statements) values (%s, %s, %s)",
                (migration.version, migration.name, [text]),
            )
        applied.append(migration.path.name)
    return applied


async def _install_queue(connection: Connection) -> list[str]:
    """Procrastinate's own schema, from the installed package, in `jobs`; later versions by its own migrations.

    The schema's comment records the release and its last script. Each script is a transaction of its own, as it may
    use what the one before has added to an enum.
    """
    release = installed_version("procrastinate")
    known, last = await _installed_queue(connection)
    if known == release:
        return []
    if known and _version(known) > _version(release):
        raise Unavailable(
            "A newer Steward has used this database",
            detail=f"its queue is of Procrastinate {known}, here is {release}",
            hint="Update Steward, or use another database.",
        )
    scripts = _queue_scripts()
    if known is None:
        await _run_for_queue(
            connection, scripts["schema.sql"], "of the queue", f"{release} {max(scripts.keys() - {'schema.sql'})}"
        )
        return [f"jobs (procrastinate {release})"]
    for name in sorted(scripts.keys() - {"schema.sql"}):
        if name > last:
            await _run_for_queue(connection, scripts[name], name, f"{known} {name}")
            last = name
    await _run_for_queue(connection, "", "of the queue's grants", f"{release} {last}")
    return [f"jobs (procrastinate {release})"]


async def _installed_queue(connection: Connection) -> tuple[str | None, str]:
    """The release that is installed, if any, and the name of its last script."""
    cursor = await connection.execute("select obj_description(to_regnamespace('jobs'), 'pg_namespace')")
    row = await cursor.fetchone()
    words = str(row[0]).split() if row and row[0] else []
    if len(words) < 2:
        return None, ""
    newest_of_release = ".".join(f"{part:02}" for part in _version(words[1])) + "_~"
    return words[1], words[2] if len(words) > 2 else newest_of_release


def _queue_scripts() -> dict[str, str]:
    package = files("procrastinate") / "sql"
    scripts = {
        script.name: script.read_text() for script in (package / "migrations").iterdir() if script.name.endswith(".sql")
    }
    return {**scripts, "schema.sql": (package / "schema.sql").read_text()}


async def _run_for_queue(connection: Connection, text: str, name: str, record: str) -> None:
    async with connection.transaction():
        await connection.execute("create schema if not exists jobs")
        await connection.execute("set local search_path = jobs, pg_temp")
        await _run(connection, text, name)
        await _run(connection, QUEUE_GRANTS, "of the queue's grants")
        await connection.execute(cast(LiteralString, f"comment on schema jobs is 'procrastinate {record}'"))


def _version(text: str) -> Version:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


async def _run(connection: Connection, text: str, name: str) -> None:
    try:
        await connection.execute(cast(LiteralString, text))
    except psycopg.OperationalError:
        raise  # out of reach, not wrong
    except psycopg.Error as error:
        place = error.diag.statement_position
        line = f"line {text.count(chr(10), 0, int(place)) + 1}: " if place else ""
        raise StewardError(
            f"The migration {name} failed",
            detail=line + (error.diag.message_primary or str(error)),
            hint=error.diag.message_hint or error.diag.context,
        ) from error
