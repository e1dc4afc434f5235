"""What leaves by itself by a permission and can still be undone; and why something asks, in lines of plain text."""

from typing import TYPE_CHECKING

from rich.text import Text

from cli.output import Output, one_line
from core.errors import NotFound
from tasks import review
from tasks.models import Approval

if TYPE_CHECKING:
    from app.house import House


async def say_held(house: "House", out: Output) -> list[Approval]:
    """What leaves by itself in a moment, by a permission."""
    held = (await review.list_approvals(house.caller, held=True, limit=200)).items
    for one in held:
        at = f" at {one.hold_until.astimezone(house.clock.timezone):%H:%M:%S}" if one.hold_until else ""
        short = str(one.draft_id or one.id)[:8]
        out.say(Text.assemble((f"Leaves{at} by your permission", "bold"), one_line(f": {one.title}")))
        out.note(f"steward review --undo {short}")
    return held


async def undo_one(house: "House", out: Output, given: str) -> None:
    """Take back what a permission let through; what asks now."""
    from tasks.policies import undo_permission

    prefix = given.strip().lower()
    held = (await review.list_approvals(house.caller, held=True, limit=200)).items
    found = [one for one in held if any(str(i).startswith(prefix) for i in (one.id, one.draft_id, one.task_id))]
    if len(prefix) < 4 or len(found) != 1:
        raise NotFound(
            f"Nothing that can still be undone has the id {prefix[:40]}",
            hint="`steward review --list` shows what leaves.",
        )
    asked = await undo_permission(house.caller, found[0].id)
    out.data({"approval": asked})
    out.say(
        Text.assemble(("✓ ", "green"), one_line(f"Undone: {asked.title}. It waits for you, and its permission is off."))
    )


def say_reasons(out: Output, approval: Approval) -> None:
    """Why it asks, with the lines that values came from."""
    from tasks.reasons import in_a_line, reasons_of

    for reason in reasons_of(approval.decision):
        out.say(Text(one_line(f"  asks because: {in_a_line(reason)}"), "yellow"))
