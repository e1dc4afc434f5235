"""GET /api/tasks/{task_id}/sequence."""

from uuid import UUID

from pydantic import BaseModel

from app._view.sequence import sequence_of
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import get_task_tree


class Sequence(BaseModel):
    """The parts of a task that have no parts of their own, in an order that fits their edges.

    Parts of one group may run side by side, after all groups before it. The critical path is the chain that sets the
    end; `minutes` is how long it takes, None where no part says how long it takes.
    """

    order: list[UUID]
    parallel_groups: list[list[UUID]]
    critical_path: list[UUID]
    minutes: float | None


@responds(summary="Order, parallel groups and critical path", response_model=Sequence, problems=(404,))
async def get(caller: CurrentCaller, task_id: UUID) -> Sequence:
    found = sequence_of(await get_task_tree(caller, task_id))
    plan = found.plan
    return Sequence(
        order=plan.order,
        parallel_groups=plan.parallel_groups,
        critical_path=plan.critical_path,
        minutes=plan.minutes if found.is_timed else None,
    )
