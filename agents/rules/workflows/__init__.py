"""What the built-in rules make of a task: a result from the words that are there, its parts, or an honest no."""

from collections.abc import Callable
from datetime import datetime

from agents.rules.workflows import mail, projects, texts
from agents.strategist import Blocked, Decompose, Immediate, TaskContext
from agents.thinking import ADD_A_MODEL, NEEDS_MODEL

Rule = Callable[[TaskContext, datetime], Immediate | Decompose | Blocked]


def needs_a_model(what: str) -> Blocked:
    """The honest answer where rules end."""
    return Blocked(
        reason=f"{what} {NEEDS_MODEL}",
        unblocked_by=ADD_A_MODEL,
        message="The built-in rules cannot do this",
        needs_model=True,
    )


def _for_a_person(reason: str, help_: str) -> Rule:
    return lambda context, now: Blocked(reason=reason, unblocked_by=help_, message="This is for a person")


def _needing_model(what: str) -> Rule:
    return lambda context, now: needs_a_model(what)


RULES: dict[str, Rule] = {
    "email": mail.write_mail,
    "reply": mail.write_reply,
    "schedule": mail.propose_time,
    "action_items": texts.action_items,
    "meeting_summary": texts.meeting_summary,
    "summary": texts.summary,
    "outline": texts.outline,
    "report": texts.report,
    "spreadsheet": texts.spreadsheet,
    "document": _needing_model("Writing this text"),
    "translation": _needing_model("A translation"),
    "rewriting": _needing_model("Rewriting a text"),
    "message": _for_a_person(
        "Posting a message requires a connected chat service, and none is connected",
        "Send the message yourself and tick this off",
    ),
    "project": projects.decompose,
    "research": _for_a_person(
        "Research requires access to the web, and none is connected", "Look it up and put what you find into the task"
    ),
    "purchase": _for_a_person(
        "Requires access to a procurement system or a shop", "Order it yourself and tick this off"
    ),
    "payment": _for_a_person(
        "Requires access to a payment system; paying is always yours", "Pay it yourself and tick this off"
    ),
    "call": _for_a_person("A call has to be made by a person", "Make the call and tick this off"),
}


def decide_by_rules(context: TaskContext, now: datetime) -> Immediate | Decompose | Blocked:
    """One of the three strategies for a task, without a model."""
    task = context.task
    rule = RULES.get(task.kind)
    if rule is None:
        return Blocked(
            reason="Only a person can do this", unblocked_by="Do it and tick it off", message="This is for a person"
        )
    if task.execution_type == "manual" and task.kind not in {"purchase", "payment", "call", "research"}:
        return Blocked(
            reason="This task is marked as yours to do",
            unblocked_by="Do it and tick it off, or change who does it",
            message="This is for a person",
        )
    if context.feedback and task.kind not in {"email", "reply"}:
        return needs_a_model("Working in your feedback")
    return rule(context, now)
