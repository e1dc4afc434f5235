"""PATCH, DELETE /api/organizations/{organization_id}: another name, and leaving."""

from uuid import UUID

from app.api._answers import Listing
from app.api.organizations.route import OrganizationName
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.organizations import Organization, leave_organization, rename_organization


@responds(summary="Another name (owners and admins)", response_model=Organization, problems=(404,))
async def patch(caller: CurrentCaller, organization_id: UUID, body: OrganizationName) -> Organization:
    return await rename_organization(caller, organization_id, body.name)


@responds(
    summary="Leave it; the organizations that are left to you", response_model=Listing[Organization], problems=(404,)
)
async def delete(caller: CurrentCaller, organization_id: UUID) -> Listing[Organization]:
    return Listing(items=await leave_organization(caller, organization_id))
