"""Files of tasks. One thin typed call per SQL function, and the content of a large one in a store where one is set.

A name is unique for its content: the newest file of a name in a tree is the one that is meant. The row is the truth: an
object is written before the row that names it, and what is read is compared with the row.
"""

import asyncio
import hashlib
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from core.database import Caller
from core.errors import Conflict, Invalid, NotFound
from core.objects import MOST_DATABASE_BYTES, Place, checked
from tasks.models import Record

MOST_BYTES = MOST_DATABASE_BYTES
HEAD_BYTES = 65_536  # of a text in a store: kept in the row, to be looked through
TRIES = 6  # while an unused copy is being removed
PAUSE_SECONDS = 0.2


class Artifact(Record):
    """A file; `sha256` is hex over the raw bytes. `content` is only there where it was asked for.

    `is_tainted`: a run that had read what others wrote kept it, or a person put it there: others may have written it.
    `object_path`: its name in the store, where it lies in one.
    """

    id: UUID
    task_id: UUID | None = None
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    created_at: datetime
    is_tainted: bool = False
    stored_in: Place = "database"
    object_path: str | None = Field(default=None, exclude=True)
    content: bytes | None = Field(default=None, exclude=True, repr=False)


async def save_artifact(caller: Caller, task_id: UUID, name: str, media_type: str, content: bytes) -> Artifact:
    """Keep a file of a task. The same name and bytes twice is one row.

    Invalid over 20,000,000 bytes, 100,000,000 where a store is set.
    """
    contents = caller.database.contents
    if len(content) > contents.most_bytes:
        raise Invalid(f"A file has at most {contents.most_bytes:,} bytes", detail=f"{name[:100]} has {len(content)}")
    place = contents.place_of(len(content))
    if place == "database":
        encoded = b64encode(content).decode()
        row = await caller.call("save_artifact", task_id=task_id, name=name, media_type=media_type, content=encoded)
        return Artifact.model_validate(row)
    about = {"sha256": await sha256_of(content), "size_bytes": len(content), "stored_in": place}
    path = await announced(lambda: caller.call("announce_artifact", task_id=task_id, **about))
    await contents.store(place).put(path, content)
    is_text = media_type.startswith(("text/", "application/json"))
    head = b64encode(content[:HEAD_BYTES]).decode() if is_text else None
    row = await caller.call(
        "save_stored_artifact", task_id=task_id, name=name, media_type=media_type, head=head, **about
    )
    return Artifact.model_validate(row)


async def announced(announce: Callable[[], Awaitable[Any]]) -> str:
    """The path that an object is to be put under; waits where the sweep removes an unused copy of it right now."""
    for _ in range(TRIES):
        try:
            return str((await announce())["object_path"])
        except Conflict:
            await asyncio.sleep(PAUSE_SECONDS)
    return str((await announce())["object_path"])


async def sha256_of(content: bytes) -> str:
    """Hex; on a thread, for it takes a third of a second for the largest."""
    return await asyncio.to_thread(lambda: hashlib.sha256(content).hexdigest())


async def describe_artifact(caller: Caller, artifact_id: UUID) -> Artifact:
    """A file without its content."""
    return Artifact.model_validate(await caller.call("get_artifact", artifact_id=artifact_id, with_content=False))


async def get_artifact(caller: Caller, artifact_id: UUID) -> Artifact:
    """A file with its content. Raises ContentLost where that is missing or another."""
    artifact, pieces = await open_artifact(caller, artifact_id)
    return artifact.model_copy(update={"content": b"".join([piece async for piece in pieces])})


async def open_artifact(caller: Caller, artifact_id: UUID) -> tuple[Artifact, AsyncIterator[bytes]]:
    """A file, and its content in pieces as they come from where it lies; the last only once all were what the row says."""
    row = await caller.call("get_artifact", artifact_id=artifact_id)
    content = b64decode(row.pop("content", None) or "")
    artifact = Artifact.model_validate(row)
    if artifact.object_path:
        pieces = caller.database.contents.store(artifact.stored_in).get(artifact.object_path)
    else:
        pieces = _in_one(content)
    return artifact, checked(pieces, artifact.size_bytes, artifact.sha256, artifact.name)


async def _in_one(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def list_artifacts(caller: Caller, task_id: UUID) -> list[Artifact]:
    """The files of a task's whole tree, newest first, without content; at most 1000."""
    return [Artifact.model_validate(row) for row in await caller.call("list_artifacts", task_id=task_id)]


async def find_artifact(caller: Caller, task_id: UUID, name: str, *, with_content: bool = True) -> Artifact:
    """The newest file of this name in the task's tree, with content. NotFound names those that are there."""
    listed = await list_artifacts(caller, task_id)
    for artifact in listed:
        if artifact.name == name:
            return await get_artifact(caller, artifact.id) if with_content else artifact
    known = ", ".join(sorted({artifact.name for artifact in listed})[:20]) or "none"
    raise NotFound(f"There is no file {name!r} in this tree", detail=f"there are: {known}")
