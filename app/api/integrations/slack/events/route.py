"""POST /api/integrations/slack/events: what happens in a workspace, signed by Slack."""

from fastapi import Request
from starlette.responses import Response

from app.api.integrations.slack._door import answer
from app.router import responds


@responds(summary="Events of Slack", also=("application/json", "text/plain"))
async def post(request: Request) -> Response:
    return await answer(request)
