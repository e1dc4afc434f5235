"""GET /api/digests/{day}: the digest of a day, with what it tells."""

from datetime import date
from typing import Annotated

from fastapi import Path

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.digests import Digest, get_digest
from tasks.nudges import Nudge, list_nudges


class DigestWithNudges(Digest):
    """A digest with the nudges that it tells."""

    nudges: list[Nudge]


@responds(
    summary="The digest of a day, with what was held until then", response_model=DigestWithNudges, problems=(404,)
)
async def get(
    caller: CurrentCaller, day: Annotated[date, Path(description="Like 2026-03-04", examples=["2026-03-04"])]
) -> DigestWithNudges:
    digest = await get_digest(caller, day)
    told = await list_nudges(caller, digest_id=digest.id, limit=200)
    return DigestWithNudges(**digest.model_dump(), nudges=told.items)
