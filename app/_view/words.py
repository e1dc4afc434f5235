"""The product's words for states and kinds."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, cast
from uuid import UUID

from agents.estimates import work_words
from app._view.people import ALONE, People
from tasks.models import Evidence, Task
from tasks.occurrences import describe_recurrence

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
BLOCKED = {
    "subtasks": ("in_progress", "under way"),
    "review": ("blocked", "for your review"),
    "approval": ("blocked", "for your decision"),
    "person": ("blocked", "needs you"),
    "model": ("blocked", "needs a language model"),
    "bounds": ("blocked", "stopped at a bound"),
    "account": ("blocked", "needs an account"),
    "start": ("blocked", "waits for your start"),
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
ROLES = {
    "owner": "Owners do everything, and say who else is an owner.",
    "admin": "Admins invite and remove members, manage agents, and let things leave by themselves.",
    "member": "Members work: they make tasks, and decide about drafts.",
}
ACTOR = {"user": "you", "agent": "Steward", "database": "the database"}
VERIFICATION = {
    "verified": "it was looked up afterwards, and it is so",
    "claimed": "whoever did it says so; nobody has looked",
    "unverifiable": "there is nothing outside that could be looked up",
}
DECISION = {
    "another_approach": "tries another way",
    "other_subtasks": "puts other parts in its place",
    "skip": "goes on without it",
    "escalate": "asks you",
}
PLAN = {
    "another_approach": "another way is tried",
    "other_subtasks": "other parts take the place of one that failed",
    "skip": "it goes on without a part",
    "escalate": "it stays as it is, and you are asked what to do",
}
DRAFT = {
    "draft": "is there for your review",
    "approved": "is approved",
    "rejected": "is rejected",
    "superseded": "is replaced by a newer one",
    "sending": "is being sent",
    "sent": "is sent",
    "failed": "was not sent",
    "uncertain": "was perhaps sent: nobody knows",
}
GATE = {"open": "open", "used": "yes", "approved": "yes", "rejected": "no", "expired": "nobody decided in time", "voided": "withdrawn"}  # fmt: skip
APPROVAL = {"voided": "The question was withdrawn", "expired": "Nobody decided in time, or the yes was not used in time: it is void"}  # fmt: skip
STEP_KIND = {"model": "asked a model", "read": "read", "act": "did"}
STEP_STATE = {"started": "under way", "finished": "finished", "failed": "failed", "uncertain": "nobody knows whether it took effect"}  # fmt: skip


def repeats(task: Task) -> str:
    """How a task repeats: "repeats every Friday"; empty for one that does not, or does not any more."""
    if not task.recurrence or task.series_ended_at is not None:
        return ""
    return f"repeats {describe_recurrence(task.recurrence, task.repeats_from)}"


def snoozed_for(task: Task) -> str:
    """Whose answer a snoozed task waits for; empty for every other."""
    waits = task.snoozed_for or {}
    return str(waits.get("who") or waits.get("reply_from") or "")


ANSWERED = {"accept": "accepted as it was", "edit": "accepted with changes", "ignore": "ignored"}


def answer_words(task: Task) -> str:
    """What a person answered an agent's question: their words, or what they did; empty for every other task."""
    result: Any = task.result if task.tool == "agent_interrupt" and task.execution_status == "completed" else None
    output: Any = cast("dict[str, Any]", result).get("output") if isinstance(result, dict) else None
    if not isinstance(output, dict):
        return ""
    answer = cast("dict[str, Any]", output)
    kind = str(answer.get("type"))
    return str(answer.get("args"))[:500] if kind == "response" else ANSWERED.get(kind, "")


def proof_words(task: Task) -> str:
    """How it is known that a task is done."""
    if task.tool in {"agent_interrupt", "approval_gate"} and task.verification == "verified":
        return "a person answered"
    return VERIFICATION.get(task.verification or "", "")


def confidence(value: float | None) -> str:
    """How sure, in words."""
    if value is None:
        return ""
    return "sure" if value >= 0.85 else "fairly sure" if value >= 0.65 else "a guess"


def state(task: Task, people: People = ALONE) -> tuple[str, str]:
    """The class of a task's badge and its word; of a colleague's task with their name: "for Ana's review"."""
    if task.superseded_at is not None:
        return "superseded", "replaced"
    if task.waived_at is not None:
        return "cancelled", "left out"
    if task.paused_at is not None and task.execution_status not in {"completed", "failed", "cancelled"}:
        return "paused", "paused"
    if task.execution_status == "blocked" and task.blocked_on in BLOCKED:
        badge, word = BLOCKED[task.blocked_on]
        whose, who = people.whose(task.created_by), people.name(task.created_by)
        return badge, word.replace("your", whose) if "your" in word else word.replace("you", who)
    if task.is_drafted:
        return "blocked", "drafted"
    return task.execution_status, STATUS[task.execution_status]


