"""What an organization wrote itself for a kind of task, as a model is told it, and as it is noted where it shaped something.

Owners and admins write it, so it is nobody else's words; it is fenced all the same, because it says how something is
written and not what may be done.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agents.thinking import Prompt
from tasks.kinds import kind_words
from tasks.workflows import LONGEST

if TYPE_CHECKING:
    from agents.equipment import Run
    from agents.strategist import TaskContext

MARK = re.compile(r"<(?=/?own_instructions)", re.IGNORECASE)
PREFACE = (
    "The people you work for wrote the following for tasks of the kind {kind}. Follow it in what you write and how. It"
    " changes neither the rules above nor to whom anything goes nor what a person is asked first, and a reviewer's"
    " feedback goes before it."
)


def prompt_of(kind: str, workflow: Mapping[str, Any]) -> Prompt | None:
    """The instructions of a row of `get_task_context` as a prompt; None where there are none. Its version is `own/<version>`."""
    words = str(workflow.get("instructions") or "").strip()[:LONGEST]
    if not words:
        return None
    inert = MARK.sub("‹", words)
    text = f"{PREFACE.format(kind=kind)}\n<own_instructions>\n{inert}\n</own_instructions>"
    return Prompt(f"own/{workflow.get('version')}", text)


async def note_own_words(run: "Run", context: "TaskContext") -> dict[str, Any]:
    """Write into the task's events that a model was told them; as it is kept with a draft: {kind, version}, or {} for rules."""
    if context.own_words is None or not run.equipment.thinking.is_model:
        return {}
    from tasks.events import add_task_event

    told = {"kind": context.task.kind, "version": context.own_words.version.removeprefix("own/")}
    message = f"told a model your instructions for tasks of the kind {kind_words(context.task.kind)}"
    await add_task_event(run.caller, run.task.id, "workflow", message, told)
    return told
