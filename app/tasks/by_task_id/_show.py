"""The page of one task, as it is shown after a click or by itself."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from agents.permitting import in_words
from app._view import tree as trees_view
from app._view import words
from app._view.bounds import bounds_of
from app._view.graph import draw
from app._view.links import hanging_on
from app._view.log import log_of
from app._view.people import people_of
from app._view.sequence import parts_of, replaced_parts, sequence_of, walk
from app._view.tables import result_of, rows_of
from app._view.worker import waits_for_worker
from app.agents import _words as agent_words
from app.review._show import soonest_held, switched_off_now
from app.seen import house_of
from app.tasks.by_task_id._agents import agent_side
from app.tasks.by_task_id._duration import duration_line
from app.tasks.by_task_id._later import later_of
from app.templating import render
from core.database import Caller
from tasks import functions, review, steps, trees
from tasks.drafts import Approval
from tasks.events import list_task_events
from tasks.functions import TaskNode
from tasks.models import Task

EVENTS_READ = 1000  # of a root's whole tree; its changes of state are in its own log in any case


async def show(
    request: Request,
    caller: Caller,
    task_id: UUID,
    problem: str | None = None,
    status_code: int = 200,
    switched_off: UUID | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """The whole page; `problem` says why the last click did nothing, `typed` what it came with, `switched_off` which permission it switched off."""
    task, tree = await asyncio.gather(functions.get_task(caller, task_id), functions.get_task_tree(caller, task_id))
    drafts, events, journal, links, bounds, side = await asyncio.gather(
        review.list_drafts(caller, task_id=task_id, limit=20),
        list_task_events(caller, task_id, 0, EVENTS_READ),
        steps.list_steps(caller, task_id),
        trees.list_dependencies(caller, task_id),
        trees.get_tree_bounds(caller, task_id),
        agent_side(caller, tree, house_of(request).settings),
    )
    above = await _above(caller, task)
    changes = await trees.list_plan_changes(caller, bounds.root_task_id)
    held = (await review.list_approvals(caller, held=True, limit=200)).items
    gate = await _gate(caller, task, held)
    paused_above = next((one for one in above if one.paused_at is not None), None)
    return render(
        request,
        "tasks/by_task_id/page.html",
        status_code=status_code,
        task=task,
        above=above,
        drafts=drafts.items,
        log=log_of(task, events, side.names, people_of(request)),
        side=side,
        agent_words=agent_words,
        agent_names=side.names,
        typed=typed or {},
        real_now=datetime.now(UTC),
        steps=journal,
        links=links,
        others=await _others(caller, task, links),
        gate=gate,
        leaving=_leaving(task, tree, [one for one in held if gate is None or one.id != gate.id]),
        bounds=bounds_of(bounds, tree) if task.parent_task_id is None else [],
        root_id=bounds.root_task_id,
        paused_above=paused_above,
        paused=trees_view.paused_of(tree, is_paused=paused_above is not None),
        hanging=await hanging_on(caller, task, links),
        changes=trees_view.changes_below(changes, tree),
        change_of={change.failed_task_id: change for change in changes},
        result=result_of(task),
        rows=rows_of(task),
        actions=actions_of(tree, above[-1] if above else None, links)
        - ({"execute"} if any(step.state == "uncertain" for step in journal) else set()),
        words=words,
        duration=await duration_line(caller, task, house_of(request).clock.now()),
        later=await later_of(caller, task, house_of(request).clock),
        problem=problem,
        no_worker=await waits_for_worker(request, [task]),
        off=await switched_off_now(caller, switched_off),
        in_words=in_words,
        view=trees_view,
        **_of_tree(tree),
    )


def _of_tree(tree: TaskNode) -> dict[str, Any]:
    found = sequence_of(tree)
    return {
        "tree": tree,
        "parts": parts_of(tree),
        "replaced": replaced_parts(tree),
        "tasks_by_id": {part.id: part for part in walk(tree)},
        "titles": trees_view.titles_of(tree),
        "states": trees_view.states_of(tree),
        "progress": trees_view.progress_of(tree),
        "needs": trees_view.needs_of(tree),
        "waits": trees_view.waits_of(tree),
        "sequence": found,
        "graph": draw(tree, found),
    }


async def _above(caller: Caller, task: Task) -> list[Task]:
    """The tasks above a task, the root first."""
    found: list[Task] = []
    while task.parent_task_id is not None:
        task = await functions.get_task(caller, task.parent_task_id)
        found.insert(0, task)
    return found


async def _others(caller: Caller, task: Task, links: trees.Dependencies) -> list[TaskNode]:
    """What a part that has not begun could be made to wait for."""
    if task.parent_task_id is None or task.execution_status not in {"pending", "queued"}:
        return []
    parent = await functions.get_task_tree(caller, task.parent_task_id)
    linked = {task.id, *(link.id for link in (*links.depends_on, *links.dependents))}
    return [part for part in parts_of(parent) if part.id not in linked]


async def _gate(caller: Caller, task: Task, held: list[Approval]) -> Approval | None:
    """What the task asks, or does by itself in a moment by a permission."""
    if task.blocked_on == "delay":
        found = held
    elif task.blocked_on == "approval":
        found = (await review.list_approvals(caller, states=["open"], limit=200)).items
    else:
        return None
    return next((approval for approval in found if approval.task_id == task.id), None)


def _leaving(task: Task, tree: TaskNode, held: list[Approval]) -> list[Approval]:
    """What leaves by a permission, of the task and its parts, or by the task that only sends it."""
    ids = {task.id, *(part.id for part in walk(tree))}
    sends = str(task.tool_input.get("draft_id") or "") if review.belongs_to_draft(task) else ""
    return soonest_held([one for one in held if one.task_id in ids or (one.draft_id and str(one.draft_id) == sends)])


def actions_of(task: TaskNode, parent: Task | None, links: trees.Dependencies) -> set[str]:
    """The buttons that do something now."""
    state, waits_for = task.execution_status, task.blocked_on
    found: set[str] = set()
    is_held = any(link.execution_status not in trees_view.ENDED for link in links.depends_on)
    if (state == "pending" and not is_held) or (
        state == "blocked" and waits_for in {"person", "model", "bounds", "account", "start", None}
    ):
        found.add("execute")
    if state in {"pending", "queued", "in_progress", "blocked", "paused"}:
        found.add("cancel")
        is_open_below = any(part.execution_status not in trees_view.ENDED for part in parts_of(task))
        if (
            waits_for not in {"approval", "agent", "reply"}
            and not task.ends_by_itself
            and (state == "pending" or not is_open_below)
        ):
            found.add("done")
        found.add("resume" if task.paused_at else "pause")
    if state == "failed" and task.superseded_at is None:
        found.add("retry")
    if task.may_be_reopened and (parent is None or parent.execution_status not in trees_view.ENDED):
        found.add("reopen")
    is_part_of_living = parent is not None and parent.execution_status not in trees_view.ENDED
    if state in {"failed", "cancelled"} and is_part_of_living and not (task.superseded_at or task.waived_at):
        found.add("waive")
    if state != "in_progress":
        found.add("delete")
    return found
