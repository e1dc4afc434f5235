"""Making a house out of a back-up: whole, or as it was before.

The embedded database is made anew beside the one that is there, brought up to date, and takes its place in one transaction.
Another Postgres gets all rows in one transaction, as nobody may make databases at a hosted one.
"""

import asyncio
import os
import tempfile
import zipfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from core.backup.calming import Calmed, calm
from core.backup.format import KEYS, Manifest, blocks, newer, opened
from core.backup.saving import applied
from core.backup.sealing import KEY_FILE, end_sessions, open_keys
from core.backup.tables import PATIENT, Connection, Told, columns_of, load_tables
from core.data_folder import make_private_folder, require_space, unusable
from core.embedded import DATABASE, EmbeddedPostgres
from core.errors import Conflict, Invalid, Unavailable
from core.migrate import LOCK_KEY, find_migrations, migrate
from core.vault_keys import also_keep

MAKING, BEFORE = f"{DATABASE}_restoring", f"{DATABASE}_before"
AT_WORK = """
select count(*) from pg_catalog.pg_stat_activity a
where a.datname = current_database() and a.pid <> pg_backend_pid()
  and (a.query ilike 'listen steward_events%' or a.query ilike 'listen "procrastinate%' or a.query ilike 'listen procrastinate%')
"""
# A web process over PostgREST has no connection: it writes down every 15 seconds that it lives.
SERVING = """
select w.host, w.pid, extract(epoch from now() - w.heartbeat_at)::integer from private.web_processes w
where w.heartbeat_at > now() - interval '60 seconds' order by w.heartbeat_at desc limit 1
"""
OWNER_ADDRESS = "select u.email from auth.users u where u.raw_app_meta_data ->> 'steward_owner' = 'true' limit 1"


@dataclass(frozen=True)
class Restored:
    """What came of it; `owner`: the address of whom commands spoke for."""

    manifest: Manifest
    migrated: list[str]
    calmed: Calmed
    has_keys: bool
    owner: str | None


async def restore(
    path: Path,
    *,
    url: str | None,
    home: Path,
    told: Told,
    replace: bool = False,
    passphrase: str | None = None,
    keeps_tokens: bool = False,
) -> Restored:
    """Make the house of `home` (or of the Postgres at `url`) what the back-up says, and calm: see `core.backup.calming`.

    Sessions and tokens end, unless they are kept: those that were taken away since the back-up would be good again.

    Raises `Invalid` for a file that is damaged, foreign or newer, `Conflict` for a house that runs or that is lived in
    (unless `replace`), `Unavailable`. After an error everything is as it was before.
    """
    with opened(path) as (archive, manifest):
        known = {migration.version for migration in find_migrations()}
        unknown = [number for number in manifest.migrations if number not in known]
        if unknown:
            raise newer(path, f"it has migration {unknown[-1]} (Steward {manifest.version})")
        first = min(known)
        if first not in manifest.migrations:
            raise Invalid(f"{path} is no back-up of Steward", detail=f"its manifest lacks the migration {first}")
        keys = _opened_keys(archive, manifest, passphrase)
        home = make_private_folder(home)
        require_space(home, manifest.bytes * (2 if url is None else 1))
        with tempfile.TemporaryDirectory() as folder:
            for migration in find_migrations():
                if migration.version in manifest.migrations:
                    (Path(folder) / migration.path.name).symlink_to(migration.path)
            work = _Work(archive, manifest, Path(folder), told, replace, home, keys, keeps_tokens)
            return await (_into_embedded(work) if url is None else _into_postgres(work, url))


@dataclass(frozen=True)
class _Work:
    archive: zipfile.ZipFile
    manifest: Manifest
    migrations: Path  # those that the back-up had
    told: Told
    replace: bool
    home: Path
    keys: str | None
    keeps_tokens: bool

    def result(self, loaded: tuple[Calmed, str | None], done: list[str]) -> Restored:
        return Restored(self.manifest, done, loaded[0], self.keys is not None, loaded[1])


def _opened_keys(archive: zipfile.ZipFile, manifest: Manifest, passphrase: str | None) -> str | None:
    if passphrase is None:
        return None
    if manifest.keys is None:
        raise Invalid("This back-up has no keys", hint="It was made without a passphrase: restore it without one.")
    return open_keys(b"".join(blocks(archive, KEYS)), manifest.keys, passphrase)


