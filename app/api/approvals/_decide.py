"""Deciding about an approval as it was shown."""

from uuid import UUID

from core.database import Caller
from core.errors import Conflict
from tasks.drafts import Approval
from tasks.review import decide_approval, get_approval


async def decide(
    caller: Caller, approval_id: UUID, *, approved: bool, digest: str | None, notes: str | None
) -> Approval:
    """Yes or no. Raises Conflict where `digest` is not that of the approval; None: of whatever it is.

    What an approval is about never changes, so what is compared here holds for the decision.
    """
    if digest is not None and (await get_approval(caller, approval_id)).digest != digest:
        raise Conflict("This is not what was shown", hint="Read it again, then decide on what you see.")
    return await decide_approval(caller, approval_id, approved=approved, notes=notes)
