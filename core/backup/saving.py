"""Making a back-up: while the house runs, of one moment, whole or not at all."""

import errno
import os
import re
import time
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import psycopg

from core.backup.format import FORMAT, KEYS, MANIFEST, Entry, Manifest, SealedKeys, writing
from core.backup.sealing import seal_keys, sealed_entry
from core.backup.tables import PATIENT, Connection, Told, save_tables
from core.errors import Conflict, Invalid, Unavailable

OUTBOX = "outbox"
NAMED = "steward-%Y%m%dT%H%M%SZ.zip"
PART = re.compile(r"\.(?P<name>.+)\.\d+\.part")
OLD_PART_SECONDS = 24 * 3600


async def save(
    url: str,
    target: Path,
    *,
    source: Literal["embedded", "postgres"],
    home: Path,
    told: Told,
    keys: str = "",
    passphrase: str | None = None,
) -> Manifest:
    """Write the house to the new file `target`, mode 0600; a back-up that was cut off leaves no file of that name.

    `keys` go in where there is a `passphrase`. Raises `Conflict` where there is such a file, `Unavailable` for a full disk
    or a database out of reach, `Invalid` for a database that Steward has not set up.
    """
    if target.exists():  # noqa: ASYNC240 - one look at a local disk
        raise Conflict(
            f"There is a file {target} already", hint="Name another, or a folder: then it gets a name by the time."
        )
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    sealed = seal_keys(keys, passphrase) if passphrase is not None else None
    drop_parts(target.parent, target.name)
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                    manifest = await _write(archive, url, source, home, told, sealed)
                file.flush()
                os.fsync(file.fileno())
            os.link(part, target)  # unlike a rename, it never takes the place of a file that came meanwhile
        finally:
            part.unlink()
        _sync(target.parent)
    except FileExistsError as error:
        raise Conflict(f"There is a file {target} already") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Unavailable(
                f"The disk of {target.parent} is full", hint="Nothing was kept; name a folder elsewhere."
            ) from error
        raise Unavailable(f"{target} cannot be written", detail=error.strerror or str(error)) from error
    except psycopg.Error as error:
        raise Unavailable(
            "The database could not be read", detail=error.diag.message_primary or str(error).strip() or None
        ) from error
    return manifest


async def _write(
    archive: zipfile.ZipFile,
    url: str,
    source: Literal["embedded", "postgres"],
    home: Path,
    told: Told,
    sealed: tuple[bytes, str, str] | None,
) -> Manifest:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(PATIENT)
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        async with connection.transaction():
            migrations = await applied(connection)
            if not migrations:
                raise Invalid("There is nothing to back up", detail="Steward has not been used with this database")
            tables, counters = await save_tables(connection, archive, told)
    files = {name: _copy(archive, home, name) for name in _files(home)}
    manifest = Manifest(
        format=FORMAT, version=version("steward"), made_at=datetime.now(UTC), source=source, migrations=migrations,
        tables=tables, counters=counters, files=files, keys=_keys(archive, sealed),
    )  # fmt: skip
    archive.writestr(MANIFEST, manifest.model_dump_json(indent=1))
    return manifest


async def applied(connection: Connection) -> list[str]:
    """The versions of the migrations that this database has; none where it is not one of Steward."""
    cursor = await connection.execute("select to_regclass('supabase_migrations.schema_migrations') is null")
    row = await cursor.fetchone()
    if row and row[0]:
        return []
    cursor = await connection.execute("select version from supabase_migrations.schema_migrations order by version")
    return [str(row[0]) for row in await cursor.fetchall()]


def _files(home: Path) -> list[str]:
    """Sent mail of a house without a mail server; what is being written this moment has no name yet."""
    folder = home / OUTBOX
    found = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()] if folder.is_dir() else []
    return sorted(str(path.relative_to(home)) for path in found if not path.name.startswith("writing-"))


def _copy(archive: zipfile.ZipFile, home: Path, name: str) -> Entry:
    with writing(archive, f"files/{name}") as entry, (home / name).open("rb") as file:
        while block := file.read(1 << 20):
            entry.write(block)
    return entry.entry()


def _keys(archive: zipfile.ZipFile, sealed: tuple[bytes, str, str] | None) -> SealedKeys | None:
    if sealed is None:
        return None
    content, salt, nonce = sealed
    with writing(archive, KEYS) as entry:
        entry.write(content)
    return sealed_entry(entry.entry(), salt, nonce)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop_old(folder: Path, kept: int) -> list[Path]:
    """Remove all but the newest `kept` back-ups that were named by the time; the ones removed."""
    found = sorted(path for path in folder.glob("steward-*.zip") if _is_named(path.name))
    old = found[:-kept]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def drop_parts(folder: Path, name: str) -> None:
    """Remove what back-ups that were killed have left here: parts of `name`, or of a name by the time, older than a day."""
    for path in folder.glob(".*.part"):
        found = PART.fullmatch(path.name)
        if found is None or not (found["name"] == name or _is_named(found["name"])):
            continue
        with suppress(FileNotFoundError):  # another back-up removes the same
            if path.lstat().st_mtime < time.time() - OLD_PART_SECONDS:
                path.unlink()


def _is_named(name: str) -> bool:
    try:
        datetime.strptime(name, NAMED).replace(tzinfo=UTC)
    except ValueError:
        return False
    return True
