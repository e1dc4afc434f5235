"""POST /api/invitations/accept: join what one was invited to."""

from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from app.confirming import refuse_unconfirmed
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.organizations import Organization, accept_invitation


class Link(BaseModel):
    """The last part of the link."""

    model_config = ConfigDict(extra="forbid")

    token: Annotated[str, Field(min_length=1, max_length=100, description="What stands after /invitations/")]


@responds(summary="Join, and act there from now on; twice is once", response_model=Organization, problems=(404,))
async def post(request: Request, caller: CurrentCaller, body: Link) -> Organization:
    await refuse_unconfirmed(request)
    return await accept_invitation(caller, body.token)
