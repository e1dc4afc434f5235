"""GET, POST /api/organizations: those that one belongs to, and a new one. A program's token reads its own."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.api._answers import Listing
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.organizations import Organization, create_organization, list_organizations


class OrganizationName(BaseModel):
    """What an organization is called."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Vega"])]


@responds(summary="Your organizations; you act in the chosen one", response_model=Listing[Organization])
async def get(caller: CurrentCaller) -> Listing[Organization]:
    return Listing(items=await list_organizations(caller))


@responds(summary="A new organization, which you act in from now on", status_code=201, response_model=Organization)
async def post(caller: CurrentCaller, body: OrganizationName) -> Organization:
    return await create_organization(caller, body.name)
