"""What the built-in rules cannot do, said plainly, with the setting that would change it."""

from datetime import datetime

from agents.strategist import Blocked, TaskContext
from agents.thinking import ADD_A_MODEL, NEEDS_MODEL

WORK = {
    "document": "Writing a text",
    "translation": "Translating",
    "rewriting": "Rewriting a text",
    "report": "A report on something that is not in your tasks",
    "project": "Planning this",
    "spreadsheet": "This table",
}


def blocked(work: str) -> Blocked:
    """Blocked: `work` needs a language model."""
    return Blocked(
        reason=f"{work} {NEEDS_MODEL}",
        unblocked_by=ADD_A_MODEL,
        message="The built-in rules can't do this, and guess nothing",
        needs_model=True,
    )


def decide(context: TaskContext, now: datetime) -> Blocked:
    """Blocked on a model, in the words of the task's kind."""
    return blocked(WORK.get(context.task.kind, "This"))


def for_feedback(feedback: str) -> Blocked:
    """Blocked on a model: the feedback is not of a kind that rules can work in."""
    short = feedback if len(feedback) <= 80 else f"{feedback[:79]}…"
    return blocked(f"Working in “{short}”")
