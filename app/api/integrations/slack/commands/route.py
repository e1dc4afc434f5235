"""POST /api/integrations/slack/commands: what is said to /steward, signed by Slack."""

from fastapi import Request
from starlette.responses import Response

from app.api.integrations.slack._door import answer
from app.router import responds


@responds(summary="The command /steward in Slack", also=("application/json", "text/plain"))
async def post(request: Request) -> Response:
    return await answer(request)
