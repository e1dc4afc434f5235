"""From an objective to a plan: a model asked once, with the fitting playbook as its starting point, or the playbook alone."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

from agents.notes import Note
from agents.objective import GATE, MOST_CRITERIA, PlannedObjective, PlannedTask
from agents.plan_checks import problem_of_plan
from agents.playbooks.choosing import Fit, fitting
from agents.playbooks.filling import Situation, fill, with_report
from agents.rules.workflows import projects
from agents.strategist import fenced
from agents.thinking import Question, Thinking, load_prompt

PROMPT = load_prompt(Path(__file__).parent / "objective.md")
SURE = 0.6  # below it, a person looks at the plan before anything is done, until a tenant's own outcomes say otherwise
BY_TEMPLATE, BY_NOTHING = 0.55, 0.45
TEMPLATES = {"hiring", "trip", "move"}  # for the others there are playbooks


async def plan_objective(
    situation: Situation,
    *,
    now: datetime,
    thinking: Thinking,
    listed: str = "",
    notes: Sequence[Note] = (),
) -> PlannedObjective:
    """The plan of an objective; its last task is the report. Raises what `Thinking.answer` raises.

    `listed` are the plannable tools in words; `notes` what else the planner is to know.
    """
    fit = fitting(situation.objective, situation.context.domain)
    constraints = situation.context.constraints
    question = Question(
        "objective",
        [PROMPT],
        describe(situation, fit, notes, listed, now),
        [PlannedObjective],
        check=lambda answer: problem_of_plan(cast(PlannedObjective, answer), constraints, situation.tools),
        size="large",
    )
    planned = cast(PlannedObjective, await thinking.answer(question, lambda: plan_by_rules(situation, fit)))
    if thinking.is_model:
        planned = _of_model(planned, situation)
    return planned.model_copy(update={"tasks": with_report(planned.tasks, german=situation.is_german)})


def plan_by_rules(situation: Situation, fit: Fit | None) -> PlannedObjective:
    """The playbook that fits, else the plain template of a project. Without the report."""
    if fit is None:
        return _plain(situation)
    tasks = fill(fit.playbook, situation)
    by_hand = sum(task.execution_type == "manual" for task in tasks)
    message = f"Made from the playbook {fit.playbook.title}, chosen by {fit.why}; {by_hand} of {len(tasks)} tasks are a person's"
    return PlannedObjective(tasks=tasks, confidence=fit.confidence, message=message, playbook=fit.playbook.name)


def _plain(situation: Situation) -> PlannedObjective:
    name, parts = next(
        (
            (name, parts)
            for name, words, parts in projects.TEMPLATES
            if name in TEMPLATES and words.search(situation.objective)
        ),
        ("", projects.ANYTHING),
    )
    gate = next((place for place, part in enumerate(parts) if part == projects.ANYTHING[4]), None)
    limited = len(parts) - 1 if gate is None else gate
    kept = [situation.worded("Kept: ") + one for one in situation.context.constraints][:MOST_CRITERIA]
    tasks = [
        PlannedTask(
            key=f"part_{place + 1}",
            title=deutsch if situation.is_german else english,
            kind=kind,
            execution_type="fully_automated" if place == gate else execution_type,
            priority=situation.context.priority,
            depends_on=list(depends_on),
            estimated_duration_minutes=minutes,
            tool=GATE if place == gate else None,
            tool_input={"question": f"{situation.values.get('subject', '')}?"} if place == gate else {},
            acceptance_criteria=kept if place == limited else [],
            on_failure="stop" if place == gate else "replan",
        )
        for place, (english, deutsch, kind, execution_type, depends_on, minutes) in enumerate(parts)
    ]
    return PlannedObjective(
        tasks=tasks,
        confidence=BY_TEMPLATE if name else BY_NOTHING,
        message=f"Made from {'the template ' + name if name else 'the plain template of a project'}: no playbook fits",
    )


def _of_model(planned: PlannedObjective, situation: Situation) -> PlannedObjective:
    """A model's plan as the house takes it: keys for all, gates that are never gone on without, less sure where a constraint gives way."""
    tasks = [
        task.model_copy(
            update={
                "key": task.key or f"task_{place + 1}",
                "on_failure": "replan" if task.tool == GATE else task.on_failure,
                "risk": task.risk,
            }
        )
        for place, task in enumerate(planned.tasks)
    ]
    confidence = min(planned.confidence, SURE - 0.1) if planned.impossible else planned.confidence
    fit = fitting(situation.objective, situation.context.domain)
    name = fit.playbook.name if fit else None
    return planned.model_copy(update={"tasks": tasks, "confidence": confidence, "playbook": name})


def reason_to_wait(planned: PlannedObjective, sure: float = SURE) -> str | None:
    """Why a person looks at a plan before it starts; None where nothing speaks against it. `sure`: from there on it starts."""
    if planned.impossible:
        return f"Not every constraint can be kept: {'; '.join(planned.impossible)}"
    if planned.confidence < sure:
        return f"The plan is not sure enough ({planned.confidence:.0%}) to start by itself. {planned.message}".strip()
    return None


def describe(situation: Situation, fit: Fit | None, notes: Sequence[Note], listed: str, now: datetime) -> str:
    """The objective with all that belongs to it, in words for a model; what others wrote is fenced."""
    context = situation.context
    lines = [f"Now: {now.isoformat()} ({now:%A})", f"Objective: <material>\n{situation.objective}\n</material>"]
    lines.append(f"Priority: {context.priority}")
    if context.domain:
        lines.append(f"Domain: {context.domain}")
    if context.deadline:
        lines.append(f"Deadline: {context.deadline.isoformat()}")
    lines += [f"Stakeholder: {one}" for one in context.stakeholders]
    lines += [f"Constraint: {one}" for one in context.constraints]
    lines += [f"Resource {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in context.resources.items()]
    if context.notes:
        lines.append(f"Notes: <material>\n{context.notes}\n</material>")
    for note in notes:
        lines.append(
            f"Notes ({note.name}):\n" + (f"<material>\n{note.text}\n</material>" if note.is_own else fenced(note.text))
        )
    if fit is not None:
        lines.append(f"Playbook {fit.playbook.title}, chosen by {fit.why}:")
        lines += [_in_words(task) for task in fill(fit.playbook, situation)]
    return "\n".join(lines) + (f"\n\n{listed}" if listed else "")


def _in_words(task: PlannedTask) -> str:
    tool = f", tool {task.tool} {json.dumps(task.tool_input, ensure_ascii=False)}" if task.tool else ""
    after = f", after {task.depends_on}" if task.depends_on else ""
    return f"- {task.key}: {task.title} ({task.execution_type}, {task.assignee_role}, risk {task.risk}{tool}{after})"
