"""DELETE /api/attention/mutes/{mute_id}."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.nudges import unmute_nudges


@responds(summary="Let it speak again; of what use a kind is, is counted anew", status_code=204, problems=(404,))
async def delete(request: Request, caller: CurrentCaller, mute_id: UUID) -> Response:
    await unmute_nudges(caller, mute_id, house_of(request).clock.now())
    return Response(status_code=204)
