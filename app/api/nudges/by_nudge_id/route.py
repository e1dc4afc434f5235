"""GET and PATCH /api/nudges/{nudge_id}."""

from typing import Literal
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.nudges import Nudge, decide_nudge, get_nudge


class NudgeDecision(BaseModel):
    """A person's word: of use, or not. What was prepared for one that is dismissed is withdrawn."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"decision": "acted"}]})

    decision: Literal["acted", "dismissed"]
    because: str | None = Field(None, max_length=500, examples=["There is no agenda for this one"])


@responds(summary="One nudge, with its task", response_model=Nudge, problems=(404,))
async def get(caller: CurrentCaller, nudge_id: UUID) -> Nudge:
    return await get_nudge(caller, nudge_id)


@responds(summary="Say of what use a nudge was", response_model=Nudge, problems=(403, 404, 409))
async def patch(request: Request, caller: CurrentCaller, nudge_id: UUID, body: NudgeDecision) -> Nudge:
    """A person's own word: no token is taken."""
    now = house_of(request).clock.now()
    return await decide_nudge(caller, nudge_id, body.decision, now, body.because)
