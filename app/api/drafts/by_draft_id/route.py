"""GET and PATCH /api/drafts/{draft_id}."""

from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.drafts import Draft
from tasks.review import DraftWithHistory, get_draft, revise_draft

Address = Annotated[str, Field(min_length=3, max_length=320, pattern=r"^[^\s,;<>@]+@[^\s,;<>@]+$")]


class DraftChanges(BaseModel):
    """An edit; what is absent stays. Each address is one entry."""

    model_config = ConfigDict(extra="forbid")

    to_recipients: list[Address] | None = Field(default=None, max_length=100)
    cc_recipients: list[Address] | None = Field(default=None, max_length=100)
    bcc_recipients: list[Address] | None = Field(default=None, max_length=100)
    subject: str | None = Field(default=None, max_length=998, pattern=r"^[^\r\n]*$")
    body: str | None = Field(default=None, max_length=500_000)

    @model_validator(mode="after")
    def _no_nulls(self) -> "DraftChanges":
        nulls = sorted(name for name in self.model_fields_set if getattr(self, name) is None)
        if nulls:
            raise ValueError(f"{', '.join(nulls)} cannot be null")
        if not self.model_fields_set:
            raise ValueError("give at least one field to change")
        return self


@responds(summary="A draft with its versions", response_model=DraftWithHistory, problems=(404,))
async def get(caller: CurrentCaller, draft_id: UUID) -> DraftWithHistory:
    return await get_draft(caller, draft_id)


@responds(
    summary="Edit a draft: the answer is a new version, with an id of its own",
    response_model=Draft,
    problems=(404, 409),
)
async def patch(caller: CurrentCaller, draft_id: UUID, body: DraftChanges, response: Response) -> Draft:
    revised = await revise_draft(caller, draft_id, body.model_dump(exclude_unset=True))
    response.headers["Content-Location"] = f"/api/drafts/{revised.id}"
    return revised
