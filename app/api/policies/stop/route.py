"""POST /api/policies/stop: the kill switch."""

from pydantic import BaseModel, ConfigDict, StrictBool

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.policies import Stopped, stop_permissions


class Stop(BaseModel):
    """Stop all permissions, or let them count again."""

    model_config = ConfigDict(extra="forbid")

    stopped: StrictBool


@responds(summary="Stop all permissions, or let them count again", response_model=Stopped)
async def post(caller: CurrentCaller, body: Stop) -> Stopped:
    """Stopping takes back what they let through and nothing was begun of: it asks."""
    return await stop_permissions(caller, stopped=body.stopped)
