"""GET and PATCH /api/executions/{execution_id}."""

from uuid import UUID

from app._executions.acting import bring_to
from app.api.executions._shapes import ExecutionChange
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.executions import ExecutionDetail, get_execution


@responds(
    summary="An execution: how far it is, who is at work, what it waits for, what may go wrong",
    response_model=ExecutionDetail,
    problems=(404,),
)
async def get(caller: CurrentCaller, execution_id: UUID) -> ExecutionDetail:
    return await get_execution(caller, execution_id)


@responds(summary="Pause, resume or cancel the whole", response_model=ExecutionDetail, problems=(404, 409))
async def patch(caller: CurrentCaller, execution_id: UUID, body: ExecutionChange) -> ExecutionDetail:
    """What runs ends its step, and agents hear of it with their next word. What it is already, it stays: twice is once."""
    return await bring_to(caller, execution_id, body.wanted)
