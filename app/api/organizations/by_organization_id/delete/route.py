"""POST /api/organizations/{organization_id}/delete: it is gone, with everything in it."""

from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from app.api._answers import Listing
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from jobs.outside.ending import ending
from tasks.organizations import Organization, delete_organization


class ConfirmedName(BaseModel):
    """The name of what is deleted, exactly."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Vega"])]


class LeftToYou(Listing[Organization]):
    """The organizations that are left; `not_revoked` names the services (google, slack) that could not be told."""

    not_revoked: list[str]


@responds(
    summary="Delete it with everything in it (owners); the organizations that are left to you",
    response_model=LeftToYou,
    problems=(404,),
)
async def post(request: Request, caller: CurrentCaller, organization_id: UUID, body: ConfirmedName) -> LeftToYou:
    left, missed = await ending(
        house_of(request).given,
        caller,
        lambda one: one.organization_id == organization_id,
        lambda: delete_organization(caller, organization_id, body.name),
    )
    return LeftToYou(items=left, not_revoked=missed)
