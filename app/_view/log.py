"""What happened to one task, in order: its changes of state, and the finer events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app._view.agent_words import is_offer, offered_to, said_by_agent
from app._view.people import ALONE, People
from app._view.words import DRAFT, EVENT, GATE, PLAN, actor, answer_words
from tasks.events import TaskEvent
from tasks.models import LogEntry, Task

PLAN_CHANGED = "The plan was changed"  # the database's words at the end of every look at a failure
UNDER_WAY = "Its parts are under way"
LATER = {"series": "repeats", "snoozed": "snoozed", "woken": "in sight again"}
TOGETHER = timedelta(seconds=2)


@dataclass(frozen=True)
class Entry:
    """A line of the log: `head` stands out; `until`: what a permission let go is held so long."""

    at: datetime
    head: str
    text: str
    until: datetime | None = None


def log_of(
    task: Task, events: Sequence[TaskEvent], agents: Mapping[str, str] | None = None, people: People = ALONE
) -> list[Entry]:
    """The task's own log, oldest first; `agents` are the names of outside agents by id. The steps have a list of their own."""
    changed = [event.created_at for event in events if _is_change_of_plan(event, task)]
    states = [_state(entry, changed, agents or {}, people) for entry in task.execution_log]
    blocked = [entry.timestamp for entry in task.execution_log if entry.event == "blocked"]
    mine = [event for event in events if event.task_id == task.id and not _is_elsewhere(event)]
    permitted = [event.data for event in mine if _is_permitted(event)]
    unasked = {str(data.get(name)) for data in permitted for name in ("approval_id", "draft_id")}
    finer = [
        _entry(event, unasked, task, people)
        for event in mine
        if not (_was_not_asked(event, unasked) or _is_said(event, blocked))
    ]
    return sorted([*states, *finer], key=lambda entry: entry.at)


def _is_elsewhere(event: TaskEvent) -> bool:
    is_doubled = event.kind == "approval" and event.message == "used"  # the yes stands there already
    return event.kind in {"state", "changed"} or "step_id" in event.data or is_doubled


def _is_permitted(event: TaskEvent) -> bool:
    return event.kind == "approval" and event.message == "approved" and event.data.get("decided_how") == "permission"


def _was_not_asked(event: TaskEvent, unasked: set[str]) -> bool:
    """Is it the question, or the draft's own word, of what a permission let go? Nobody was asked."""
    if event.kind == "approval":
        return event.message == "open" and event.data.get("approval_id") in unasked
    return event.kind == "draft" and event.message == "approved" and event.data.get("draft_id") in unasked


def _is_said(event: TaskEvent, blocked: Sequence[datetime]) -> bool:
    """Do the changes of state say it already: that it was offered, that an agent could not?"""
    if event.kind == "agent":
        how = str(event.data.get("type")).rpartition("_")[2]
        return how in {"error", "blocked"} and event.data.get("outcome") == "applied"
    return event.kind == "offered" and any(abs(at - event.created_at) < TOGETHER for at in blocked)


def _is_change_of_plan(event: TaskEvent, task: Task) -> bool:
    return event.kind == "plan" and event.task_id == task.id and event.message != "escalate"


def _state(entry: LogEntry, changed: Sequence[datetime], agents: Mapping[str, str], people: People) -> Entry:
    head = EVENT.get(entry.event, entry.event)
    reason = entry.reason
    if reason == PLAN_CHANGED and not any(abs(at - entry.timestamp) < TOGETHER for at in changed):
        reason = "for its parts; the plan stays as it is"  # a part that failed was left to the person
    if entry.event == "blocked" and reason:  # what it waits for says more than who found out
        reason = "for its parts" if reason == UNDER_WAY else reason.removeprefix("Waits ").removeprefix("Waiting ")
        return Entry(entry.timestamp, head, reason)
    agent = agents.get(entry.actor_id or "")
    if agent and entry.event == "resumed":
        head = "taken"
    if agent and reason:
        reason = reason.removeprefix(f"{agent}: ")
    if agent and entry.event == "retry_queued":
        return Entry(entry.timestamp, head, f"{agent} could not do it{f': {reason}' if reason else ''}")
    return Entry(entry.timestamp, head, _by(agent or actor(entry.actor_type, entry.actor_id, people), reason))


def _by(who: str, reason: str | None) -> str:
    return f"by {who}{f': {reason}' if reason else ''}"


def _asked(people: People, task: Task) -> str:
    was = "was" if people.is_another(task.created_by) else "were"
    return f"{people.name(task.created_by)} {was} asked to decide"


def _entry(event: TaskEvent, unasked: set[str], task: Task, people: People) -> Entry:
    match event.kind:
        case "draft":
            is_unasked = event.message == "draft" and event.data.get("draft_id") in unasked
            word = "is written" if is_unasked else DRAFT.get(event.message, event.message)
            text = f"version {event.data.get('version')} {word}"
            return Entry(event.created_at, "draft", text)
        case "approval":
            if event.message == "open":
                return Entry(event.created_at, "question", _asked(people, task))
            if _is_permitted(event):
                held = event.data.get("hold_until")
                until = datetime.fromisoformat(held) if held else None
                return Entry(event.created_at, "let go", "a standing permission let it go", until)
            if event.message == "voided" and event.data.get("decided_how") == "permission":
                return Entry(event.created_at, "taken back", "what a permission had let go does not leave")
            said = answer_words(task) if event.message in {"approved", "rejected"} else ""
            head = "answered" if said else "answer"
            return Entry(event.created_at, head, said or GATE.get(event.message, event.message))
        case "plan":
            text = PLAN.get(event.message, event.message)
            return Entry(event.created_at, "plan", f"{text}: {event.data.get('reason') or 'no reason given'}")
        case "agent":
            said = said_by_agent(event)
            return Entry(event.created_at, said.who, said.about("this"))
        case "offered":
            return Entry(event.created_at, "", offered_to(event))
        case "reminder":
            is_idle = is_offer(event.message)
            said = "nobody does it, and you were told" if is_idle else event.message
            return Entry(event.created_at, "reminder", said)
        case "series" | "snoozed" | "woken":
            return Entry(event.created_at, LATER[event.kind], event.message)
        case "preference":
            return Entry(event.created_at, "preferences", event.message[:1].lower() + event.message[1:])
        case "workflow":
            return Entry(event.created_at, "instructions", event.message)
        case "check":
            return Entry(event.created_at, "check", f"it did not pass: {event.message}")
        case _:
            return Entry(event.created_at, "", event.message)
