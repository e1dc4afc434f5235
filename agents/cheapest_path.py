"""The cheapest path first: what the rules are sure of is asked of no model, and tools are offered where one could help."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from agents.checker import check
from agents.strategist import Blocked, Decompose, Immediate, TaskContext

FROM_A_TEXT = {"translation", "rewriting", "summary", "action_items", "meeting_summary"}


def is_sure(
    by_rules: Callable[[], Immediate | Decompose | Blocked], context: TaskContext, now: datetime, least: float | None
) -> bool:
    """Are the rules sure enough of their answer that no model need be asked? Never of what they cannot judge or check."""
    told = (context.feedback, context.guidance, context.own_words, context.task.acceptance_criteria, context.notes)
    if least is None or any(told):
        return False
    answer = by_rules()
    if isinstance(answer, Immediate):
        return answer.confidence >= least and not check(answer, context, now)
    return isinstance(answer, Blocked) and context.task.execution_type == "manual" and not answer.needs_model


def may_want_tools(context: TaskContext) -> bool:
    """Could a tool help? Not with what only a person does, nor where a text that is there is put into another form."""
    task = context.task
    if task.execution_type == "manual":
        return False
    has_text = bool(task.description or context.thread or context.notes or any(text for _, text in context.outputs))
    return not (has_text and task.kind in FROM_A_TEXT)


def with_material(context: TaskContext) -> TaskContext:
    """For the rules: a task without material works on the person's own notes."""
    own = "\n\n".join(note.text for note in context.notes if note.is_own)
    if context.task.description or not own:
        return context
    return replace(context, task=context.task.model_copy(update={"description": own}))
