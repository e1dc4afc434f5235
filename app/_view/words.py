"""The product's words for states and kinds."""

STATUS = {
    "pending": "to do",
    "queued": "queued",
    "in_progress": "running",
    "paused": "paused",
    "blocked": "waiting",
    "completed": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}
TYPE = {
    "manual": "by you",
    "semi_automated": "with your review",
    "fully_automated": "by Steward",
}
SOURCE = {
    "chat": "from chat",
    "manual": "added by you",
    "mail": "from mail",
    "calendar": "from the calendar",
    "slack": "from Slack",
    "import": "imported",
    "plan": "from a plan",
    "agent": "by Steward",
    "proactive": "noticed by Steward",
}
EVENT = {
    "created": "created",
    "queued": "queued",
    "unqueued": "taken out of the queue",
    "started": "started",
    "resumed": "taken up again",
    "retry_queued": "will be tried again",
    "paused": "paused",
    "blocked": "waits",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}
ACTOR = {"user": "you", "agent": "Steward", "database": "the database"}


def confidence(value: float | None) -> str:
    """How sure, in words."""
    if value is None:
        return ""
    return "sure" if value >= 0.85 else "fairly sure" if value >= 0.65 else "a guess"
