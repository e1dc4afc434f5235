"""`/review`: everything that waits for a person's yes, and what became of it."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app.dependencies import CurrentCaller
from app.review._show import show


async def get(
    request: Request,
    caller: CurrentCaller,
    tab: str = "waiting",
    cursor: str | None = None,
    switched_off: UUID | None = None,
) -> Response:
    return await show(request, caller, tab, cursor, switched_off=switched_off)
