"""GET and PATCH /api/commitments/{commitment_id}."""

from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.api.tasks._shapes import Due
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.commitments import (
    Commitment,
    CommitmentState,
    close_commitment,
    get_commitment,
    move_commitment,
    reopen_commitment,
)


class CommitmentChanges(BaseModel):
    """What to change; what is absent stays. `because` says why it is closed."""

    model_config = ConfigDict(extra="forbid")

    state: CommitmentState | None = None
    because: str = Field(default="", max_length=1000)
    due_at: Due | None = None
    due_is_all_day: bool = True

    @model_validator(mode="after")
    def _says_something(self) -> "CommitmentChanges":
        if not self.model_fields_set & {"state", "due_at"}:
            raise ValueError("state or due_at is needed")
        if "state" in self.model_fields_set and self.state is None:
            raise ValueError("state cannot be null: open, kept or dropped")
        if self.due_at and self.due_at.tzinfo is None:
            raise ValueError("due_at needs an offset, like 2026-03-05T15:00:00+01:00")
        if "\x00" in self.because:
            raise ValueError("because holds a NUL character")
        if self.state in {"kept", "dropped"} and "due_at" in self.model_fields_set:
            raise ValueError("what is closed has no other due_at")
        return self


@responds(summary="One promise", response_model=Commitment, problems=(404,))
async def get(caller: CurrentCaller, commitment_id: UUID) -> Commitment:
    return await get_commitment(caller, commitment_id)


@responds(
    summary="Close a promise as kept or dropped, open it again, or move it",
    response_model=Commitment,
    problems=(404, 409),
)
async def patch(request: Request, caller: CurrentCaller, commitment_id: UUID, body: CommitmentChanges) -> Commitment:
    """A task that was due with it moves with it."""
    now = house_of(request).clock.now()
    if body.state in {"kept", "dropped"}:
        because = body.because or "You said so"
        return await close_commitment(
            caller, commitment_id, "kept" if body.state == "kept" else "dropped", because, now
        )
    found = await reopen_commitment(caller, commitment_id, now) if body.state else None
    if "due_at" in body.model_fields_set:
        found = await move_commitment(caller, commitment_id, body.due_at, due_is_all_day=body.due_is_all_day)
    return found or await get_commitment(caller, commitment_id)
