"""What every page says of where the person stands: the organization they act in, those that are gone, whether permissions are stopped."""

import asyncio

from fastapi import Request

from app._view.people import note_people
from app.chosen import note_organizations
from app.dependencies import CurrentCaller
from tasks.organizations import list_ended_organizations
from tasks.policies import list_policies


async def note_stop(request: Request, caller: CurrentCaller) -> None:
    """Keep with the request the person's organizations, and since when all permissions are stopped (None: they count).

    The names of its members, and which of their organizations somebody else deleted, until they put that away.
    """
    listed, request.state.ended_organizations, _ = await asyncio.gather(
        list_policies(caller), list_ended_organizations(caller), note_organizations(request, caller)
    )
    await note_people(request, caller)
    request.state.permissions_stopped_at = listed.stopped_at
