"""Tasks that only a person can do: why, and what would help."""

from datetime import datetime

from agents.strategist import Blocked, TaskContext

REASONS: dict[str, tuple[str, str]] = {
    "purchase": (
        "Requires access to a procurement system or shop",
        "Buy it yourself and tick the task off",
    ),
    "payment": (
        "Requires a person with access to the account: payments are never made from here",
        "Pay it yourself and tick the task off",
    ),
    "call": ("Requires a person to make the call", "Call, then tick the task off"),
    "research": (
        "Requires a person: nothing here can search the web",
        "Do the research and put what you found into the task",
    ),
    "message": (
        "Slack is not connected",
        "Post it yourself and tick the task off; a mail instead can be drafted here",
    ),
    "errand": ("Requires a person: it happens outside this computer", "Do it and tick the task off"),
}
YOURS = (
    "This task is marked as yours",
    "Change its type to semi-automated to have it prepared here, or do it and tick it off",
)


def decide(context: TaskContext, now: datetime) -> Blocked:
    """Blocked, with the reason that fits the kind. `now` is not needed."""
    kind = context.task.kind if context.task.kind in REASONS else ""
    reason, unblocked_by = REASONS.get(kind, YOURS)
    return Blocked(reason=reason, unblocked_by=unblocked_by, message=f"{context.task.title}: a person has to do this")
