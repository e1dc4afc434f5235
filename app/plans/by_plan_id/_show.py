"""The page of one plan, as it is shown after a click or by itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from agents.estimates import estimate_tree, usd_per_call_of
from agents.permitting import in_words
from agents.playbooks.document.contents import WrittenAgain, written_again
from agents.playbooks.document.diff import ExecutionDiff
from agents.playbooks.document.execution import preview_diff
from agents.synthesizer import reason_of
from agents.times import with_times
from app._plans.acting import failed_parts
from app._view import tree as trees_view
from app._view import words
from app._view.graph import draw, task_page
from app._view.sequence import Sequence as Order
from app._view.sequence import parts_of, sequence_of, walk
from app._view.timeline import chart_of
from app._view.words import seconds_left
from app.house import House
from app.plans import _words
from app.plans._log import lines_of, newest_events
from app.plans.by_plan_id._lacking import ends_with, lacking_of, stalled_of, without_model
from app.plans.by_plan_id._report import report_for
from app.plans.by_plan_id._stages import stages_for
from app.review._show import switched_off_now
from app.seen import house_of
from app.templating import render
from core.database import Caller
from core.errors import Conflict, Invalid
from tasks import plan_links, plans
from tasks.agents import list_agents
from tasks.day_plans import list_worked_tasks
from tasks.drafts import Approval
from tasks.functions import TaskNode
from tasks.plans import PlanSummary, PlanTree

VIEWS = {"overview": "Overview", "tasks": "Tasks", "report": "Report and files", "record": "Numbers and decisions"}
OVER = {"completed", "failed", "cancelled"}


@dataclass(frozen=True)
class Asked:
    """Something that waits for a yes or no at a task of the plan. `is_gate`: it can be decided in place."""

    approval: Approval
    task: TaskNode | None
    is_gate: bool


async def show(
    request: Request,
    caller: Caller,
    plan_id: UUID,
    view: str = "",
    problem: str | None = None,
    status_code: int = 200,
    switched_off: UUID | None = None,
    unsaid: UUID | None = None,
) -> Response:
    """The whole page; `problem` says why the last click did nothing, `unsaid` is the question whose no has no reason. Raises Invalid for an unknown tab."""
    view = view or "overview"
    if view not in VIEWS:
        raise Invalid("There is no such tab", errors=[{"field": "view", "message": f"allowed: {', '.join(VIEWS)}"}])
    found = await plans.get_plan(caller, plan_id)
    plan, tree = found.plan, found.tree
    now = house_of(request).clock.now()
    metrics, off, executions, diff, more = await asyncio.gather(
        plans.get_plan_metrics(caller, plan_id),
        switched_off_now(caller, switched_off),
        _executions(caller, plan),
        _diff(caller, plan),
        _of_view(request, caller, found, view, now),
    )
    asked = asked_of(found)
    decided_in_place = {one.approval.task_id for one in asked}
    needs = [need for need in trees_view.needs_of(tree) if need.task.id not in decided_in_place]
    return render(
        request,
        "plans/by_plan_id/page.html",
        status_code=status_code,
        plan=plan,
        tree=tree,
        view_name=view,
        tabs={**VIEWS, "tasks": "Stages" if plan.kind == "document" else "Tasks"},
        here=f"/plans/{plan_id}" + (f"?view={view}" if view != "overview" else ""),
        gates=[one for one in asked if one.is_gate],
        reviews=[one for one in asked if not one.is_gate],
        leaving=_leaving(found.approvals),
        needs=needs if plan.state not in {"ready", "planning"} else [],
        waits=trees_view.waits_of(tree),
        progress=trees_view.progress_of(tree),
        paused=trees_view.paused_of(tree),
        metrics=with_times(metrics, tree),
        stalled=stalled_of(tree),
        executions=executions,
        diff=diff,
        actions=actions_of(found),
        lacking=lacking_of(tree, has_model=house_of(request).thinking.is_model),
        ends_with=ends_with(tree),
        took=_took(plan, now),
        reason=reason_of(found),
        again=_again(found),
        titles=trees_view.titles_of(tree),
        change_of={change.failed_task_id: change for change in found.changes},
        plan_words=_words,
        words=words,
        view=trees_view,
        problem=problem,
        unsaid=unsaid,
        off=off,
        in_words=in_words,
        stage_link=_link(plan),
        **more,
    )


async def _of_view(request: Request, caller: Caller, found: PlanTree, view: str, now: datetime) -> dict[str, Any]:
    plan, tree = found.plan, found.tree
    lacking = lacking_of(tree, has_model=house_of(request).thinking.is_model)
    match view:
        case "overview":
            return {
                **await _overview(caller, found, now, lacking),
                "estimate": await _estimate(house_of(request), caller, found),
            }
        case "tasks":
            if plan.kind == "document":
                return {"groups": await stages_for(caller, found, lacking)}
            order = sequence_of(tree)
            agents = await list_agents(caller, with_removed=True)
            names = {str(agent.id): agent.name for agent in agents if not agent.is_internal}
            states = trees_view.states_of(tree)
            return {**_ordered(order, tree), "states": states, "root_id": plan.id, "agent_names": names}
        case "report":
            return await report_for(house_of(request), caller, found)
        case _:
            return {"changes": found.changes, "decisions": found.approvals, "user_id": caller.identity.user_id}


async def _executions(caller: Caller, plan: PlanSummary) -> list[PlanSummary]:
    """The plans that carry out a document."""
    return await plan_links.list_plan_executions(caller, plan.id) if plan.kind == "document" else []


async def _diff(caller: Caller, plan: PlanSummary) -> ExecutionDiff | None:
    """What the document of an execution would change about it by now."""
    if plan.document_id is None or plan.state in OVER:
        return None
    try:
        return await preview_diff(caller, plan.id)
    except Conflict:
        return None  # the document is gone, or has no work breakdown at present


async def _estimate(house: House, caller: Caller, found: PlanTree) -> dict[str, Any] | None:
    """What an objective's plan will take, before it starts."""
    if found.plan.state != "ready" or found.plan.kind != "objective":
        return None
    price = usd_per_call_of(house.thinking)
    has_model = house.thinking.is_model
    return asdict(
        estimate_tree(
            found.tree,
            house.equipment.tools,
            has_model=has_model,
            usd_per_call=price,
            timezone=house.clock.timezone,
            cases=await list_worked_tasks(caller, house.clock.now()),
        )
    )


