"""POST /api/person/delete: everything of the person is gone, and they themselves."""

from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from jobs.outside.ending import ending
from tasks.organizations import DeletedPerson, delete_person


class ConfirmedAddress(BaseModel):
    """One's own address; of whoever has none, the name of their personal organization."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, Field(min_length=1, max_length=320, examples=["ana@example.com"])]


class DeletedEverything(DeletedPerson):
    """What went; `not_revoked` names the services (google, slack) where the permission stays until you end it there."""

    not_revoked: list[str]


@responds(summary="Delete everything of yours, and your account", response_model=DeletedEverything, problems=(404,))
async def post(request: Request, caller: CurrentCaller, body: ConfirmedAddress) -> DeletedEverything:
    house, own = house_of(request), caller.identity.user_id
    gone, missed = await ending(
        house.given, caller, lambda one: one.user_id == own, lambda: delete_person(caller, body.address)
    )
    house.clocks.forget(caller.identity)
    return DeletedEverything(**gone.model_dump(), not_revoked=missed)
