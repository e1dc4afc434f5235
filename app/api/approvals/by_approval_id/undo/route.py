"""POST /api/approvals/{approval_id}/undo."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.drafts import Approval
from tasks.policies import undo_permission


@responds(
    summary="Undo what a permission let through: it asks, and the permission is off",
    response_model=Approval,
    problems=(404, 409),
)
async def post(caller: CurrentCaller, approval_id: UUID) -> Approval:
    """As long as nothing was begun. The answer is the new question."""
    return await undo_permission(caller, approval_id)
