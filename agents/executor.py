"""One run of one task: start it, use its tool or think, and leave the task in its next state.

A run ends in exactly one SQL function (complete, deliver a draft, decompose, block, fail), so a crash at any point
leaves the task running, and the sweep queues it again; what the run had finished is in the journal. Nothing leaves the
house from here but through `agents.sending`, with an approval that the database has checked.
"""

import asyncio
from collections.abc import Awaitable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from pydantic import BaseModel, TypeAdapter

from agents.equipment import Equipment, Run
from agents.journal import BoundReached, Journal, RunStopped, StepUncertain, insist
from agents.templates import resolved_input
from agents.tools.tool import AnyTool, Done, Outcome, Settled, Shown, Waiting
from core.database import Caller
from core.errors import Conflict, Invalid, NotFound, StewardError
from core.outside.errors import NotConnected, Refused, Temporary, Uncertain
from core.tracing import span
from tasks import functions, review, runs
from tasks.actions import ALWAYS_ASK
from tasks.models import BlockedOn, Evidence
from tasks.runs import Completed, StartedTask

if TYPE_CHECKING:
    from agents.gate import Judged

log = structlog.get_logger()
STEWARD_AGENT_ID = UUID("00000000-0000-4000-8000-000000000001")
_EVIDENCE = TypeAdapter(list[Evidence])


@dataclass(frozen=True)
class Leave:
    """On what a tool may do something, and with which input: a yes, or as an own act. Neither: it only reads."""

    given: BaseModel
    approval_id: UUID | None = None
    own: Mapping[str, object] | None = None


async def start_task(caller: Caller, task_id: UUID, equipment: Equipment, worker_id: UUID) -> StartedTask | None:
    """Begin a run of a queued task. None when it is not queued any more, not due yet, or gone: it is left alone."""
    try:
        return await runs.start_task_execution(
            caller, task_id, STEWARD_AGENT_ID, worker_id=worker_id, journaled=equipment.journaled_tools
        )
    except (NotFound, Conflict) as error:
        await log.ainfo("task_not_started", task_id=str(task_id), reason=error.message)
        return None


async def carry_out(
    caller: Caller, task: StartedTask, equipment: Equipment, go_on: Mapping[str, object] | None = None
) -> Completed:
    """Bring a begun run to its end, and the task to its next state; what that released.

    With `go_on` (see `complete_task_execution`) the first task that this one releases is begun at once.
    """
    if task.run_id is None:
        raise StewardError("The database started a run without an id", detail=f"task {task.id}")
    fenced = caller.as_run(task.id, task.run_id)
    run = Run(fenced, task, equipment, Journal(fenced, task.id, task.generation, task.step), go_on)
    with (
        structlog.contextvars.bound_contextvars(run_id=str(task.run_id)),
        span("run", task_id=str(task.id), run_id=str(task.run_id)),
    ):
        try:
            if task.bound is not None:
                raise BoundReached(f"The tree has reached its bound: {task.bound}")
            async with asyncio.timeout(task.timeout_seconds or equipment.timeout_seconds):
                return await _run(run)
        except Exception as error:  # every kind ends the run in its own way
            await _end_badly(run, error)
            return Completed()


async def _run(run: Run) -> Completed:
    task = run.task
    if task.tainted_by and (stopped := await _is_stopped(run)) is not None:
        return stopped
    if task.tool is not None:
        tool = run.equipment.tools.get(task.tool)
        if tool is None:
            raise Invalid(f"There is no tool {task.tool}", detail=f"known: {', '.join(_known(run))}")
        return await _use(run, tool)
    from agents import work  # thinking brings heavy libraries with it; a tool does not need them

    if task.subtask_count and await work.continue_plan(run):
        return Completed()
    return await settle(run, await work.think(run))


def _known(run: Run) -> list[str]:
    """Tools by name; those of other servers are whose servers they are."""
    from agents.services.remote import RemoteTools

    return sorted(name for name, tool in run.equipment.tools.items() if RemoteTools not in tool.needs)


