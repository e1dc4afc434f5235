"""The replanner: a part of a plan has failed for good; what now? Another approach, other parts, without it, or a person.

It never touches finished work, and a person's no is not planned around: a gate that was rejected or not decided is
never skipped, and what replaces it ends in the same gate.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, Field

from agents.planner import as_rows, problem_of
from agents.strategist import PlannedSubtask, fenced
from agents.thinking import Question, Thinking, load_prompt
from agents.tools.tool import AnyTool
from tasks.functions import TaskNode
from tasks.models import Task
from tasks.trees import PlanDecision, PlannedChange

PROMPT = load_prompt(Path(__file__).parent / "replanner.md")
GATE = "approval_gate"


class AnotherApproach(BaseModel):
    """One other part in the place of the failed one, that reaches the same end on another way."""

    reason: str = Field(min_length=1)
    part: PlannedSubtask


class OtherSubtasks(BaseModel):
    """Several parts in the place of the failed one. `depends_on`: positions in this list, from 0."""

    reason: str = Field(min_length=1)
    parts: list[PlannedSubtask] = Field(min_length=2, max_length=8)


class Skip(BaseModel):
    """The plan reaches its end without this part."""

    reason: str = Field(min_length=1)


class Escalate(BaseModel):
    """Only a person can decide what now."""

    reason: str = Field(min_length=1)


async def replan(
    parent: Task,
    failed: Task,
    siblings: TaskNode,
    *,
    now: datetime,
    thinking: Thinking,
    tools: Mapping[str, AnyTool] | None = None,
    listed: str = "",
) -> PlannedChange:
    """What to do about one failed part. Raises what `Thinking.answer` raises.

    `tools` are those that other parts may name, `listed` the same in words for the model.
    """
    outputs = [
        name
        for part in _before(failed, siblings)
        for name in (part.title, str(part.source_ref.get("key") or part.title))
    ]

    def check(answer: BaseModel) -> str | None:
        match answer:
            case Skip() if failed.tool == GATE:
                return "a person's decision is missing: it cannot be skipped"
            case AnotherApproach():
                return problem_of([answer.part], tools, outputs)
            case OtherSubtasks():
                return problem_of(answer.parts, tools, outputs)
            case _:
                return None

    words = describe(parent, failed, siblings, now)
    question = Question(
        "replan",
        [PROMPT],
        f"{words}\n\n{listed}" if listed else words,
        [AnotherApproach, OtherSubtasks, Skip, Escalate],
        check=check,
    )
    return planned(failed, await thinking.answer(question, lambda: decide_by_rules(failed)))


def _before(failed: Task, siblings: TaskNode) -> list[TaskNode]:
    """The parts that were over before the failed one began: what takes its place may use what they gave."""
    parts = {part.id: part for part in siblings.children}
    found: dict[UUID, TaskNode] = {}
    waiting = [failed.id]
    while waiting:
        part = parts.get(waiting.pop())
        for need in part.depends_on if part else []:
            if need in parts and need not in found:
                found[need] = parts[need]
                waiting.append(need)
    return list(found.values())


def decide_by_rules(failed: Task) -> Escalate:
    """Without a model nobody invents another way: a person is asked, and told what was tried."""
    tries = f" after {failed.retry_count + 1} tries" if failed.retry_count else ""
    return Escalate(reason=f"It failed{tries}: {failed.failure_reason or 'no reason given'}")


def planned(failed: Task, answer: BaseModel) -> PlannedChange:
    """The answer as a change of the plan."""
    decision: PlanDecision = "escalate"
    parts: list[PlannedSubtask] = []
    match answer:
        case AnotherApproach():
            decision, parts = "another_approach", [answer.part]
        case OtherSubtasks():
            decision, parts = "other_subtasks", answer.parts
        case Skip():
            decision = "skip"
        case _:
            pass
    rows = as_rows(parts)
    if rows and failed.tool == GATE:
        rows.append(_same_gate(failed, after=len(rows)))
    return PlannedChange(failed_task_id=failed.id, decision=decision, reason=getattr(answer, "reason", ""), tasks=rows)


def _same_gate(failed: Task, *, after: int) -> dict[str, object]:
    """The gate again, as it was, after as many other parts."""
    kept = {"title", "description", "kind", "tool", "tool_input", "priority", "assignee_role", "acceptance_criteria"}
    kept |= {"estimated_duration_minutes", "on_failure"}
    gate = failed.model_dump(mode="json", include=kept, exclude_none=True)
    return {**gate, "execution_type": "fully_automated", "depends_on": list(range(after))}


def describe(parent: Task, failed: Task, siblings: TaskNode, now: datetime) -> str:
    """The state of the plan in words for a model."""
    lines = [
        f"Now: {now.isoformat()} ({now:%A})",
        f"Plan: {parent.title}",
        f"Failed part: {failed.title} (kind {failed.kind}, {failed.execution_type}, tool {failed.tool or 'none'})",
        f"Why it failed, after {failed.retry_count + 1} tries: {fenced(failed.failure_reason or 'no reason given')}",
    ]
    if failed.description:
        lines.append(f"What it was to do: {fenced(failed.description)}")
    if failed.tool == GATE:
        lines.append("It is a person's decision: what they said is why it failed, and what you plan has to answer it.")
    lines += [f"Acceptance criterion: {criterion}" for criterion in failed.acceptance_criteria]
    for part in siblings.children:
        waits = " and waits for the failed part" if failed.id in part.depends_on else ""
        if part.id != failed.id:
            lines.append(f"Other part: {part.title} ({part.execution_status}){waits}")
    lines.append(f"Times this plan was changed already: {parent.replan_count}")
    return "\n".join(lines)
