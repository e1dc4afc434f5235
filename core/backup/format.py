"""The file: a zip archive of rows, files and, sealed by a passphrase, keys; its manifest comes last.

    tables/<schema>.<table>   the rows, as Postgres' COPY writes them (text)
    files/outbox/...          what was sent where no mail server is
    keys                      what the vault opens with, sealed; only where a passphrase was given
    manifest.json             versions, and of each entry its length and SHA-256

Rows without the schema: that is made by the migrations which the manifest names. So a back-up is independent of the version of
Postgres, and goes from the embedded database to a Supabase project and back. What is cut off has no end of a zip archive.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from typing_extensions import Buffer

from core.errors import Invalid, Unavailable

FORMAT = 1
MANIFEST, KEYS = "manifest.json", "keys"
BLOCK = 1 << 20
# What zipfile raises for bytes that are not its own: the last four where an entry says that it lies before the file begins, is
# encrypted, of a later version, or has a name that is no text.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)
LARGEST_MANIFEST_BYTES = 10_000_000
Name = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]


def each_once(names: list[str]) -> list[str]:
    """The names. Raises `ValueError` where one is there twice."""
    if len(names) != len(set(names)):
        raise ValueError("a name is there twice")
    return names


class Entry(BaseModel):
    """What lies in the archive under one name."""

    model_config = ConfigDict(extra="forbid")
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Table(Entry):
    """The rows of a table; `columns` in the order of the rows' fields."""

    table_schema: Name
    name: Name
    columns: Annotated[list[Name], Field(min_length=1), AfterValidator(each_once)]
    rows: int = Field(ge=0)

    @property
    def path(self) -> str:
        return f"tables/{self.table_schema}.{self.name}"


class Counter(BaseModel):
    """A sequence, and the last number that it gave."""

    model_config = ConfigDict(extra="forbid")
    table_schema: Name
    name: Name
    last: int = Field(ge=1, lt=2**63)


class SealedKeys(Entry):
    """How the keys are sealed: AES-256-GCM under scrypt of the passphrase; salt and nonce in hexadecimal."""

    salt: str = Field(pattern=r"^[0-9a-f]{32}$")
    nonce: str = Field(pattern=r"^[0-9a-f]{24}$")


class Manifest(BaseModel):
    """What a back-up is of."""

    model_config = ConfigDict(extra="forbid")
    product: Literal["steward"] = "steward"
    format: int
    version: str
    made_at: datetime
    source: Literal["embedded", "postgres"]
    migrations: Annotated[
        list[Annotated[str, Field(pattern=r"^\d{14}$")]], Field(min_length=1), AfterValidator(each_once)
    ]
    tables: list[Table]
    counters: list[Counter]
    files: dict[str, Entry]
    keys: SealedKeys | None = None

    @model_validator(mode="after")
    def _names_each_table_once(self) -> "Manifest":
        each_once([table.path for table in self.tables])
        if self.migrations != sorted(self.migrations):
            raise ValueError("migrations have an order")
        return self

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def bytes(self) -> int:
        """What all of it takes, unpacked."""
        return sum(entry.bytes for entry in [*self.tables, *self.files.values()])


class Writing:
    """An entry that is being written; counts and sums up what goes in."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._sum, self._bytes = stream, hashlib.sha256(), 0

    def write(self, block: Buffer) -> None:
        self._stream.write(block)
        self._sum.update(block)
        self._bytes += memoryview(block).nbytes

    def entry(self) -> Entry:
        return Entry(bytes=self._bytes, sha256=self._sum.hexdigest())


@contextmanager
def writing(archive: zipfile.ZipFile, path: str) -> Generator[Writing]:
    """An entry of any size, written block by block."""
    with archive.open(path, "w", force_zip64=True) as stream:
        yield Writing(stream)


@contextmanager
def opened(path: Path) -> Generator[tuple[zipfile.ZipFile, Manifest]]:
    """A back-up whose every byte was checked. Raises `Invalid` for a damaged, foreign or newer file, `Unavailable`."""
    archive, manifest = _open(path)
    with archive:
        yield archive, manifest


def _open(path: Path) -> tuple[zipfile.ZipFile, Manifest]:
    try:
        with ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(path))
            manifest = _manifest(archive, path)
            _check(archive, manifest, path)
            stack.pop_all()
            return archive, manifest
    except FileNotFoundError as error:
        raise Invalid(f"There is no file {path}") from error
    except IsADirectoryError as error:
        raise Invalid(f"{path} is a folder", hint="Name one of the back-ups in it.") from error
    except PermissionError as error:
        raise Unavailable(f"{path} cannot be read", detail=error.strerror) from error
    except DAMAGED as error:
        raise Invalid(
            f"{path} is no back-up, or it was cut off or damaged",
            detail=str(error) or None,
            hint="A back-up is a file that `steward backup` has made, whole.",
        ) from error


def _manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    if MANIFEST not in archive.namelist():
        raise Invalid(f"{path} is no back-up of Steward", detail=f"it has no {MANIFEST}")
    if archive.getinfo(MANIFEST).file_size > LARGEST_MANIFEST_BYTES:
        raise Invalid(f"{path} is no back-up of Steward", detail=f"its {MANIFEST} is too large")
    text = archive.read(MANIFEST)
    try:
        made_by = _MadeBy.model_validate_json(text)
        if made_by.format > FORMAT:
            raise newer(path, f"it is of format {made_by.format} (Steward {made_by.version}), this one reads {FORMAT}")
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "all of it"
        raise Invalid(f"{path} is no back-up of Steward", detail=f"{MANIFEST}: {where}: {first['msg']}") from error


class _MadeBy(BaseModel):
    product: Literal["steward"]
    format: int = Field(ge=1)
    version: str


def newer(path: Path, detail: str) -> Invalid:
    return Invalid(f"{path} was made by a newer Steward", detail=detail, hint="Update Steward, then restore it.")


def _check(archive: zipfile.ZipFile, manifest: Manifest, path: Path) -> None:
    """Every entry is there, whole and as it was written, and nothing else is."""
    entries: dict[str, Entry] = {table.path: table for table in manifest.tables}
    entries |= {f"files/{name}": entry for name, entry in manifest.files.items()}
    if manifest.keys:
        entries[KEYS] = manifest.keys
    for name in manifest.files:
        parts = PurePosixPath(name).parts
        if (
            name.startswith("/")
            or "\\" in name
            or "\0" in name
            or parts[:1] != ("outbox",)
            or ".." in parts
            or len(parts) < 2
        ):
            raise Invalid(f"{path} is damaged", detail=f"a file of it has no place here: {name[:100]!r}")
    names = archive.namelist()
    if len(names) != len(set(names)) or set(names) != {*entries, MANIFEST}:
        raise Invalid(f"{path} is damaged", detail="what it holds is not what its manifest says")
    for name, entry in entries.items():
        found = hashlib.sha256()
        if archive.getinfo(name).file_size != entry.bytes:
            raise Invalid(f"{path} is damaged", detail=f"{name} has not the length that its manifest says")
        for block in blocks(archive, name):
            found.update(block)
        if found.hexdigest() != entry.sha256:
            raise Invalid(f"{path} is damaged", detail=f"{name} is not what was written")


def blocks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """The content of an entry."""
    with archive.open(name) as stream:
        while block := stream.read(BLOCK):
            yield block
