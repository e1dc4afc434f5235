"""What leaves by itself by a permission and can still be undone; and why something asks, in lines of plain text."""

from typing import TYPE_CHECKING
from uuid import UUID

from rich.text import Text

from cli.output import Output, one_line, plain
from core.errors import NotFound
from core.hosts import shown_address
from tasks import review
from tasks.drafts import Approval
from tasks.functions import TaskNode
from tasks.models import Task
from tasks.policies import Policy
from tasks.review import DraftWithHistory

if TYPE_CHECKING:
    from app.house import House


async def say_held(house: "House", out: Output) -> list[Approval]:
    """What leaves by itself in a moment, by a permission."""
    held = (await review.list_approvals(house.caller, held=True, limit=200)).items
    say_leaving(house, out, held)
    return held


async def held_of(house: "House", task: Task, tree: TaskNode) -> list[Approval]:
    """What leaves by itself of a task and its parts, or by the task that only sends it."""
    ids, left = set[UUID](), [tree]
    while left:
        node = left.pop()
        ids.add(node.id)
        left += node.children
    sends = str(task.tool_input.get("draft_id") or "") if review.belongs_to_draft(task) else ""
    held = (await review.list_approvals(house.caller, held=True, limit=200)).items
    return [one for one in held if one.task_id in ids or (one.draft_id and str(one.draft_id) == sends)]


def say_leaving(house: "House", out: Output, held: list[Approval]) -> None:
    """When each leaves, and how to undo it."""
    for one in held:
        at = f" at {one.hold_until.astimezone(house.clock.timezone):%H:%M:%S}" if one.hold_until else ""
        short = str(one.draft_id or one.id)[:8]
        out.say(Text.assemble((f"Leaves{at} by your permission", "bold"), one_line(f": {one.title}")))
        out.note(f"steward review --undo {short}")


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
    from tasks.reasons import SHOWN, in_a_line, reasons_of

    found = reasons_of(approval.decision)
    for reason in found[:SHOWN]:
        out.say(Text(one_line(f"  asks because: {in_a_line(reason)}"), "yellow"))
    if len(found) > SHOWN:
        out.say(Text(f"  and {len(found) - SHOWN} more; --json has them all", "yellow"))


def say_moved(out: Output, draft: DraftWithHistory) -> None:
    """What came into the thread after the draft was written, and that an earlier yes is void."""
    moved = draft.thread_moved
    if moved is None:
        return
    out.say(Text("  The thread has moved since this was written:", "bold yellow"))
    for message in moved.messages:
        lines = [line for line in plain(message.text or "").splitlines() if line.strip()]
        out.say(
            Text.assemble(
                (f"    {one_line(message.sender) or 'somebody'}: ", "bold"), one_line(" ".join(lines[:2]))[:300]
            )
        )
    before = next((one for one in draft.history if one.id == moved.previous_draft_id), None)
    if before and before.decided_at:
        out.say(Text(f"  Your yes to version {before.version} is void, and nothing was sent.", "yellow"))


async def say_switched_off(house: "House", out: Output, approval_id: UUID) -> Policy | None:
    """Tell that a no switched a permission off; the permission."""
    from agents.permitting import in_words
    from tasks.demotion import switched_off_by

    policy = await switched_off_by(house.caller, approval_id)
    if policy:
        to = ", ".join(shown_address(target) for target in policy.targets)
        out.say(
            one_line(f"The permission {in_words(policy.action)} to {to} switched itself off: {policy.demoted_because}")
        )
    return policy
