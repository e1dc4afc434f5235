"""POST /api/organizations/{organization_id}/delete: it is gone, with everything in it."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.api._answers import Listing
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.organizations import Organization, delete_organization


class ConfirmedName(BaseModel):
    """The name of what is deleted, exactly."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Vega"])]


@responds(
    summary="Delete it with everything in it (owners); the organizations that are left to you",
    response_model=Listing[Organization],
    problems=(404,),
)
async def post(caller: CurrentCaller, organization_id: UUID, body: ConfirmedName) -> Listing[Organization]:
    return Listing(items=await delete_organization(caller, organization_id, body.name))
