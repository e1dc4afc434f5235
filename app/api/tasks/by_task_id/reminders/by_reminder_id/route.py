"""DELETE /api/tasks/{task_id}/reminders/{reminder_id}."""

from uuid import UUID

from starlette.responses import Response

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.reminders import remove_reminder


@responds(summary="Take a reminder away", status_code=204, problems=(404,))
async def delete(caller: CurrentCaller, task_id: UUID, reminder_id: UUID) -> Response:
    await remove_reminder(caller, task_id, reminder_id)
    return Response(status_code=204)
