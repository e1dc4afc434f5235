"""GET, POST /api/organizations/{organization_id}/invitations: who is asked to join the one that you act in."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.api._answers import Listing
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.organizations import Invitation, InvitedRole, NewInvitation, create_invitation, list_invitations


class InvitationWish(BaseModel):
    """Who is asked to join, as what."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(min_length=3, max_length=320, examples=["ana@example.org"])]
    role: InvitedRole = "member"


@responds(
    summary="Invitations, open ones first (owners and admins)",
    response_model=Listing[Invitation],
    problems=(404, 409),
)
async def get(caller: CurrentCaller, organization_id: UUID) -> Listing[Invitation]:
    return Listing(items=await list_invitations(caller, organization_id))


@responds(
    summary="A new invitation; its link is shown this once",
    status_code=201,
    response_model=NewInvitation,
    problems=(404,),
)
async def post(caller: CurrentCaller, organization_id: UUID, body: InvitationWish) -> NewInvitation:
    return await create_invitation(caller, organization_id, body.email, body.role)
