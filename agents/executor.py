"""One run of one task: start it, use its tool or think, and leave the task in its next state.

A run ends in exactly one SQL function (complete, deliver a draft, decompose, block, fail), so a crash at any point
leaves the task running, and the sweep queues it again; what the run had finished is in the journal. Nothing leaves the
house from here but through `agents.sending`, with an approval that the database has checked.
"""

import asyncio
from uuid import UUID

import structlog

from agents.equipment import Equipment, Run
from agents.journal import BoundReached, Journal, RunStopped, StepUncertain, insist
from agents.protocols import SendTemporary
from agents.tools.tool import Done, Outcome, Settled, Tool, Waiting
from core.database import Caller
from core.errors import Conflict, Invalid, NotFound, StewardError
from core.tracing import span
from tasks import functions
from tasks.models import BlockedOn

log = structlog.get_logger()
STEWARD_AGENT_ID = UUID("00000000-0000-4000-8000-000000000001")
StartedRuns = dict[UUID, UUID | None]  # the tasks a worker is at, and the run of each once it has begun


async def advance_task(
    caller: Caller, task_id: UUID, equipment: Equipment, worker_id: UUID, started: StartedRuns
) -> list[UUID]:
    """Run a queued task to its next state. One that is not queued any more, or not due yet, is left alone.

    Answers with the tasks that this one released and that wait for a worker now, most urgent first.
    """
    try:
        task = await functions.start_task_execution(caller, task_id, STEWARD_AGENT_ID, worker_id=worker_id)
    except (NotFound, Conflict) as error:
        await log.ainfo("task_not_started", task_id=str(task_id), reason=error.message)
        return []
    if task.run_id is None:
        raise StewardError("The database started a run without an id", detail=f"task {task_id}")
    started[task_id] = task.run_id
    fenced = caller.as_run(task_id, task.run_id)
    run = Run(fenced, task, equipment, Journal(fenced, task_id, task.generation))
    with (
        structlog.contextvars.bound_contextvars(run_id=str(task.run_id)),
        span("run", task_id=task_id, run_id=task.run_id, kind=task.kind, tool=task.tool),
    ):
        try:
            async with asyncio.timeout(task.timeout_seconds or equipment.timeout_seconds):
                return await _run(run)
        except Exception as error:  # every kind ends the run in its own way
            await _end_badly(run, error)
            return []


async def _run(run: Run) -> list[UUID]:
    task = run.task
    if task.tool is not None:
        tool = run.equipment.tools.get(task.tool)
        if tool is None:
            raise Invalid(f"There is no tool {task.tool}", detail=f"known: {', '.join(sorted(run.equipment.tools))}")
        return await settle(run, await _use(run, tool))
    from agents import work  # thinking brings heavy libraries with it; a tool does not need them

    if task.subtask_count and await work.continue_plan(run):
        return []
    return await settle(run, await work.think(run))


async def _use(run: Run, tool: Tool) -> Outcome:
    """Use a tool; reads and acts through the journal, so that a finished one is not done twice."""
    if tool.kind == "control":
        return await tool.run(run)

    async def do() -> object:
        outcome = await tool.run(run)
        if not isinstance(outcome, Done):
            raise Invalid(f"The tool {tool.name} is journaled and must answer Done")
        return {
            "output": outcome.output,
            "verification": outcome.verification,
            "evidence": [one.model_dump(mode="json") for one in outcome.evidence],
            "more": dict(outcome.more),
        }

    find = tool.find

    async def look() -> object | None:
        found = await find(run) if find else None
        return None if found is None else {"output": found, "verification": "verified", "evidence": [], "more": {}}

    return Done(**await run.journal.use_tool(tool.kind, tool.name, do, look if find else None))


async def settle(run: Run, outcome: Outcome) -> list[UUID]:
    """Leave the task in the state that the outcome means. The recording outlasts a restart of the database."""
    task = run.task
    match outcome:
        case Settled():
            return []
        case Done():
            result = {"strategy": "immediate", "output": outcome.output, **outcome.more}
            evidence = list(outcome.evidence)
            return await insist(
                lambda: functions.complete_task_execution(
                    run.caller, task.id, result, verification=outcome.verification, evidence=evidence
                )
            )
        case Waiting():
            await insist(
                lambda: functions.block_task_execution(
                    run.caller,
                    task.id,
                    outcome.reason,
                    blocked_on=outcome.blocked_on,
                    unblocked_by=outcome.unblocked_by or None,
                    result=outcome.remember or None,
                    wait_seconds=outcome.wait_seconds,
                    until=outcome.until,
                    remind_after_seconds=outcome.remind_after_seconds,
                )
            )
            return []


async def _end_badly(run: Run, error: Exception) -> None:
    """Stopped, out of bounds, uncertain, or failed: each error ends the run by its kind."""
    task = run.task
    try:
        match error:
            case RunStopped() | Conflict() | NotFound():
                # Paused, cancelled, taken over or deleted meanwhile: that word stands.
                await log.ainfo("run_stopped", reason=error.message)
            case BoundReached():
                hint = "Raise the bound of the tree, then execute it again"
                await _block(run, error.message, hint, blocked_on="bounds")
            case StepUncertain():
                await _block(run, error.message, "Look whether it took effect, then say so on the task's page")
            case TimeoutError():
                seconds = task.timeout_seconds or run.equipment.timeout_seconds
                await _fail(run, f"It took longer than {seconds} seconds", retryable=True, after=None)
            case StewardError():
                await log.awarning("run_failed", error=error.message, retryable=error.is_retryable)
                message = (
                    f"{error.message}: {error.detail}"
                    if error.detail and not isinstance(error, SendTemporary)
                    else error.message
                )
                await _fail(run, message, retryable=error.is_retryable, after=error.retry_after_seconds)
            case _:
                await log.aexception("run_crashed", exc_info=error)
                await _fail(run, f"An unexpected error: {type(error).__name__}", retryable=True, after=None)
    except (Conflict, NotFound) as conflict:
        await log.ainfo("ending_not_recorded", reason=conflict.message)


async def _fail(run: Run, error: str, *, retryable: bool, after: float | None) -> None:
    await insist(
        lambda: functions.fail_task_execution(
            run.caller, run.task.id, error, should_retry=retryable, retry_after_seconds=after
        )
    )


async def _block(run: Run, reason: str, remedy: str, *, blocked_on: BlockedOn = "person") -> None:
    await insist(
        lambda: functions.block_task_execution(
            run.caller, run.task.id, reason, blocked_on=blocked_on, unblocked_by=remedy
        )
    )
