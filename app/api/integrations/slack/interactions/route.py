"""POST /api/integrations/slack/interactions: buttons, forms and shortcuts, signed by Slack."""

from fastapi import Request
from starlette.responses import Response

from app.api.integrations.slack._door import answer
from app.router import responds


@responds(summary="Buttons, forms and shortcuts in Slack", also=("application/json", "text/plain"))
async def post(request: Request) -> Response:
    return await answer(request)
