"""The page of one stage of a document, as it is shown after a click or by itself."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from agents.playbooks.document.catalog import stages
from agents.playbooks.document.execution import EditPreview
from agents.playbooks.document.stage import Stage
from app._view import words
from app._view.schema_fields import FormField, fields_of
from app._view.sequence import parts_of, walk
from app.plans import _words
from app.plans.by_plan_id._lacking import lacking_of, without_model
from app.plans.by_plan_id._report import markdown_of
from app.seen import house_of
from app.templating import render
from core.database import Caller
from core.errors import NotFound
from tasks import functions, plans, steps
from tasks.functions import TaskNode
from tasks.plans import PlanTree

BEGUN = {"in_progress", "paused", "blocked", "completed", "failed", "cancelled"}
ENDED = {"completed", "failed", "cancelled", "blocked"}


async def show(
    request: Request,
    caller: Caller,
    found: PlanTree,
    stage_id: str,
    *,
    fields: list[FormField] | None = None,
    touched: EditPreview | None = None,
    problem: str = "",
    status_code: int = 200,
) -> Response:
    """The whole page. `fields` are what a person typed, with what is wrong, or `touched` by it; the editor stays open. NotFound for no stage of this plan."""
    stage, task = stage_of(found, stage_id)
    sections = {one.stage: one for one in await plans.list_plan_sections(caller, found.plan.id)}
    section = sections.get(stage_id)
    journal = await steps.list_steps(caller, task.id)
    whole = await functions.get_task(caller, task.id)
    lacking = lacking_of(found.tree, has_model=house_of(request).thinking.is_model)
    tasks = {str(part.source_ref.get("key")): part for part in parts_of(without_model(found.tree, lacking))}
    output = section.output if section else None
    return render(
        request,
        "plans/by_plan_id/stages/by_stage/page.html",
        status_code=status_code,
        plan=found.plan,
        tree=found.tree,
        state=words.state(tasks[stage_id]),
        is_lacking=task.id in lacking,
        stage=stage,
        task=task,
        section=section,
        output=output,
        output_json=json.dumps(output, ensure_ascii=False, indent=2),
        text=markdown_of(section) if section else "",
        reads=[stages()[name] for name in stage.read_stages if name in tasks],
        builds=[stages()[name] for name in stages() if stage_id in stages()[name].read_stages and name in tasks],
        again=redone(found, task),
        evidence=whole.evidence,
        states={name: words.state(part) for name, part in tasks.items()},
        steps=journal,
        fields=fields if fields is not None else fields_of(schema_of(stage), output or {}),
        is_editing=fields is not None,
        touched=touched,
        groups=await _groups(caller, touched),
        may_rerun=may_rerun(found, task),
        group=_words.GROUP.get(stage.group, stage.group),
        around=_around(stage_id, list(tasks)),
        problem=problem,
        plan_words=_words,
        words=words,
    )


async def _groups(caller: Caller, touched: EditPreview | None) -> dict[UUID, set[UUID]]:
    """Of each execution that an edit reaches the tasks that have parts: its page does not count them."""
    reached = [one.plan_id for one in touched.executions if one.diff is None] if touched else []
    trees = {plan_id: (await plans.get_plan(caller, plan_id)).tree for plan_id in reached}
    return {plan_id: {part.id for part in walk(tree) if parts_of(part)} for plan_id, tree in trees.items()}


def stage_of(found: PlanTree, stage_id: str) -> tuple[Stage[Any], TaskNode]:
    """A stage with its task in this plan. Raises NotFound."""
    task = next((part for part in parts_of(found.tree) if part.source_ref.get("key") == stage_id), None)
    if stage_id not in stages() or task is None:
        raise NotFound("This plan has no such stage", detail=stage_id[:100])
    return stages()[stage_id], task


def schema_of(stage: Stage[Any]) -> Mapping[str, Any]:
    """The JSON Schema of a stage's section."""
    return stage.form.model_json_schema()


def redone(found: PlanTree, task: TaskNode) -> list[TaskNode]:
    """What is written again after a stage: all that depend on it, near or far, and have begun."""
    parts = parts_of(found.tree)
    later = {task.id}
    for _ in parts:
        more = {part.id for part in parts if later & set(part.depends_on)} - later
        if not more:
            break
        later |= more
    return [part for part in parts if part.id in later and part.id != task.id and part.execution_status in BEGUN]


def may_rerun(found: PlanTree, task: TaskNode) -> bool:
    """Can the stage be written again now?"""
    return task.execution_status in ENDED and found.plan.state not in {"failed", "cancelled"}


def _around(stage_id: str, names: list[str]) -> tuple[Stage[Any] | None, Stage[Any] | None]:
    """The stages before and after this one, in the order of the plan's tabs."""
    places = {name: number for number, name in enumerate(_words.GROUP)}
    known = sorted((name for name in stages() if name in names), key=lambda name: places.get(stages()[name].group, 99))
    at = known.index(stage_id)
    before: Iterator[str] = iter(known[at - 1 : at] if at else [])
    after: Iterator[str] = iter(known[at + 1 : at + 2])
    first, second = next(before, None), next(after, None)
    return (stages()[first] if first else None), (stages()[second] if second else None)