async def _use(run: Run, tool: AnyTool) -> Completed:
    """Use a tool; reads and acts through the journal, so that a finished one is not done twice.

    What needs a yes runs with the input that was said yes to; without that yes it asks, and the task waits.
    """
    asked: BaseModel = tool.parsed(await resolved_input(run))
    if tool.kind == "control":
        _insist_on_own(run, tool)
        await _reads(run, tool)
        return await settle(run, await _timed(tool, tool.run(run, asked)))
    leave = await _leave(run, tool, asked)
    if leave is None:
        return Completed()
    given = leave.given

    async def do() -> dict[str, object]:
        await _reads(run, tool)
        with _outside_words():
            outcome = await _timed(tool, tool.run(run, given))
        if not isinstance(outcome, Done):
            raise Invalid(f"The tool {tool.name} is journaled and must answer Done")
        return _as_json(outcome)

    find = tool.find

    async def look() -> dict[str, object] | None:
        with _outside_words():
            found = await find(run, given) if find else None
        what = "Found where it took effect"
        return None if found is None else _as_json(Done(found, "verified", [Evidence(kind="receipt", what=what)]))

    step_id, result = await run.journal.begin_and_do(
        tool.kind, tool.name, do, look if find else None, leave.approval_id, leave.own
    )
    outcome = Done(
        result["output"], result["verification"], _EVIDENCE.validate_python(result["evidence"]), result["more"]
    )
    try:
        return await settle(run, outcome, step_id)
    except Conflict:
        # Cancelled or taken over meanwhile. What took effect is recorded all the same.
        if step_id is not None:
            await run.journal.finish(step_id, result)
        raise


@contextmanager
def _outside_words() -> Generator[None]:
    """Something that a tool did not find, or found in another state, is not the task: the tool was refused."""
    try:
        yield
    except (NotFound, Conflict) as error:
        raise Refused(error.message, detail=error.detail, hint=error.hint) from error


async def _is_stopped(run: Run) -> Completed | None:
    """Leave a task that came from something suspicious to its person; None where nothing is suspicious.

    What a person has approved is sent all the same: it is theirs.
    """
    from agents.gate import UNBLOCK, suspicion

    reason = suspicion(run.task)
    is_sending = run.task.tool in {"email_send", "slack_notification"} and "draft_id" in run.task.tool_input
    return None if reason is None or is_sending else await settle(run, Waiting("person", reason, UNBLOCK))


async def _reads(run: Run, tool: AnyTool) -> None:
    """What the tool brings in from others taints the task, before it does."""
    if tool.brings_untrusted and not tool.is_read_later:
        from agents.provenance import is_about_to_read

        await is_about_to_read(run, tool)


def _told_of(run: Run, tool: AnyTool) -> list[str]:
    """The outside agents that get to know what comes of it, and were not given the tool."""
    if not isinstance(run.task, StartedTask) or not run.task.outside_agents:
        return []
    from agents.provenance import told_of

    return told_of(run.task, tool)


def _insist_on_own(run: Run, tool: AnyTool) -> None:
    """Raises Refused for a tool that goes by itself and looks about, in a task of an agent that was not given it.

    What such a tool sends is a draft, and what it starts always asks.
    """
    if tool.brings_untrusted and tool.effect not in ALWAYS_ASK and (told := _told_of(run, tool)):
        raise Refused(f"{told[0]} was not given {tool.name}", hint="Give the agent the tool on its page")


async def _leave(run: Run, tool: AnyTool, given: BaseModel) -> Leave | None:
    """On what the tool may be used with this input. None when a person is asked first, or a permission holds it for a while."""
    if tool.only_looks and not _told_of(run, tool):
        return Leave(given)
    from agents.gate import is_allowed, judge_tool

    async def said_yes() -> Leave | None:
        approval = await insist(lambda: review.get_act(run.caller, run.task.id))
        return Leave(tool.parsed(approval.payload["input"]), approval.id) if approval else None

    if tool.asks_first and (leave := await said_yes()) is not None:
        return leave
    judged = await judge_tool(run, tool, given)
    if not tool.asks_first and is_allowed(judged):
        return Leave(given, own={"input": given.model_dump(mode="json")} if tool.kind == "act" else None)
    if not tool.asks_first and (leave := await said_yes()) is not None:
        return leave
    await _ask(run, tool, given, judged)
    return None


async def _ask(run: Run, tool: AnyTool, given: BaseModel, judged: "Judged | None") -> None:
    """Show a person exactly what the tool would do, and what speaks against it; the task waits for the answer."""
    facts = given.model_dump(mode="json", exclude_none=True)
    with _outside_words():
        shown = await tool.show(run, given) if tool.show else Shown(run.task.title, facts)
    if told := _told_of(run, tool) if not tool.asks_first else []:
        shown = _for_agents(shown, told, tool)
    payload: dict[str, object] = {"input": given.model_dump(mode="json"), **shown.as_json()}
    if judged is not None:
        payload |= judged.for_payload()
    await insist(
        lambda: review.request_act(
            run.caller,
            run.task.id,
            shown.title,
            payload,
            why=run.task.description,
            expires_in_seconds=shown.expires_in_seconds,
            decision=judged.decision if judged is not None else None,
        )
    )