async def _overview(caller: Caller, found: PlanTree, now: datetime, lacking: set[UUID]) -> dict[str, Any]:
    tree, order = without_model(found.tree, lacking), sequence_of(found.tree)
    events = await newest_events(caller, found.plan.id)
    href = _link(found.plan)
    return {
        **_ordered(order, tree),
        "graph": draw(tree, order, href, is_deep=True),
        "chart": chart_of(found.tree, order.plan.critical_path, now, href),
        "log": lines_of(events, trees_view.titles_of(tree), found.plan),
    }


def _ordered(order: Order, tree: TaskNode) -> dict[str, Any]:
    return {
        "sequence": order,
        "tasks_by_id": {part.id: part for part in walk(tree)},
        "parts": parts_of(tree),
        "replaced": [part for part in tree.children if part.superseded_at is not None],
    }


def _link(plan: PlanSummary) -> Any:
    """Where a task of a plan is looked at: a stage of a document has a page of its own."""

    def link(task: TaskNode) -> str:
        stage = task.source_ref.get("key") if task.tool == "plan_stage" else None
        return f"/plans/{plan.id}/stages/{stage}" if isinstance(stage, str) else task_page(task)

    return link


def asked_of(found: PlanTree) -> list[Asked]:
    """What waits for a yes or no, what expires first at the top."""
    tasks = {part.id: part for part in (found.tree, *walk(found.tree))}
    known = [
        Asked(one, tasks.get(one.task_id), _is_gate(one, tasks.get(one.task_id)))
        for one in found.approvals
        if one.state == "open"
    ]
    return sorted(
        known, key=lambda one: (one.approval.expires_at is None, one.approval.expires_at or one.approval.created_at)
    )


def _is_gate(approval: Approval, task: TaskNode | None) -> bool:
    if approval.draft_id is not None:
        return False
    return approval.tool is not None or bool(approval.payload) or (task is not None and task.tool == "approval_gate")


def _leaving(approvals: Sequence[Approval]) -> list[Approval]:
    """What a permission let go and can still be undone."""
    held = [one for one in approvals if one.state == "approved" and one.decided_how == "permission" and one.hold_until]
    return [one for one in held if one.hold_until and seconds_left(one.hold_until) > 0]


def _took(plan: PlanSummary, now: datetime) -> float | None:
    """Seconds from the start to the end, or until now."""
    if plan.started_at is None:
        return None
    end = plan.completed_at or plan.failed_at or plan.cancelled_at if plan.state in OVER else None
    return max(0.0, ((end or now) - plan.started_at).total_seconds())


def _again(found: PlanTree) -> WrittenAgain | None:
    """What of a document was written again after its end."""
    if found.plan.kind != "document":
        return None
    parts = [part for part in found.tree.children if part.supersedes_task_id is not None]
    return written_again(found.plan.completed_at, ((part.started_at, part.completed_at) for part in parts))


def actions_of(found: PlanTree) -> set[str]:
    """The buttons that do something now."""
    plan, tree = found.plan, found.tree
    actions: set[str] = set()
    if plan.state == "ready":
        actions |= {"start", "edit"} if plan.kind == "objective" else {"start"}
    if plan.state in {"planning", "running", "waiting"}:
        actions.add("pause")
    if plan.state == "paused":
        actions.add("resume")
    if plan.state not in OVER:
        actions.add("cancel")
    if (
        plan.state == "waiting"
        and tree.execution_status == "blocked"
        and tree.blocked_on not in {"subtasks", "approval"}
    ):
        actions.add("execute")
    if plan.state == "failed" or (plan.state in {"waiting", "running"} and failed_parts(tree)):
        actions.add("retry")
    if tree.execution_status != "in_progress":
        actions.add("delete")
    if plan.kind == "document" and any(
        part.execution_status == "completed" and part.source_ref.get("key") in EXECUTABLE for part in parts_of(tree)
    ):
        actions.add("carry_out")
    return actions


EXECUTABLE = {"wbs_level2", "wbs_level3"}
