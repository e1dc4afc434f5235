"""POST /api/person/delete: everything of the person is gone, and they themselves."""

from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.organizations import DeletedPerson, delete_person


class ConfirmedAddress(BaseModel):
    """One's own address; of whoever has none, the name of their personal organization."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, Field(min_length=1, max_length=320, examples=["ana@example.com"])]


@responds(summary="Delete everything of yours, and your account", response_model=DeletedPerson, problems=(404,))
async def post(request: Request, caller: CurrentCaller, body: ConfirmedAddress) -> DeletedPerson:
    gone = await delete_person(caller, body.address)
    house_of(request).clocks.forget(caller.identity)
    return gone
