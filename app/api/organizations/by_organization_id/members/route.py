"""GET /api/organizations/{organization_id}/members: who belongs to the one that you act in."""

from uuid import UUID

from app.api._answers import Listing
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.organizations import Member, list_members


@responds(summary="Owners, admins, members", response_model=Listing[Member], problems=(404, 409))
async def get(caller: CurrentCaller, organization_id: UUID) -> Listing[Member]:
    return Listing(items=await list_members(caller, organization_id))
