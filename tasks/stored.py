"""Contents of files in stores: moving them, and what no row names any more. For the house alone."""

from base64 import b64encode
from datetime import datetime
from uuid import UUID

from core.database import Caller
from core.objects import Place, checked
from tasks.artifacts import Artifact, announced, sha256_of
from tasks.models import Record


class Claim(Record):
    """Objects that are to be removed now; nobody may take them up until they are."""

    claimed_at: datetime
    object_paths: list[str]


class ToMove(Record):
    """A file whose content lies elsewhere."""

    id: UUID
    organization_id: UUID
    name: str
    size_bytes: int
    stored_in: Place


class MoveList(Record):
    """Files to move: how many there are in all, and the next of them by id."""

    total: int
    bytes: int
    items: list[ToMove]


async def claim_unused_objects(caller: Caller, place: Place, most: int) -> Claim:
    """Objects of a store that no row has named for a day."""
    return Claim.model_validate(await caller.call("claim_unused_objects", stored_in=place, most=most))


async def forget_objects(caller: Caller, place: Place, claim: Claim) -> int:
    """They are removed from the store: how many are forgotten."""
    known = {"object_paths": claim.object_paths, "claimed_at": claim.claimed_at}
    return int(await caller.call("forget_objects", stored_in=place, **known))


async def list_artifacts_to_move(
    caller: Caller, place: Place, least_bytes: int, after_id: UUID | None, most: int = 100
) -> MoveList:
    """Files of at least so many bytes whose content does not lie in `place`."""
    found = await caller.call(
        "list_artifacts_to_move", stored_in=place, least_bytes=least_bytes, after_id=after_id, most=most
    )
    return MoveList.model_validate(found)


async def move_artifact(caller: Caller, artifact_id: UUID, place: Place, content: bytes) -> Artifact:
    """The content of a file lies in `place` from now on: written there, read back and compared, then the row."""
    if place == "database":
        encoded = b64encode(content).decode()
        row = await caller.call("move_artifact", artifact_id=artifact_id, stored_in=place, content=encoded)
        return Artifact.model_validate(row)
    path = await announced(lambda: caller.call("begin_artifact_move", artifact_id=artifact_id, stored_in=place))
    store = caller.database.contents.store(place)
    await store.put(path, content)
    async for _ in checked(store.get(path), len(content), await sha256_of(content), path):
        pass
    return Artifact.model_validate(await caller.call("move_artifact", artifact_id=artifact_id, stored_in=place))
