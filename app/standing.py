"""How the kill switch stands, for the pages: each says so while all permissions are stopped."""

from fastapi import Request

from app.dependencies import CurrentCaller
from tasks.policies import list_policies


async def note_stop(request: Request, caller: CurrentCaller) -> None:
    """Keep with the request since when all permissions are stopped; None where they count."""
    request.state.permissions_stopped_at = (await list_policies(caller)).stopped_at
