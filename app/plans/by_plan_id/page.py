"""`/plans/{plan_id}`: one plan, with all that became of it."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app.dependencies import CurrentCaller
from app.plans.by_plan_id._show import show


async def get(
    request: Request, caller: CurrentCaller, plan_id: UUID, view: str = "", switched_off: UUID | None = None
) -> Response:
    """`view` is the tab."""
    return await show(request, caller, plan_id, view, switched_off=switched_off)
