"""GET /api/plans/{plan_id}/report."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Request
from starlette.responses import Response

from app._plans.papers import Format, report_in
from app.api.plans._served import served
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of

ACCEPTED: dict[str, Format] = {
    "text/markdown": "markdown",
    "application/json": "json",
    "application/pdf": "pdf",
    "text/html": "html",
}


@responds(
    summary="The report of a plan: one page of HTML, or Markdown, JSON, PDF",
    also=tuple(ACCEPTED),
    problems=(404, 409, 503),
)
async def get(
    request: Request,
    caller: CurrentCaller,
    plan_id: UUID,
    format: Annotated[Format | None, Query(description="Else what Accept names, else html")] = None,
    accept: Annotated[str, Header()] = "",
) -> Response:
    """Of a document it is there once its last stage is written (409 until then, see fallback-report)."""
    wanted = format or _accepted(accept)
    return served(await report_in(house_of(request), caller, plan_id, wanted), inline=True)


def _accepted(accept: str) -> Format:
    """The first of our media types that is named, html where none is."""
    named = [part.partition(";")[0].strip().casefold() for part in accept.split(",")]
    found: list[Format] = [ACCEPTED[name] for name in named if name in ACCEPTED]
    return found[0] if found else "html"
