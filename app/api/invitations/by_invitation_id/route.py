"""DELETE /api/invitations/{invitation_id}: the link leads nowhere any more."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.organizations import Invitation, revoke_invitation


@responds(summary="Take an invitation back; twice is once", response_model=Invitation, problems=(404,))
async def delete(caller: CurrentCaller, invitation_id: UUID) -> Invitation:
    return await revoke_invitation(caller, invitation_id)
