"""One run of one task: start it, think or use its tool, check what came out, and leave the task in its next state.

A run ends in exactly one SQL function (complete, deliver a draft, decompose, block, fail), so a crash at any point
leaves the task running, and the sweep queues it again. Nothing leaves the house from here but through
`agents.sending`, with an approval that the database has checked.
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog

from agents import checker, reviser, strategist
from agents.protocols import MailSender
from agents.sending import send_approved_draft
from agents.strategist import Blocked, Decompose, DraftContent, EarlierDraft, Immediate, TaskContext
from agents.thinking import ModelCall, Thinking
from core.clock import Clock
from core.database import Caller
from core.errors import Conflict, Invalid, NotFound, StewardError
from tasks import functions, review
from tasks.models import Task

log = structlog.get_logger()
STEWARD_AGENT_ID = UUID("00000000-0000-4000-8000-000000000001")


@dataclass(frozen=True)
class Equipment:
    """What a run works with: who thinks, what sends mail, what time it is, and in whose name mail is written."""

    thinking: Thinking
    sender: MailSender
    clock: Clock
    from_address: str
    from_name: str


async def advance_task(caller: Caller, task_id: UUID, equipment: Equipment) -> None:
    """Run a queued task to its next state. A task that is not queued any more is left alone.

    Errors end the run by their kind: those that trying again may help are retried with back-off, others fail.
    """
    try:
        task = await functions.get_task(caller, task_id)
        if task.execution_status != "queued":
            return  # somebody was faster, or took it back
        task = await functions.start_task_execution(caller, task_id, STEWARD_AGENT_ID)
    except (NotFound, Conflict) as error:
        await log.ainfo("task_not_started", task_id=str(task_id), reason=error.message)
        return
    try:
        await _run(caller, task, equipment)
    except StewardError as error:
        await log.awarning("run_failed", task_id=str(task_id), error=error.message, retryable=error.is_retryable)
        await _fail(caller, task_id, error.message, retryable=error.is_retryable, after=error.retry_after_seconds)
    except Exception as error:
        await log.aexception("run_crashed", task_id=str(task_id))
        await _fail(caller, task_id, f"An unexpected error: {type(error).__name__}", retryable=True, after=None)


async def _fail(caller: Caller, task_id: UUID, error: str, *, retryable: bool, after: int | None) -> None:
    try:
        await functions.fail_task_execution(caller, task_id, error, should_retry=retryable, retry_after_seconds=after)
    except (Conflict, NotFound) as conflict:
        # Cancelled, paused or deleted meanwhile: that word stands.
        await log.ainfo("failure_not_recorded", task_id=str(task_id), reason=conflict.message)


async def _run(caller: Caller, task: Task, equipment: Equipment) -> None:
    if task.tool == "email_send":
        await send_approved_draft(caller, task, equipment.sender, equipment.clock)
    elif task.tool == "revise_draft":
        await _revise(caller, task, equipment)
    elif task.tool is not None:
        raise Invalid(f"There is no tool {task.tool}", hint="See `steward tools`.")
    else:
        await _think(caller, task, equipment)


def _recording(caller: Caller, task: Task, equipment: Equipment) -> Thinking:
    async def record(call: ModelCall) -> None:
        await functions.record_llm_interaction(caller, task.id, call.as_json())
        await functions.add_task_event(
            caller,
            task.id,
            "step",
            f"{call.purpose}: asked {call.model}",
            {"latency_ms": call.latency_ms, "error": call.error},
        )

    return replace(equipment.thinking, on_call=record)


async def _think(caller: Caller, task: Task, equipment: Equipment) -> None:
    context = TaskContext.from_row(await functions.get_task_context(caller, task.id), equipment.clock.timezone)
    thinking = _recording(caller, task, equipment)
    now = equipment.clock.now()
    decision = await strategist.decide(context, now=now, thinking=thinking)
    if isinstance(decision, Immediate):
        findings = checker.check(decision, context, now)
        if findings and thinking.is_model:
            await functions.add_task_event(caller, task.id, "check", "; ".join(f.message for f in findings))
            again = replace(
                context,
                feedback="Your answer did not pass the check: " + "; ".join(f.message for f in findings),
            )
            decision = await strategist.decide(again, now=now, thinking=thinking)
            findings = checker.check(decision, context, now) if isinstance(decision, Immediate) else []
        if findings:
            decision = Blocked(
                reason="; ".join(f.message for f in findings),
                unblocked_by=next(
                    (f.remedy for f in findings if f.remedy),
                    "Add what is missing to the task, then execute it again",
                ),
                message="The draft did not pass the check",
            )
    await _settle(caller, task, decision, equipment)


async def _settle(caller: Caller, task: Task, decision: Immediate | Decompose | Blocked, equipment: Equipment) -> None:
    match decision:
        case Immediate(draft=DraftContent() as draft):
            content = _draft_content(task, draft, decision.message, equipment)
            await review.deliver_draft(caller, task.id, content, _result(decision))
        case Immediate():
            if task.execution_type == "fully_automated":
                await functions.complete_task_execution(caller, task.id, _result(decision))
            else:
                await review.request_review(caller, task.id, task.title, _result(decision))
        case Decompose():
            subtasks = [s.model_dump(mode="json", exclude_none=True) for s in decision.subtasks]
            await functions.decompose_task_execution(caller, task.id, subtasks, decision.message, decision.confidence)
        case Blocked():
            await functions.block_task_execution(
                caller,
                task.id,
                decision.reason,
                blocked_on="model" if decision.needs_model else "person",
                unblocked_by=decision.unblocked_by,
                result={"strategy": "blocked", "reason": decision.reason, "message": decision.message},
            )


def _result(decision: Immediate) -> dict[str, Any]:
    return {
        "strategy": "immediate",
        "output": decision.output,
        "format": decision.format,
        "confidence": decision.confidence,
        "message": decision.message,
    }


def _draft_content(task: Task, draft: DraftContent, why: str, equipment: Equipment) -> dict[str, Any]:
    target: dict[str, Any] = {"from_address": equipment.from_address, "from_name": equipment.from_name}
    if task.kind == "reply" and task.source_ref.get("message_id"):
        target |= {
            "in_reply_to": task.source_ref["message_id"],
            "references": task.source_ref.get("references", []),
        }
    return {
        "channel": "mail",
        "to_recipients": draft.to,
        "cc_recipients": draft.cc,
        "subject": draft.subject,
        "body": draft.body,
        "target": target,
        "why": why,
    }


async def _revise(caller: Caller, task: Task, equipment: Equipment) -> None:
    earlier = await review.get_draft(caller, UUID(str(task.tool_input["draft_id"])))
    context = TaskContext.from_row(await functions.get_task_context(caller, earlier.task_id), equipment.clock.timezone)
    before = EarlierDraft(
        to=earlier.to_recipients, cc=earlier.cc_recipients, subject=earlier.subject, body=earlier.body
    )
    revised = await reviser.revise(
        context,
        before,
        feedback=str(task.tool_input["feedback"]),
        now=equipment.clock.now(),
        thinking=_recording(caller, task, equipment),
    )
    if isinstance(revised, Immediate) and revised.draft is not None:
        content = _draft_content(context.task, revised.draft, revised.message, equipment)
        content |= {
            "target": earlier.target,
            "bcc_recipients": earlier.bcc_recipients,
            "thread_tail": earlier.thread_tail,
        }
        await review.deliver_draft(caller, task.id, content, _result(revised), supersedes_id=earlier.id)
    else:
        await _settle(caller, task, revised, equipment)
