"""The store of large files: what no row names is removed, and contents are moved between stores.

Both can be broken off anywhere: the rows say where each content lies, and an object is only removed while the database
lets nobody take it up again. A sweep that froze meanwhile and goes on much later removes a name that nobody uses any more.
"""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from core.database import Caller, Database, Identity
from core.errors import NotFound, StewardError
from core.objects import MOST_DATABASE_BYTES, Place
from tasks import stored
from tasks.artifacts import get_artifact

log = structlog.get_logger()
STORES: tuple[Place, ...] = ("supabase", "s3")
BATCH = 20
LEASE_SECONDS = 300  # of the 15 minutes that the database keeps a claimed object from others


@dataclass(frozen=True)
class Moved:
    """What became of one file: moved, or `why` it stays where it is."""

    name: str
    size_bytes: int
    why: str = ""


async def sweep_objects(database: Database) -> dict[str, int]:
    """Remove the objects that no row has named for a day; how many of each store. A store out of reach is left for next time."""
    caller = database.acting_as(Identity.service())
    removed: dict[str, int] = {}
    for place in STORES:
        try:
            removed[place] = await _sweep(caller, place)
        except StewardError as error:
            await log.awarning("objects_not_swept", store=place, error=error.message, detail=error.detail)
    if any(removed.values()):
        await log.ainfo("objects_swept", **removed)
    return removed


async def _sweep(caller: Caller, place: Place) -> int:
    total = 0
    while True:
        begun = time.time()
        claim = await stored.claim_unused_objects(caller, place, BATCH)
        if not claim.object_paths:
            return total
        if time.time() - begun > LEASE_SECONDS:
            continue  # this computer slept meanwhile: somebody may have taken them up again
        await caller.database.contents.store(place).remove(claim.object_paths)
        total += await stored.forget_objects(caller, place, claim)


async def move_contents(database: Database, to: Place) -> AsyncGenerator[Moved]:
    """Move the contents that belong there, of every tenant, each verified before its row says so.

    To a store go those from the size on that the settings say; to the database all that it may hold.
    """
    least = 0 if to == "database" else database.contents.least_bytes
    caller = database.acting_as(Identity.service())
    after: UUID | None = None
    while batch := (await stored.list_artifacts_to_move(caller, to, least, after)).items:
        for one in batch:
            after = one.id
            why = await _moved(database.acting_as(Identity.service(one.organization_id)), one, to)
            yield Moved(one.name, one.size_bytes, why)


async def _moved(caller: Caller, one: stored.ToMove, to: Place) -> str:
    """Move one; why not, where it stays. What is unsure about a store ends all of it: Unavailable."""
    if to == "database" and one.size_bytes > MOST_DATABASE_BYTES:
        return f"a file in the database has at most {MOST_DATABASE_BYTES:,} bytes"
    try:
        content = (await get_artifact(caller, one.id)).content or b""
        await stored.move_artifact(caller, one.id, to, content)
    except NotFound:
        return "it was removed meanwhile"
    except StewardError as error:
        if error.is_retryable:
            raise
        return error.message
    return ""


async def to_be_moved(database: Database, to: Place) -> dict[str, Any]:
    """How many files, and bytes, `move_contents` would go through."""
    least = 0 if to == "database" else database.contents.least_bytes
    found = await stored.list_artifacts_to_move(database.acting_as(Identity.service()), to, least, None, 1)
    return {"files": found.total, "bytes": found.bytes}