def _for_agents(shown: Shown, told: Sequence[str], tool: AnyTool) -> Shown:
    """The same question, which says who wants it and who gets to know what comes of it."""
    names = ", ".join(told)
    what = "read" if tool.kind == "read" else "do"
    text = f"What comes of it goes to {names}. {names} is no part of this house."
    return replace(
        shown,
        title=f"{names} would have Steward {what}: {shown.title}"[:500],
        facts={"Tool": tool.name, **shown.facts},
        text="\n\n".join(one for one in (text, shown.text) if one),
    )


async def _timed(tool: AnyTool, work: Awaitable[Outcome]) -> Outcome:
    """The outcome within the tool's own time. Raises Temporary for a read, StepUncertain for an act that took longer."""
    try:
        async with asyncio.timeout(tool.timeout_seconds):
            return await work
    except TimeoutError as error:
        message = f"{tool.name} took longer than {tool.timeout_seconds:g} seconds"
        raise StepUncertain(message) if tool.kind == "act" else Temporary(message) from error


def _as_json(outcome: Done) -> dict[str, object]:
    return {
        "output": outcome.output,
        "verification": outcome.verification,
        "evidence": [one.model_dump(mode="json") for one in outcome.evidence],
        "more": dict(outcome.more),
    }


async def settle(run: Run, outcome: Outcome, step_id: UUID | None = None) -> Completed:
    """Leave the task in the state that the outcome means, and end its last step with it.

    The recording outlasts a restart of the database.
    """
    task = run.task
    match outcome:
        case Settled():
            return Completed()
        case Done():
            result = {"strategy": "immediate", "output": outcome.output, **outcome.more}
            evidence = list(outcome.evidence)
            return await insist(
                lambda: runs.complete_task_execution(
                    run.caller,
                    task.id,
                    result,
                    verification=outcome.verification,
                    evidence=evidence,
                    step_id=step_id,
                    go_on=run.go_on,
                )
            )
        case Waiting():
            await insist(
                lambda: runs.block_task_execution(
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
            return Completed()


async def _end_badly(run: Run, error: Exception) -> None:
    """Stopped, out of bounds, uncertain, or failed: each error ends the run by its kind."""
    task = run.task
    try:
        match error:
            case RunStopped():
                # Paused, cancelled, taken over or deleted meanwhile: that word stands.
                await log.ainfo("run_stopped", reason=error.message)
            case Conflict() | NotFound() if not await _is_still_ours(run):
                await log.ainfo("run_stopped", reason=error.message)
            case BoundReached():
                hint = "Raise the bound of the tree, then execute it again"
                await _block(run, error.message, hint, blocked_on="bounds")
            case StepUncertain() | Uncertain():
                await _block(run, error.message, "Look whether it took effect, then say so on the task's page")
            case NotConnected():
                await _block(
                    run, error.message, error.hint or "Connect it, then execute it again", blocked_on="account"
                )
            case TimeoutError():
                seconds = task.timeout_seconds or run.equipment.timeout_seconds
                await _fail(
                    run,
                    f"It took longer than {seconds} second{'s' if seconds != 1 else ''}",
                    retryable=True,
                    after=None,
                )
            case StewardError():
                await log.awarning("run_failed", error=error.message, retryable=error.is_retryable)
                message = (
                    f"{error.message}: {error.detail}"
                    if error.detail and not isinstance(error, Temporary)
                    else error.message
                )
                await _fail(run, message, retryable=error.is_retryable, after=error.retry_after_seconds)
            case _:
                await log.aexception("run_crashed", exc_info=error)
                await _fail(run, f"An unexpected error: {type(error).__name__}", retryable=True, after=None)
    except (Conflict, NotFound) as conflict:
        await log.ainfo("ending_not_recorded", reason=conflict.message)


async def _is_still_ours(run: Run) -> bool:
    """Does this run still run its task? If so, what was in conflict or not found was something else."""
    task = await insist(lambda: functions.get_task(run.caller, run.task.id))
    return task.execution_status == "in_progress" and task.run_id == run.task.run_id


async def _fail(run: Run, error: str, *, retryable: bool, after: float | None) -> None:
    await insist(
        lambda: runs.fail_task_execution(
            run.caller, run.task.id, error, should_retry=retryable, retry_after_seconds=after
        )
    )


async def _block(run: Run, reason: str, remedy: str, *, blocked_on: BlockedOn = "person") -> None:
    await insist(
        lambda: runs.block_task_execution(run.caller, run.task.id, reason, blocked_on=blocked_on, unblocked_by=remedy)
    )
