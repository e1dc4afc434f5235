"""POST /api/nudges/{nudge_id}/mute: nothing more of its kind, about its person, or in its thread."""

from typing import Literal
from uuid import UUID

from fastapi import Request
from pydantic import AwareDatetime, BaseModel, ConfigDict

from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.nudges import Mute, mute_nudge


class NudgeMute(BaseModel):
    """What of the nudge is muted; for good where no end is named."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"what": "kind"}]})

    what: Literal["kind", "person", "thread"]
    until: AwareDatetime | None = None


@responds(
    summary="Mute a nudge's kind, person or thread; the nudge itself is dismissed",
    response_model=Mute,
    status_code=201,
    problems=(404,),
)
async def post(request: Request, caller: CurrentCaller, nudge_id: UUID, body: NudgeMute) -> Mute:
    return await mute_nudge(caller, nudge_id, body.what, house_of(request).clock.now(), body.until)
