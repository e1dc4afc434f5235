"""DELETE /api/policies/{policy_id}."""

from uuid import UUID

from starlette.responses import Response

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.policies import delete_policy


@responds(
    summary="Take a permission away; what it let through and nothing was begun of asks",
    status_code=204,
    problems=(404,),
)
async def delete(caller: CurrentCaller, policy_id: UUID) -> Response:
    await delete_policy(caller, policy_id)
    return Response(status_code=204)
