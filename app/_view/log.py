"""What happened to one task, in order: its changes of state, and the finer events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app._view.words import ACTOR, DECISION, EVENT, GATE
from tasks.models import Task, TaskEvent


@dataclass(frozen=True)
class Entry:
    """A line of the log: `head` stands out."""

    at: datetime
    head: str
    text: str


def log_of(task: Task, events: Sequence[TaskEvent]) -> list[Entry]:
    """The task's own log, oldest first. The steps have a list of their own."""
    states = [
        Entry(entry.timestamp, EVENT.get(entry.event, entry.event), _by(entry.actor_type, entry.reason))
        for entry in task.execution_log
    ]
    finer = [_entry(event) for event in events if event.task_id == task.id and not _is_elsewhere(event)]
    return sorted([*states, *finer], key=lambda entry: entry.at)


def _is_elsewhere(event: TaskEvent) -> bool:
    is_doubled = event.kind == "approval" and event.message == "used"  # the yes stands there already
    return event.kind in {"state", "changed"} or "step_id" in event.data or is_doubled


def _by(actor: str | None, reason: str | None) -> str:
    return f"by {ACTOR.get(actor or '', 'somebody')}{f': {reason}' if reason else ''}"


def _entry(event: TaskEvent) -> Entry:
    match event.kind:
        case "draft":
            return Entry(event.created_at, "draft", f"version {event.data.get('version')}: {event.message}")
        case "approval":
            word = "you were asked" if event.message == "open" else GATE.get(event.message, event.message)
            return Entry(event.created_at, "decision", word)
        case "plan":
            reason = event.data.get("reason")
            return Entry(event.created_at, "plan", f"{DECISION.get(event.message, event.message)}: {reason}")
        case "reminder":
            return Entry(event.created_at, "reminder", event.message)
        case "check":
            return Entry(event.created_at, "check", f"it did not pass: {event.message}")
        case _:
            return Entry(event.created_at, "", event.message)
