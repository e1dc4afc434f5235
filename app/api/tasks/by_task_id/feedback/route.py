"""POST /api/tasks/{task_id}/feedback."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import add_feedback


class Feedback(BaseModel):
    """What a person says of a result."""

    model_config = ConfigDict(extra="forbid")

    rating: int | None = Field(default=None, ge=1, le=5)
    comment: str = Field(default="", max_length=10_000)

    @model_validator(mode="after")
    def _says_something(self) -> "Feedback":
        if self.rating is None and not self.comment.strip():
            raise ValueError("give a rating, a comment, or both")
        return self


class StoredFeedback(BaseModel):
    """Feedback as it was kept."""

    id: UUID
    task_id: UUID
    rating: int | None
    comment: str


@responds(summary="Rate a result", status_code=201, response_model=StoredFeedback, problems=(404,))
async def post(caller: CurrentCaller, task_id: UUID, body: Feedback) -> StoredFeedback:
    return StoredFeedback.model_validate(await add_feedback(caller, task_id, body.rating, body.comment))
