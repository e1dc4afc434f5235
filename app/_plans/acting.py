"""What is done to plans, for every door: try again, decide, rerun a stage, edit."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from agents.playbooks.document.catalog import stages
from agents.playbooks.document.running import REDLINE, section_of
from agents.tools.tool import problem_of_input
from app._view.sequence import parts_of, walk
from app.house import House
from core.database import Caller
from core.errors import Conflict, Forbidden, Invalid, NotFound
from jobs.outside.remote import is_remote
from tasks import plans
from tasks.drafts import Approval
from tasks.functions import TaskNode, queue_task_execution, retry_task
from tasks.plans import PlanSummary, PlanTree
from tasks.review import decide_approval

APPROVING = "review:write"
UNDER_WAY = {"planning", "running", "waiting"}


async def start_plan(caller: Caller, plan_id: UUID) -> PlanSummary:
    """Start a plan that waits for it; twice is once, also when both come at the same moment. Conflict for one that is over or paused."""
    await plans.get_plan_progress(caller, plan_id)
    try:
        await queue_task_execution(caller, plan_id)
    except Conflict:
        found = await plans.get_plan_progress(caller, plan_id)
        if found.state not in UNDER_WAY:
            raise
        return found
    return await plans.get_plan_progress(caller, plan_id)


async def retry_plan(caller: Caller, plan_id: UUID) -> PlanTree:
    """Try a failed plan again, else its failed parts, and those that lacked something. Conflict where there are none."""
    found = await plans.get_plan(caller, plan_id)
    root = found.tree
    stuck = [root]
    if root.execution_status != "failed" and not _lacked(root):
        stuck = [*failed_parts(root), *(part for part in walk(root) if _lacked(part) and not parts_of(part))]
    if not stuck:
        raise Conflict("Nothing of this plan has failed, or lacked something", detail=f"it is {found.plan.state}")
    for task in stuck:
        await (retry_task if task.execution_status == "failed" else queue_task_execution)(caller, task.id)
    return await plans.get_plan(caller, plan_id)


def failed_parts(tree: TaskNode) -> list[TaskNode]:
    """Tasks without parts of their own that failed for good, and that the plan does not go on without."""
    return [
        task
        for task in walk(tree)
        if task.execution_status == "failed" and task.waived_at is None and not parts_of(task)
    ]


def _lacked(task: TaskNode) -> bool:
    """Did it stop for want of a model, an account, or room within its bounds? That may be there by now."""
    return task.execution_status == "blocked" and task.blocked_on in {"model", "account", "bounds"}


async def decide(
    caller: Caller, plan_id: UUID, task_id: UUID, *, approved: bool, said_by: str | None, notes: str | None
) -> Approval:
    """Yes or no to what waits at a task of the plan. NotFound for a task of another plan, Conflict where nothing waits."""
    found = await plans.get_plan(caller, plan_id)
    task = next((one for one in [found.tree, *every(found.tree)] if one.id == task_id), None)
    if task is None:
        raise NotFound("This plan has no such task", detail=f"task {task_id}")
    waiting = task.open_approval_id or next(
        (one.id for one in found.approvals if one.task_id == task_id and one.state == "open"), None
    )
    if waiting is None:
        raise Conflict("Nothing at this task waits for a decision", detail=f"it is {task.execution_status}")
    said = notes.strip() if notes else ""
    if said_by:
        said = f"{said} (said to be decided by {said_by})" if said else f"Said to be decided by {said_by}"
    return await decide_approval(caller, waiting, approved=approved, notes=said or None)


def every(task: TaskNode) -> list[TaskNode]:
    """Everything below a task, replaced parts and those of drafts included."""
    return [one for part in task.children for one in (part, *every(part))]


async def rerun(caller: Caller, plan_id: UUID, stage_id: str, given: Mapping[str, Any] | None) -> PlanTree:
    """Have a stage written anew, or as given. NotFound for no stage, Invalid where what is given is no such section."""
    stage = stages().get(stage_id)
    if stage is None:
        raise NotFound("There is no such stage", detail=f"stage {stage_id[:100]}")
    if given is not None:
        scopes = caller.identity.scopes
        if stage_id == REDLINE and scopes is not None and APPROVING not in scopes:
            raise Forbidden(f"This token lacks the scope {APPROVING}", detail="the verdict of this gate is a decision")
        if problem := section_of(stage, given).shallow():
            raise Invalid(
                f"The section {stage_id} is too thin: {problem}", errors=[{"field": "given", "message": problem}]
            )
    return await plans.rerun_stage(caller, plan_id, stage_id, given)


async def edit(house: House, caller: Caller, plan_id: UUID, edits: Mapping[str, Any]) -> PlanTree:
    """Change a plan that waits for its start. Invalid for a tool that there is not, or an input that it can never take.

    Conflict for a document: its stages are what every document has.
    """
    found = await plans.get_plan(caller, plan_id)
    if found.plan.kind == "document":
        hint = "Have a stage written again, or give it as you would have it (rerun)."
        raise Conflict("A plan document is not edited task by task", detail="its stages are fixed", hint=hint)
    if both := {str(task["id"]) for task in edits.get("change", [])} & {str(one) for one in edits.get("remove", [])}:
        message = "a task is changed or removed, not both"
        raise Invalid(f"remove: {message}", errors=[{"field": "remove", "message": message, "value": min(both)}])
    now = {str(task.id): task for task in every(found.tree)}
    for number, task in enumerate(edits.get("add", [])):
        if task.get("tool") is not None:
            check_tool(house, task["tool"], task.get("tool_input") or {}, str(task.get("title") or number))
    for change in edits.get("change", []):
        before = now.get(str(change["id"]))
        if before is not None and {"tool", "tool_input"} & change.keys():
            _check_change(house, before, change)
    return await plans.edit_plan(caller, plan_id, edits)


def _check_change(house: House, before: TaskNode, change: Mapping[str, Any]) -> None:
    """What the task would be after the change; one that the house made (the report at the end) stays as it is."""
    name = change.get("tool", before.tool)
    tool_input: Mapping[str, Any] = change.get("tool_input", before.tool_input)
    is_as_before = name == before.tool and tool_input == before.tool_input
    if name is not None and not is_as_before:
        check_tool(house, name, tool_input, str(change.get("title") or before.title))


def check_tool(house: House, name: str, tool_input: Mapping[str, Any], where: str) -> None:
    """Raises Invalid for a tool that there is not, that only the house itself uses, or for an input that it can never take."""
    if is_remote(house.settings, name):
        return  # its form is its server's to say, when the task runs
    tools = house.equipment.tools
    if name not in tools or not tools[name].may_be_planned:
        message = f"{name!r} is the house's own" if name in tools else f"There is no tool {name!r}"
        allowed = f"allowed: {', '.join(sorted(known for known, tool in tools.items() if tool.may_be_planned))}"
        raise Invalid(message, errors=[{"field": "tool", "message": allowed, "value": name}])
    field = f"tool_input of {where}"
    if problem := problem_of_input(tools[name], tool_input):
        raise Invalid(f"{field}: {problem}", errors=[{"field": field, "message": problem}])
