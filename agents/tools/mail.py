"""Tools for mail: send what a person approved, write a rejected draft anew."""

from uuid import UUID

from pydantic import Field

from agents.equipment import Run
from agents.sending import send_approved_draft
from agents.tools.tool import AnyTool, Outcome, StrictInput, Tool


class DraftInput(StrictInput):
    """Which draft."""

    draft_id: UUID


class RevisionInput(StrictInput):
    """Which draft, and what the person who rejected it said."""

    draft_id: UUID
    feedback: str = Field(min_length=1)


async def send(run: Run, given: DraftInput) -> Outcome:
    """Send the approved draft, once."""
    return await send_approved_draft(run, given.draft_id)


async def revise(run: Run, given: RevisionInput) -> Outcome:
    """Write the draft anew, with the feedback of the person who rejected it."""
    from agents.work import revise_draft  # thinking brings heavy libraries with it

    return await revise_draft(run)


MAIL_TOOLS: tuple[AnyTool, ...] = (
    Tool("email_send", "Sends an approved draft, once", "control", send, DraftInput, capability="mail"),
    Tool("revise_draft", "Writes a draft anew after a person's feedback", "control", revise, RevisionInput),
)
