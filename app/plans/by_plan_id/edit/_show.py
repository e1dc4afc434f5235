"""The editor of a plan that waits for its start, as it is shown after a click or by itself."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, get_args
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from agents.estimates import estimate_tree, usd_per_call_of
from agents.tools.tool import AnyTool
from app._view import words
from app._view.graph import draw
from app._view.sequence import parts_of, sequence_of, walk
from app.house import House
from app.plans import _words
from app.plans.by_plan_id.edit._task_form import RISKS, TaskForm, form_of_task
from app.seen import house_of
from app.templating import render
from core.database import Caller
from tasks.day_plans import list_worked_tasks
from tasks.functions import TaskNode
from tasks.models import Priority
from tasks.plans import PlanTree

DEEPEST = 3  # what lies deeper is drawn no further in


async def show(
    request: Request,
    caller: Caller,
    found: PlanTree,
    *,
    typed: TaskForm | None = None,
    problem: str = "",
    saved: str = "",
    status_code: int = 200,
) -> Response:
    """The whole editor. `typed` is a form that was not taken, with what is wrong; it stays open."""
    house: House = house_of(request)
    tools = known_tools(house)
    tree = found.tree
    order = sequence_of(tree)
    rows = list(_in_order(tree, {key: number for number, key in enumerate(order.plan.order)}))
    tasks = [task for task, _ in rows]
    forms = {str(task.id): form_of_task(task, tools) for task in tasks}
    if typed is not None and typed.key in forms:
        forms[typed.key] = typed
    return render(
        request,
        "plans/by_plan_id/edit/page.html",
        status_code=status_code,
        plan=found.plan,
        tree=tree,
        rows=rows,
        minutes={task.id: _minutes(task) for task in tasks},
        forms=forms,
        new=typed if typed is not None and typed.is_new else TaskForm(),
        open_key=typed.key if typed is not None else "",
        titles={str(task.id): task.title for task in tasks},
        critical=set(order.plan.critical_path),
        estimate=asdict(await _estimate(house, caller, tree)),
        graph=draw(tree, order, lambda task: f"#task-{task.id}", is_deep=True),
        tools=await _choices(house, caller, tools),
        descriptions={name: tool.description for name, tool in tools.items()},
        types=list(words.TYPE.items()),
        risks=[(one, one) for one in RISKS],
        priorities=[(one, one) for one in get_args(Priority)],
        failures=list(_words.ON_FAILURE.items()),
        may_depend=_may_depend(tasks),
        saved=saved,
        problem=problem,
        plan_words=_words,
        words=words,
    )


def _in_order(tree: TaskNode, places: Mapping[UUID, int], depth: int = 0) -> Iterator[tuple[TaskNode, int]]:
    """Each task with how deep it lies: what is above it first, and among those side by side what comes first."""

    def first(part: TaskNode) -> int:
        return min(places.get(one.id, len(places)) for one in (part, *walk(part)))

    for part in sorted(parts_of(tree), key=first):
        yield part, min(depth, DEEPEST)
        yield from _in_order(part, places, depth + 1)


def _minutes(task: TaskNode) -> int:
    """The work of a task, or that of what is below it."""
    return sum(one.estimated_duration_minutes or 0 for one in walk(task) if not parts_of(one)) or (
        task.estimated_duration_minutes or 0
    )


def known_tools(house: House) -> Mapping[str, AnyTool]:
    """The tools of this house by name, also those that only the house itself plans."""
    return house.equipment.tools


async def _estimate(house: House, caller: Caller, tree: TaskNode) -> Any:
    thinking = house.thinking
    price = usd_per_call_of(thinking)
    return estimate_tree(
        tree,
        known_tools(house),
        has_model=thinking.is_model,
        usd_per_call=price,
        timezone=house.clock.timezone,
        cases=await list_worked_tasks(caller, house.clock.now()),
    )


async def _choices(house: House, caller: Caller, tools: Mapping[str, AnyTool]) -> list[tuple[str, str]]:
    """The tools that a plan may name, each with what is missing before it can be used."""
    providers = await house.equipment.outside.providers(caller)
    found = [("", "no tool: whoever does it decides how")]
    for name, tool in sorted(tools.items()):
        if not tool.may_be_planned:
            continue
        lacking = tool.missing(lambda need: house.equipment.outside.lacks(need, providers))
        found.append((name, f"{name} (not connected)" if lacking else name))
    return found


def _may_depend(tasks: list[TaskNode]) -> dict[str, list[tuple[str, str]]]:
    """For each task the others that it can wait for: not itself, what is above it or below it."""
    below = {task.id: {one.id for one in walk(task)} for task in tasks}
    found = {
        str(task.id): [
            (str(one.id), one.title)
            for one in tasks
            if one.id != task.id and one.id not in below[task.id] and task.id not in below[one.id]
        ]
        for task in tasks
    }
    found["new"] = [(str(one.id), one.title) for one in tasks]
    return found


def task_of(found: PlanTree, task_id: UUID | None) -> TaskNode | None:
    """A task of the plan that counts."""
    return next((task for task in walk(found.tree) if task.id == task_id), None)
