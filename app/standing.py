"""What every page says of where the person stands: the organization they act in, and whether permissions are stopped."""

import asyncio

from fastapi import Request

from app.chosen import note_organizations
from app.dependencies import CurrentCaller
from tasks.policies import list_policies


async def note_stop(request: Request, caller: CurrentCaller) -> None:
    """Keep with the request the person's organizations, and since when all permissions are stopped (None: they count)."""
    listed, _ = await asyncio.gather(list_policies(caller), note_organizations(request, caller))
    request.state.permissions_stopped_at = listed.stopped_at
