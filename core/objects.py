"""Where the content of a large file may lie beside the database, and what a store of such objects does.

An object is named <organization>/<sha256> by the database: the same content is the same object, and is never overwritten.
The row of the file is the truth; what comes out of a store is compared with it.
"""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from core.errors import StewardError, Unavailable

Place = Literal["database", "supabase", "s3"]
MOST_DATABASE_BYTES = 20_000_000
MOST_STORED_BYTES = 100_000_000
SIGNED_SECONDS = 60


class ContentLost(StewardError):
    """The row of a file is there, its content is not, or is another."""

    type = "content-lost"
    title = "The content of this file is lost"


class ObjectStore(Protocol):
    """A private bucket. Every method raises Unavailable where the store is out of reach or not set up, with what would help."""

    async def put(self, path: str, content: bytes) -> None:
        """Have this object. One that holds the bytes its path names is left as it is, one that does not is put right.

        ContentLost where these are not the bytes that the path names.
        """
        ...

    def get(self, path: str) -> AsyncIterator[bytes]:
        """The object in pieces. ContentLost where there is none."""
        ...

    async def exists(self, path: str) -> int | None:
        """Its size in bytes; None where there is none."""
        ...

    async def remove(self, paths: Sequence[str]) -> None:
        """Have none of these, at most 1000; one that is not there is no error."""
        ...

    async def signed_url(self, path: str, name: str) -> str:
        """An address that anybody may fetch the object from for a minute: as an attachment of this name, of plain bytes."""
        ...


@dataclass(frozen=True)
class Contents:
    """The stores that this installation may use, made when one is first asked for, and which takes what is new and large."""

    makers: Mapping[str, Callable[[], ObjectStore]] = field(default_factory=dict[str, Callable[[], ObjectStore]])
    writes_to: Place = "database"
    least_bytes: int = 1_000_000  # what is smaller stays in the database
    hands_out_urls: bool = False  # downloads are fetched from the store, not through us
    _made: dict[str, ObjectStore] = field(default_factory=dict[str, ObjectStore])

    def place_of(self, size_bytes: int) -> Place:
        """Where new content of this size belongs."""
        return self.writes_to if size_bytes >= self.least_bytes else "database"

    @property
    def most_bytes(self) -> int:
        """How large a file may be."""
        return MOST_DATABASE_BYTES if self.writes_to == "database" else MOST_STORED_BYTES

    def store(self, place: str) -> ObjectStore:
        """The store of this name. Raises Unavailable that names what is not set."""
        if place not in self._made:
            if place not in self.makers:
                raise Unavailable(f"There is no store of files {place!r} here", hint="See docs/guide/artifacts.md.")
            self._made[place] = self.makers[place]()
        return self._made[place]


async def is_whole(store: ObjectStore, path: str) -> bool:
    """Does the object hold the bytes that its path names? All of it is read."""
    digest = hashlib.sha256()
    async for piece in store.get(path):
        await asyncio.to_thread(digest.update, piece)
    return hmac.compare_digest(digest.hexdigest(), sha256_in(path))


async def insist_on_name(path: str, content: bytes) -> None:
    """Raises ContentLost where the path names other bytes: nothing is overwritten with these."""
    found = await asyncio.to_thread(lambda: hashlib.sha256(content).hexdigest())
    if not hmac.compare_digest(found, sha256_in(path)):
        raise ContentLost(f"The object {path} is another than these {len(content):,} bytes")


def sha256_in(path: str) -> str:
    """The hash, in hex, of the bytes that a path names."""
    return path.rpartition("/")[2]


async def checked(pieces: AsyncIterator[bytes], size_bytes: int, sha256: str, what: str) -> AsyncIterator[bytes]:
    """The pieces as they come, the last held back until all of it was the content that the row names.

    Raises ContentLost instead of the last one: whoever streams never hands out the whole of something else.
    """
    digest = hashlib.sha256()
    size = 0
    held = b""
    try:
        async for piece in pieces:
            size += len(piece)
            if size > size_bytes:
                break
            await asyncio.to_thread(digest.update, piece)
            if held:
                yield held
            held = piece
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()  # the connection behind it, where somebody stopped reading
    if size != size_bytes or not hmac.compare_digest(digest.hexdigest(), sha256):
        raise ContentLost(
            f"The content of {what} is not the one that was kept",
            detail=f"{size_bytes} bytes with sha256 {sha256} are expected, {'more' if size > size_bytes else size} came",
            hint="Put the object back from a back-up of the store.",
        )
    yield held
