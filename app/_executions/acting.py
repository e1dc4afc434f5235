"""What is done to executions, for every door: begin, pause, resume, cancel. Plans and tasks do the work; here it is chosen which."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from agents.playbooks.document.execution import execute_document
from app._plans.acting import start_plan
from core.database import Caller
from core.errors import Conflict, Invalid, NotFound
from core.settings import Settings
from tasks.executions import NEXT, ExecutionDetail, ExecutionState, Wanted, get_execution, prepare_execution
from tasks.functions import cancel_task, get_task, pause_task, queue_task_execution, resume_task
from tasks.models import Priority
from tasks.plans import clone_plan, get_plan_progress

HOUR_SECONDS = 3600
WAYS_ON: Mapping[ExecutionState, str] = {
    "failed": "POST /api/plans/{id}/retry, or /api/tasks/{id}/retry, has what failed tried again.",
    "completed": "POST /api/executions begins another one of the same plan.",
    "cancelled": "POST /api/executions begins another one of the same plan.",
}


@dataclass(frozen=True)
class Beginning:
    """How an execution begins. `again`: also where an execution of the document is open."""

    priority: Priority | None = None
    bounds: Mapping[str, float] = field(default_factory=dict[str, float])
    starts: bool = True
    again: bool = False


async def execute_plan(settings: Settings, caller: Caller, plan_id: UUID, how: Beginning) -> ExecutionDetail:
    """A document is carried out, a plan that waits for its start is started, any other begins once more as a copy.

    Raises Conflict for a document that cannot be carried out now, and for a plan that is still being made and waits afterwards.
    """
    plan = await get_plan_progress(caller, plan_id)
    if plan.kind == "document":
        made = await execute_document(caller, plan_id, starts_by_itself=how.starts, again=how.again)
        await _prepare(settings, caller, made.id, how)
        return await get_execution(caller, made.id)
    if plan.state == "planning" and not plan.starts_by_itself:
        raise Conflict(
            "This plan is still being made", detail=f"plan {plan_id}", hint="Begin it when it waits for its start."
        )
    execution_id = plan_id
    if plan.state not in {"ready", "planning"}:
        execution_id = (await clone_plan(caller, plan_id)).id
    await _prepare(settings, caller, execution_id, how)
    if how.starts and plan.state != "planning":
        await start_plan(caller, execution_id)
    return await get_execution(caller, execution_id)


async def execute_root_task(settings: Settings, caller: Caller, task_id: UUID, how: Beginning) -> ExecutionDetail:
    """Any task that is no part of another is executed; twice is once. A plan's root is executed as its plan."""
    task = await get_task(caller, task_id)
    if task.parent_task_id is not None:
        message = "a part of another task is executed with the whole"
        raise Invalid(
            f"task_id: {message}",
            hint=f"The whole is task {task.root_task_id}.",
            errors=[{"field": "task_id", "message": message, "value": str(task_id)}],
        )
    if (await get_execution(caller, task_id)).plan_id is not None:
        return await execute_plan(settings, caller, task_id, how)
    if task.execution_status in {"completed", "cancelled"}:
        raise Conflict(
            f"This task is {task.execution_status}", detail="a task ends once", hint="Make a new task of it."
        )
    await _prepare(settings, caller, task_id, how)
    if how.starts:
        await queue_task_execution(caller, task_id)
    return await get_execution(caller, task_id)


async def _prepare(settings: Settings, caller: Caller, execution_id: UUID, how: Beginning) -> None:
    await prepare_execution(
        caller,
        execution_id,
        priority=how.priority,
        bounds=how.bounds,
        timeout_seconds=settings.execution_timeout_hours * HOUR_SECONDS,
    )


async def bring_to(caller: Caller, execution_id: UUID, wanted: Wanted) -> ExecutionDetail:
    """Pause, resume (or begin) or cancel the tree. What it is already, it stays. Raises Conflict with the states allowed next."""
    found = await get_execution(caller, execution_id)
    if found.state == wanted or (wanted == "running" and found.state == "queued"):
        return found
    if wanted not in NEXT[found.state]:
        raise _not_now(found, wanted)
    try:
        await _move(caller, found, wanted)
    except Conflict:
        now = await get_execution(caller, execution_id)
        if now.state == wanted:
            return now  # somebody else was quicker
        if now.state != found.state:
            raise _not_now(now, wanted) from None
        raise
    return await get_execution(caller, execution_id)


async def _move(caller: Caller, found: ExecutionDetail, wanted: Wanted) -> None:
    match wanted:
        case "paused":
            await pause_task(caller, found.id)
        case "cancelled":
            await cancel_task(caller, found.id)
        case "running" if found.is_paused:
            await resume_task(caller, found.id)
        case "running":
            await queue_task_execution(caller, found.id)


def _not_now(found: ExecutionDetail, wanted: Wanted) -> Conflict:
    allowed = ", ".join(NEXT[found.state]) or "none, this state is final"
    return Conflict(
        f"An execution that is {found.state} cannot become {wanted}",
        detail=f"allowed: {allowed}",
        hint=WAYS_ON.get(found.state, "").format(id=found.id) or None,
    )


async def check_execution(caller: Caller, execution_id: UUID) -> None:
    """Raises NotFound for what is not the caller's, and for a part of an execution."""
    task = await get_task(caller, execution_id)
    if task.parent_task_id is not None:
        raise NotFound("There is no such execution", detail="it is a part of one", hint=f"Ask for {task.root_task_id}.")