async def _into_embedded(work: _Work) -> Restored:
    server = await asyncio.to_thread(EmbeddedPostgres.start, work.home)
    try:
        with server.alone():
            async with await psycopg.AsyncConnection.connect(server.url, autocommit=True) as connection:
                await _require_empty(connection, work.replace)
            async with await psycopg.AsyncConnection.connect(server.url_of("postgres"), autocommit=True) as admin:
                for left_over in (MAKING, BEFORE):
                    await _run(admin, "drop database if exists {} with (force)", left_over)
                await _run(admin, "create database {}", MAKING)
                making = server.url_of(MAKING)
                try:
                    await migrate(making, embedded=True, folder=work.migrations)
                    async with _loading(making) as connection:
                        loaded = await _load(connection, work)
                    done = await migrate(making, embedded=True)
                    _keep_rest(work)
                    async with admin.transaction():
                        await _run(admin, "alter database {} rename to {}", DATABASE, BEFORE)
                        await _run(admin, "alter database {} rename to {}", MAKING, DATABASE)
                except BaseException:
                    await _run(admin, "drop database if exists {} with (force)", MAKING)
                    raise
                await _run(admin, "drop database if exists {} with (force)", BEFORE)
    except psycopg.Error as error:
        raise _failed(error) from error
    finally:
        await asyncio.to_thread(server.stop)
    return work.result(loaded, done)


async def _into_postgres(work: _Work, url: str) -> Restored:
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await _require_nobody(connection)
            await _require_empty(connection, work.replace)
            have = await applied(connection)
        if have and (odd := sorted(set(have) ^ set(work.manifest.migrations))):
            alone = "the database" if odd[0] in have else "the back-up"
            raise Conflict(
                "The back-up is of another version than the database",
                detail=f"{alone} alone has the migration {odd[0]}",
                hint="Restore it into a STEWARD_HOME of its own without STEWARD_DATABASE_URL, back that up, and restore the new back-up.",
            )
        if not have:
            await migrate(url, embedded=False, folder=work.migrations)
        async with _loading(url) as connection:
            await connection.execute("select pg_advisory_xact_lock(%s)", (LOCK_KEY,))  # who starts now waits
            await _require_nobody(connection)
            await _require_empty(connection, work.replace)
            loaded = await _load(connection, work)
            _keep_rest(work)
        return work.result(loaded, await migrate(url, embedded=False))
    except psycopg.Error as error:
        raise _failed(error) from error


@asynccontextmanager
async def _loading(url: str) -> AsyncGenerator[Connection]:
    """One transaction: all of it counts, or nothing."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(PATIENT)
        async with connection.transaction():
            yield connection


async def _load(connection: Connection, work: _Work) -> tuple[Calmed, str | None]:
    """What was calmed, and the address of the owner."""
    await load_tables(connection, work.archive, work.manifest, work.told)
    calmed = await calm(connection, keeps_tokens=work.keeps_tokens)
    found = await (await connection.execute(OWNER_ADDRESS)).fetchone()
    return calmed, found[0] if found else None


async def _require_empty(connection: Connection, replace: bool) -> None:
    """Raises `Conflict` where somebody lives here, unless they are to be replaced."""
    cursor = await connection.execute(
        "select to_regclass('public.tasks') is not null and to_regclass('public.organizations') is not null"
    )
    row = await cursor.fetchone()
    if replace or row is None or not row[0]:
        return
    cursor = await connection.execute(
        "select (select count(*) from public.organizations), (select count(*) from public.tasks)"
    )
    row = await cursor.fetchone()
    if row and row[0]:
        raise Conflict(
            "This house is lived in already",
            detail=f"tasks that would be gone: {row[1]}",
            hint="Back it up first; --replace puts the back-up in its place. STEWARD_HOME names another folder.",
        )


async def _require_nobody(connection: Connection) -> None:
    cursor = await connection.execute(AT_WORK)
    row = await cursor.fetchone()
    if row and row[0]:
        raise Conflict("Steward runs on this database", hint="Stop every `steward run`, `web` and `worker` first.")
    if not await columns_of(connection, ("private", "web_processes")):
        return
    serving = await (await connection.execute(SERVING)).fetchone()
    if serving:
        raise Conflict(
            "Steward runs on this database",
            detail=f"the web process {serving[1]} of {serving[0]} was heard of {serving[2]} seconds ago, over HTTP",
            hint="Stop it first; one that was killed is forgotten after a minute.",
        )


def _keep_rest(work: _Work) -> None:
    """Keys and files; those that are there stay, too, so that whatever happens next everything still opens."""
    if work.keys:
        also_keep(work.home, work.keys)
    if not work.keeps_tokens and (work.home / KEY_FILE).exists():
        end_sessions(work.home)
    for name in work.manifest.files:
        target = work.home / name
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if target.exists():
                continue
            part = target.with_name(f"writing-{os.getpid()}-{target.name[:40]}")
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for block in blocks(work.archive, f"files/{name}"):
                    file.write(block)
            part.replace(target)
        except OSError as error:
            raise unusable(target.parent, error) from error


async def _run(connection: psycopg.AsyncConnection[Any], statement: str, *names: str) -> None:
    await connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # pyright: ignore[reportArgumentType]


def _failed(error: psycopg.Error) -> Unavailable:
    return Unavailable(
        "The back-up could not be restored; all is as it was before",
        detail=error.diag.message_primary or str(error).strip() or None,
    )
