"""POST /api/approvals/{approval_id}/answer: a person's answer to what an agent asks."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.drafts import Approval
from tasks.interrupts import AnswerType, answer_interrupt, storable


class Answer(BaseModel):
    """What the person answers, of what the interrupt's config allows: args is {action, args} for edit, a text for response, else null."""

    model_config = ConfigDict(extra="forbid")

    type: AnswerType
    digest: str = Field(max_length=200, description="Of what was shown; another one is refused")
    args: Annotated[str | dict[str, Any] | None, AfterValidator(storable)] = None


@responds(summary="Answer what an agent asks", response_model=Approval, problems=(404, 409))
async def post(caller: CurrentCaller, approval_id: UUID, body: Answer) -> Approval:
    return await answer_interrupt(caller, approval_id, body.digest, body.type, body.args)
