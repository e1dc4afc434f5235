"""The first run of a plan that has an objective and no tasks yet: plans, and leaves the tasks in the database."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agents.equipment import Run
from agents.journal import insist
from agents.notes import Note, notes_of
from agents.objective import PlanContext, rows_of
from agents.objective_planner import SURE, plan_objective, reason_to_wait
from agents.planner import arrange
from agents.playbooks.filling import Situation
from agents.provenance import taint
from agents.thinking import Thinking
from agents.toolbox import Toolbox, given_to
from agents.tools.tool import Outcome, Settled
from core.errors import NotFound
from tasks import model_calls, plans
from tasks.calibration import PLAN
from tasks.models import Taint, Task
from tasks.thresholds import threshold_of


def may_be_plan(task: Task) -> bool:
    """May this task be the root of a plan that has no tasks yet?"""
    return task.source == "plan" and task.parent_task_id is None and task.tool is None and not task.subtask_count


async def plan_root(run: Run, thinking: Thinking) -> Outcome | None:
    """Plan the objective of this root; None where it is no plan with an objective.

    Journaled: a run that comes again asks no model for what it has been answered. Raises NotesMissing, BudgetUsedUp, and
    what `Thinking.answer` raises.
    """
    try:
        plan = await plans.get_plan_progress(run.caller, run.task.id)
    except NotFound:
        return None
    if plan.kind != "objective":
        return None
    context = PlanContext.of(plan.request)
    situation, box = await situation_of(run, str(plan.request.get("objective") or run.task.title), context, thinking)
    notes = await _notes(run, context) if thinking.is_model else []
    from agents.telling import telling  # it brings the model library with it

    thinking = replace(thinking, on_text=telling(run))
    planned = await plan_objective(
        situation, now=run.equipment.clock.now(), thinking=thinking, listed=box.listed(), notes=notes
    )
    rows = rows_of(planned.tasks, arrange(planned.tasks).edges)
    wait_because = reason_to_wait(planned, await threshold_of(run.caller, PLAN, SURE))
    await insist(
        lambda: plans.save_plan_tasks(
            run.caller, run.task.id, rows, planned.message, planned.confidence, planned.playbook, wait_because
        )
    )
    return Settled()


async def situation_of(run: Run, objective: str, context: PlanContext, thinking: Thinking) -> tuple[Situation, Toolbox]:
    """What the plan is made for: the objective, and the tools whose services are connected."""
    shown: Mapping[str, Any] = await model_calls.get_model_context(run.caller, run.task.id)
    providers = await run.equipment.outside.providers(run.caller)
    box = Toolbox(run, given_to(shown.get("agent")), providers)
    outside, tools = run.equipment.outside, run.equipment.tools

    def lacks(name: str) -> str | None:
        tool = tools.get(name)
        return tool.missing(lambda need: outside.lacks(need, providers)) if tool else "there is no such tool here"

    context = context.model_copy(
        update={"priority": run.task.priority, "deadline": context.deadline or run.task.due_at}
    )
    return Situation(objective, context, box.plannable, lacks, thinking.is_model), box


async def _notes(run: Run, context: PlanContext) -> list[Note]:
    """The notes that the request names, and stored texts; what a model reads of them taints the plan."""
    shown: Mapping[str, Any] = await model_calls.get_model_context(run.caller, run.task.id)
    folder = run.equipment.thinking.notes_folder
    found: dict[str, Note] = {}
    for name in (*context.notes_files, run.task.notes_file):
        for note in await notes_of(name, folder, shown):
            found.setdefault(note.name, note)
    stored: list[Mapping[str, Any]] = shown.get("artifacts") or []
    tainted = {str(one["name"]) for one in stored if one.get("is_tainted")}
    read = [
        Taint(kind="notes" if note.is_own else "file", ref=note.name)
        for note in found.values()
        if note.is_own or note.name in tainted
    ]
    if read:
        await taint(run, *read[:50])
    return list(found.values())
