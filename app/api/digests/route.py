"""GET /api/digests."""

from typing import Annotated

from fastapi import Query

from app.api._answers import Listing
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.digests import Digest, list_digests


@responds(summary="The digests, the newest day first", response_model=Listing[Digest])
async def get(caller: CurrentCaller, limit: Annotated[int, Query(ge=1, le=200)] = 30) -> Listing[Digest]:
    return Listing[Digest](items=await list_digests(caller, limit))
