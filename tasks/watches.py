"""When the rules ahead of being asked look at a tenant: after changes, and every so often."""

from uuid import UUID

from core.database import Caller
from tasks.models import Record


class Watch(Record):
    """A tenant to be looked at, in the name of its owner."""

    organization_id: UUID
    user_id: UUID


async def take_watch(service: Caller, every_seconds: float, lease_seconds: float) -> Watch | None:
    """The next tenant to look at, for one worker at a time; None when none is due."""
    row = await service.call("take_watch", every_seconds=every_seconds, lease_seconds=lease_seconds)
    return Watch.model_validate(row) if row else None


async def end_watch(service: Caller, problem: str | None = None) -> None:
    """The rules have looked at the caller's tenant; or why they could not."""
    await service.call("end_watch", problem=problem)
