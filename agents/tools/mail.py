"""Tools for mail: send what a person approved, write a rejected draft anew."""

from agents.equipment import Run
from agents.sending import send_approved_draft
from agents.tools.tool import Outcome, Tool


async def revise(run: Run) -> Outcome:
    """Write the draft that the input names anew, with the feedback of the person who rejected it."""
    from agents.work import revise_draft  # thinking brings heavy libraries with it

    return await revise_draft(run)


MAIL_TOOLS = (
    Tool("email_send", "Sends the approved draft {draft_id}, once", "control", send_approved_draft),
    Tool("revise_draft", "Writes the draft {draft_id} anew after {feedback}", "control", revise),
)
