"""Files of tasks, kept in the database. One thin typed call per SQL function.

A name is unique for its content: the newest file of a name in a tree is the one that is meant.
"""

from base64 import b64decode, b64encode
from datetime import datetime
from uuid import UUID

from pydantic import Field

from core.database import Caller
from core.errors import NotFound
from tasks.models import Record

MOST_BYTES = 20_000_000


class Artifact(Record):
    """A file; `sha256` is hex over the raw bytes. `content` is only there where it was asked for.

    `is_tainted`: a run that had read what others wrote kept it, or a person put it there: others may have written it.
    """

    id: UUID
    task_id: UUID | None = None
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    created_at: datetime
    is_tainted: bool = False
    content: bytes | None = Field(default=None, exclude=True, repr=False)


async def save_artifact(caller: Caller, task_id: UUID, name: str, media_type: str, content: bytes) -> Artifact:
    """Keep a file of a task. The same name and bytes twice is one row. Invalid over 20,000,000 bytes."""
    encoded = b64encode(content).decode()
    row = await caller.call("save_artifact", task_id=task_id, name=name, media_type=media_type, content=encoded)
    return Artifact.model_validate(row)


async def get_artifact(caller: Caller, artifact_id: UUID) -> Artifact:
    """A file with its content."""
    row = await caller.call("get_artifact", artifact_id=artifact_id)
    return Artifact.model_validate({**row, "content": b64decode(row.get("content") or "")})


async def list_artifacts(caller: Caller, task_id: UUID) -> list[Artifact]:
    """The files of a task's whole tree, newest first, without content; at most 1000."""
    return [Artifact.model_validate(row) for row in await caller.call("list_artifacts", task_id=task_id)]


async def find_artifact(caller: Caller, task_id: UUID, name: str) -> Artifact:
    """The newest file of this name in the task's tree, with content. NotFound names those that are there."""
    listed = await list_artifacts(caller, task_id)
    for artifact in listed:
        if artifact.name == name:
            return await get_artifact(caller, artifact.id)
    known = ", ".join(sorted({artifact.name for artifact in listed})[:20]) or "none"
    raise NotFound(f"There is no file {name!r} in this tree", detail=f"there are: {known}")