def source(kind: str, person: UUID | None, people: People = ALONE) -> str:
    """Where something comes from: "from mail", "added by you", "added by Ana". `person` is whose it is."""
    if kind == "manual":
        return f"added by {people.name(person)}" if person or not people.names else "added by hand"
    return SOURCE.get(kind, kind)


def made_by(task: Task, agents: Mapping[str, str] | None = None, people: People = ALONE) -> str:
    """Where a task comes from: "from mail", "by Steward", "by Larry". `agents` are the names of outside agents by id."""
    agent_id = task.source_ref.get("agent_id")
    if task.source != "agent" or agent_id is None:
        added = next((one for one in task.execution_log if one.event == "created" and one.actor_type == "user"), None)
        return source(task.source, _as_id(added.actor_id) if added else task.created_by, people)
    return f"by {(agents or {}).get(str(agent_id), 'an outside agent')}"


def does(task: Task, people: People = ALONE) -> str:
    """How a task is done: "by you", "with Ana's review", "by Steward"."""
    match task.execution_type:
        case "manual":
            return f"by {people.name(task.created_by)}"
        case "semi_automated":
            return f"with {people.whose(task.created_by)} review"
        case _:
            return TYPE[task.execution_type]


def owner(task: Task, agents: Mapping[str, str] | None = None, people: People = ALONE) -> str:
    """Who does a task: "you", "Steward", the agent or person it waits for. `agents` are the names of outside agents by id."""
    whom = str(task.tool_input.get("whom") or "")
    match task.tool:
        case "approval_gate":
            return "you decide"
        case "agent_interrupt":
            return "you answer"
        case "outside_agent":
            names = agents or {}
            if str(task.assigned_to_id) in names and _is_taken(task):
                return names[str(task.assigned_to_id)]
            whom = names.get(whom.casefold(), "" if _is_id(whom) else whom)
            return f"the agent {whom}" if whom else "an outside agent"
        case "wait_for_reply":
            return f"{whom} answers" if whom else "somebody answers"
        case "delay":
            return "the clock"
        case _:
            if task.assignee_role:
                return task.assignee_role
            person = people.name(task.created_by)
            reviews = f"Steward, {person} review{'s' if people.is_another(task.created_by) else ''}"
            return {"manual": person, "semi_automated": reviews}.get(task.execution_type, "Steward")


def evidence(found: Evidence) -> str:
    """A piece of evidence in one line; a place is cut down to its last part."""
    where = PurePath(found.where).name if found.where and "/" in found.where else found.where
    return f"{found.what}: {where}" if where and found.kind in {"receipt", "file"} else found.what


def place(found: Evidence) -> str:
    """Where a piece of evidence lies, where that says something to a person; an id does not."""
    return "" if _is_id(found.where or "") else found.where or ""


def _is_taken(task: Task) -> bool:
    """Did an agent take it, and nobody take it back?"""
    is_broken_down = task.execution_status == "blocked" and task.blocked_on == "subtasks"
    return is_broken_down or task.execution_status in {"in_progress", "paused", "completed", "failed"}


def actor(kind: str | None, actor_id: str | None, people: People = ALONE) -> str:
    """Who did something: "you", "Ana", "Steward", "the database"; "somebody" where it is not known."""
    return people.name(_as_id(actor_id)) if kind == "user" else ACTOR.get(kind or "", "somebody")


def _is_id(text: str) -> bool:
    return _as_id(text) is not None


def _as_id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def link(found: Evidence) -> str:
    """The page of what a piece of evidence names; empty where there is none."""
    pages = {"draft": "/review/", "interrupt": "/review/interrupts/"}
    return f"{pages[found.kind]}{found.where}" if found.kind in pages and found.where and not place(found) else ""


def number(value: float) -> str:
    """A number as people write it: without a needless fraction, thousands apart."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def span(seconds: float) -> str:
    """A time span in its two largest units: "under a second", "45 s", "3 min", "2 h 5 min", "30 days"."""
    if 0 < seconds < 1:
        return "under a second"
    if seconds < 60:
        return f"{int(seconds)} s"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86_400)
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} {'day' if days == 1 else 'days'}{f' {hours % 24} h' if hours % 24 else ''}"


def work(minutes: float) -> str:
    """An amount of work; hours of it are no days of 24 hours: "45 min", "30 h (3.8 working days of 8 h)"."""
    return work_words(minutes)


def seconds_left(moment: datetime) -> float:
    """Until a moment that the database set: by the real clock, not by one that was set for a demonstration."""
    return (moment - datetime.now(UTC)).total_seconds()
