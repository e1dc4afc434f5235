"""GET and POST /api/attention/mutes: what is not brought up."""

from typing import Annotated

from fastapi import Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from app._attention.rules import rules_of
from app.api._answers import Listing
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.nudges import Mute, NudgeKind, get_attention, mute_nudges

Named = StringConstraints(strip_whitespace=True, min_length=1)


class NewMute(BaseModel):
    """What is muted is all of what is named: a kind, a person's address, a thread; for good where no end is named."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"kind": "brief", "person": "priya@vega.example"}]}
    )

    kind: NudgeKind | None = None
    person: Annotated[str, Named, Field(max_length=320)] | None = None
    thread_key: Annotated[str, Named, Field(max_length=1000)] | None = None
    until: AwareDatetime | None = None
    because: str = Field("", max_length=500)


@responds(summary="What is muted now", response_model=Listing[Mute])
async def get(request: Request, caller: CurrentCaller) -> Listing[Mute]:
    """`muted_by` precision: a kind that muted itself, because too few were of use."""
    house = house_of(request)
    return Listing[Mute](items=(await get_attention(caller, house.clock.now(), rules_of(house))).mutes)


@responds(summary="Mute a kind, a person or a thread", response_model=Mute, status_code=201)
async def post(request: Request, caller: CurrentCaller, body: NewMute) -> Mute:
    return await mute_nudges(caller, house_of(request).clock.now(), **body.model_dump())
