"""PATCH, DELETE /api/organizations/{organization_id}/members/{user_id}: another role, and removing."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.organizations import Member, Role, change_role, remove_member


class NewRole(BaseModel):
    """What a member is from now on."""

    model_config = ConfigDict(extra="forbid")

    role: Role


@responds(summary="Another role (owners)", response_model=Member, problems=(404,))
async def patch(caller: CurrentCaller, organization_id: UUID, user_id: UUID, body: NewRole) -> Member:
    return await change_role(caller, organization_id, user_id, body.role)


@responds(
    summary="Remove a member: their ways in end, their open tasks become yours", response_model=Member, problems=(404,)
)
async def delete(caller: CurrentCaller, organization_id: UUID, user_id: UUID) -> Member:
    return await remove_member(caller, organization_id, user_id)
