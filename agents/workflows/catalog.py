"""The catalogue of workflows: one for each kind of task."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from agents.rules.workflows import (
    action_items,
    agenda,
    brief,
    by_person,
    email,
    follow_up,
    meeting_summary,
    needs_model,
    outline,
    projects,
    reply,
    report,
    schedule,
    spreadsheet,
    summary,
)
from agents.strategist import Blocked, Decompose, Immediate, TaskContext
from agents.thinking import Prompt, load_prompt
from tasks.kinds import kind_words
from tasks.models import Task

Rules = Callable[[TaskContext, datetime], Immediate | Decompose | Blocked]
WithoutModel = Literal["made", "waits", "person"]
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Workflow:
    """How one kind of task is done. `prompt` names the guidance file without its ending."""

    kind: str
    description: str
    prompt: str
    rules: Rules

    @property
    def name(self) -> str:
        """What the kind is called, as a heading."""
        words = kind_words(self.kind)
        return words[:1].upper() + words[1:]

    @property
    def prompts(self) -> Sequence[Prompt]:
        return [load_prompt(HERE / f"{self.prompt}.md")]

    @property
    def is_by_person(self) -> bool:
        """Is it always a person who does it? A model then says why, and what would help."""
        return self.prompt == "person"

    @property
    def without_model(self) -> WithoutModel:
        """What comes of it without a language model: the built-in rules make it, it waits for a model, or it is left to a person."""
        if self.rules is by_person.decide:
            return "person"
        return "waits" if self.rules is needs_model.decide else "made"

    def decide_by_rules(self, context: TaskContext, now: datetime) -> Immediate | Decompose | Blocked:
        """What the built-in rules answer. Manual tasks are a person's; feedback is not pretended to be understood."""
        if context.task.execution_type == "manual":
            return by_person.decide(context, now)
        if context.feedback:
            return needs_model.for_feedback(context.feedback)
        title = " ".join(context.task.title.split())  # also keeps the patterns from trying every run of spaces
        return self.rules(replace(context, task=context.task.model_copy(update={"title": title})), now)


WORKFLOWS: dict[str, Workflow] = {
    workflow.kind: workflow
    for workflow in (
        Workflow("email", "Drafts a mail from what the task says", "email", email.decide),
        Workflow("reply", "Drafts an answer in a mail thread", "reply", reply.decide),
        Workflow("message", "Prepares a message for a chat", "message", by_person.decide),
        Workflow(
            "meeting_summary", "Decisions, actions and open questions", "meeting_summary", meeting_summary.decide
        ),
        Workflow("agenda", "The points of a meeting, each with its source", "agenda", agenda.decide),
        Workflow("brief", "Who comes from outside, and what is open with them", "brief", brief.decide),
        Workflow("follow_up", "What a meeting left to whom, and a mail about it", "follow_up", follow_up.decide),
        Workflow("summary", "Shortens a text to what matters", "summary", summary.decide),
        Workflow("action_items", "Who does what until when", "action_items", action_items.decide),
        Workflow("report", "Reports from the known tasks", "report", report.decide),
        Workflow("outline", "The skeleton of a text or an agenda", "outline", outline.decide),
        Workflow("document", "Writes a text", "document", needs_model.decide),
        Workflow("translation", "Translates a text", "translation", needs_model.decide),
        Workflow("rewriting", "Rewrites a text as asked", "rewriting", needs_model.decide),
        Workflow("spreadsheet", "Makes a table as CSV", "spreadsheet", spreadsheet.decide),
        Workflow("schedule", "Proposes a time by mail", "schedule", schedule.decide),
        Workflow("project", "Breaks a big task into parts", "project", projects.decide),
        Workflow("research", "A person finds it out", "person", by_person.decide),
        Workflow("purchase", "A person buys", "person", by_person.decide),
        Workflow("payment", "A person pays", "person", by_person.decide),
        Workflow("call", "A person calls", "person", by_person.decide),
        Workflow("errand", "Only a person can do it", "person", by_person.decide),
    )
}  # fmt: skip


def workflow_for(task: Task) -> Workflow:
    """The workflow of a task's kind; of an errand where the kind is not known."""
    return WORKFLOWS.get(task.kind, WORKFLOWS["errand"])
