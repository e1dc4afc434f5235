"""`/review`: everything that waits for a person's yes, and what became of it."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app.dependencies import CurrentCaller
from app.review._show import count_waiting, show
from app.templating import render


async def get(
    request: Request,
    caller: CurrentCaller,
    tab: str = "waiting",
    cursor: str | None = None,
    asked_after: str | None = None,
    switched_off: UUID | None = None,
) -> Response:
    if request.headers.get("hx-target") == "review-count":  # every page asks for this number
        return render(request, "_view/_review_count.html", waiting_count=await count_waiting(caller))
    return await show(request, caller, tab, cursor, asked_after, switched_off=switched_off)
