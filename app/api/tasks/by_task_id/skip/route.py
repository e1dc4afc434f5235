"""POST /api/tasks/{task_id}/skip."""

from uuid import UUID

from fastapi import Request
from pydantic import BaseModel

from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.models import Task
from tasks.repeating import skip_occurrence


class Skipped(BaseModel):
    """The task that comes next; null where the series is over."""

    next: Task | None


@responds(
    summary="Leave this occurrence out: it is cancelled, and the next is there",
    response_model=Skipped,
    problems=(404, 409),
)
async def post(request: Request, caller: CurrentCaller, task_id: UUID) -> Skipped:
    house = house_of(request)
    return Skipped(next=await skip_occurrence(house.database, caller, task_id, house.clock))
