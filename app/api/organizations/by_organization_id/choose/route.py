"""POST /api/organizations/{organization_id}/choose: what one sees and does from now on is of that one."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.organizations import Organization, choose_organization


@responds(summary="Act in this one from now on", response_model=Organization, problems=(404,))
async def post(caller: CurrentCaller, organization_id: UUID) -> Organization:
    return await choose_organization(caller, organization_id)
