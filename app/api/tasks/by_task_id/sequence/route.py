"""GET /api/tasks/{task_id}/sequence."""

from uuid import UUID

from pydantic import BaseModel

from agents.sequencer import integration_steps
from app._view.sequence import sequence_of
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import get_task_tree


class Edge(BaseModel):
    """What a part waits for."""

    task_id: UUID
    depends_on: UUID


class IntegrationStep(BaseModel):
    """A part that brings others together, which may have been done side by side."""

    task_id: UUID
    brings_together: list[UUID]


class Sequence(BaseModel):
    """The parts of a task that have no parts of their own, in an order that fits their edges.

    Parts of one group may run side by side, after all groups before it. The critical path is the chain that sets the
    end; `minutes` is how long it takes, None where no part says how long it takes.
    """

    order: list[UUID]
    edges: list[Edge]
    parallel_groups: list[list[UUID]]
    integration_steps: list[IntegrationStep]
    critical_path: list[UUID]
    minutes: float | None


@responds(
    summary="Order, edges, parallel groups, integration steps and critical path",
    response_model=Sequence,
    problems=(404,),
)
async def get(caller: CurrentCaller, task_id: UUID) -> Sequence:
    found = sequence_of(await get_task_tree(caller, task_id))
    plan = found.plan
    return Sequence(
        order=plan.order,
        edges=[
            Edge(task_id=key, depends_on=need) for key in plan.order for need in plan.order if need in plan.edges[key]
        ],
        parallel_groups=plan.parallel_groups,
        integration_steps=[
            IntegrationStep(task_id=key, brings_together=parts) for key, parts in integration_steps(plan).items()
        ],
        critical_path=plan.critical_path,
        minutes=plan.minutes if found.is_timed else None,
    )
