"""`/executions/{execution_id}`: the dashboard of an execution."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app.dependencies import CurrentCaller
from app.executions.by_execution_id._show import show


async def get(request: Request, caller: CurrentCaller, execution_id: UUID) -> Response:
    return await show(request, caller, execution_id)
