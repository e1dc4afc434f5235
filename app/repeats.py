"""Right after a person ends a task that repeats, the next one is there: no worker is waited for."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from fastapi import Request

from app.seen import house_of
from core.errors import StewardError
from tasks.repeating import continue_ended

log = structlog.get_logger()


async def go_on(request: Request, task_ids: Sequence[UUID]) -> None:
    """Continue the series of these tasks, where they are over. The person's own act stands, whatever comes of this."""
    house = house_of(request)
    try:
        await continue_ended(house.database, house.clock, task_ids)
    except StewardError as error:  # the worker does it in a moment
        await log.awarning("series_left_to_worker", error=error.message)
