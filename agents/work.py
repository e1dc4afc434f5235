"""The thinking part of a run: decide and do, check what came out, plan anew after a failure, write a draft anew."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from agents import checker, planning, replanner, reviser, strategist
from agents.answering_times import with_times
from agents.budget import BudgetUsedUp, TenantBudget, out_of_budget
from agents.equipment import Run
from agents.gate import deliver
from agents.journal import insist
from agents.meeting_work import leave_to_do, with_meeting
from agents.naming import with_names
from agents.notes import NotesMissing, notes_of
from agents.planner import as_rows
from agents.preferring import Liked, as_liked, note_liked, taste_of, with_examples, with_taste
from agents.provenance import agents_above, taint
from agents.senders import LACKS, sender_of, target_meanwhile
from agents.strategist import (
    Blocked,
    Decompose,
    DraftContent,
    EarlierDraft,
    Immediate,
    TaskContext,
    ThreadMessage,
)
from agents.thinking import ModelCall, Thinking, Trail
from agents.toolbox import Toolbox
from agents.tools.mail_writing import headers_of, own_addresses, target_of
from agents.tools.tool import Done, Outcome, Settled, Waiting
from agents.workflows.own_words import note_own_words
from core.outside.errors import NotConnected, Temporary
from tasks import functions, model_calls, review, runs, trees
from tasks.calibration import RULES
from tasks.drafts import Draft
from tasks.events import add_task_event
from tasks.mail import list_thread
from tasks.models import Taint, Task
from tasks.thresholds import threshold_of


def thinking_of(run: Run) -> Thinking:
    """The house's thinker, journaled: requests to a model by the journal, answers of the rules as plain records."""

    async def record(call: ModelCall) -> None:
        await model_calls.record_llm_interaction(run.caller, run.task.id, call.as_json())
        await add_task_event(
            run.caller,
            run.task.id,
            "step",
            f"{call.purpose}: asked {call.model}",
            {"latency_ms": call.latency_ms, "error": call.error},
        )

    thinking = run.equipment.thinking
    zone = run.equipment.clock.installation.timezone  # one day for everybody who shares it
    budget = TenantBudget(run.caller, run.task.id, thinking.limits, zone.key)
    return replace(thinking, on_call=record, journal=run.journal, budget=budget)


async def continue_plan(run: Run) -> bool:
    """Let the parts of a task run, or change the plan after a failure. False when it has no parts to speak of."""
    opened = await trees.open_subtasks(run.caller, run.task.id)
    if not opened.failures:
        return opened.opened
    siblings = await functions.get_task_tree(run.caller, run.task.id)
    thinking, now = thinking_of(run), run.equipment.clock.now()
    box = await Toolbox.of(run, None)
    tools, listed = (box.plannable, box.listed()) if thinking.is_model else (None, "")
    try:
        changes = [
            await replanner.replan(run.task, failed, siblings, now=now, thinking=thinking, tools=tools, listed=listed)
            for failed in opened.failures
        ]
    except BudgetUsedUp as used_up:
        waiting = out_of_budget(used_up)
        await insist(
            lambda: runs.block_task_execution(
                run.caller,
                run.task.id,
                waiting.reason,
                blocked_on="bounds",
                unblocked_by=waiting.unblocked_by,
                until=waiting.until,
            )
        )
        return True
    await insist(lambda: trees.apply_plan_changes(run.caller, run.task.id, changes))
    return True


async def _trusting(run: Run, thinking: Thinking) -> Thinking:
    """The same, with what the rules are to be sure of moved to where they were right in this tenant."""
    if not thinking.is_model or thinking.rules_from is None:
        return thinking
    return replace(thinking, rules_from=await threshold_of(run.caller, RULES, thinking.rules_from))


async def think(run: Run) -> Outcome:
    """Decide and do; a task that lacks its notes, or for which a day's budget has nothing left, waits."""
    try:
        return await _think(run)
    except NotesMissing as missing:
        return Waiting("person", missing.message, missing.hint or "")
    except BudgetUsedUp as used_up:
        return out_of_budget(used_up)


async def _think(run: Run) -> Outcome:
    """Decide and do, and have the result checked: once more with the reason where it does not pass, then a person."""
    equipment, task = run.equipment, run.task
    if planning.may_be_plan(task) and (planned := await planning.plan_root(run, thinking_of(run))) is not None:
        return planned
    row = await runs.get_task_context(run.caller, task.id)
    is_shown = equipment.thinking.is_model or task.notes_file is not None
    shown = await model_calls.get_model_context(run.caller, task.id) if is_shown else {}
    notes = await notes_of(task.notes_file, equipment.thinking.notes_folder, shown)
    context = await _with_headers(run, replace(TaskContext.from_row(row, equipment.clock.timezone), notes=notes))
    context = await with_names(run, await with_meeting(run, await with_times(run, context)))
    await _taint(run, context, shown)
    if (left := await leave_to_do(run, context)) is not None:
        return left
    taste = await taste_of(run, context)
    context = await with_examples(run, with_taste(context, taste))
    thinking, now = await _trusting(run, thinking_of(run)), equipment.clock.now()
    box, trail = await Toolbox.of(run, shown.get("agent")), Trail()
    liked = as_liked(await strategist.decide(context, now=now, thinking=thinking, toolbox=box, trail=trail), taste)
    checks = await checker.verify(liked.decision, context, now=now, thinking=thinking)
    if checks.findings and thinking.is_model:
        lacks = checks.in_words()
        await add_task_event(run.caller, run.task.id, "check", lacks)
        again = replace(context, feedback=f"Your answer did not pass the check: {lacks}")
        liked = as_liked(await strategist.decide(again, now=now, thinking=thinking, toolbox=box, trail=trail), taste)
        checks = await checker.verify(liked.decision, context, now=now, thinking=thinking)
    if checks.findings:
        refused = Blocked(
            reason=checks.in_words(),
            unblocked_by=checks.remedy or "Add what is missing to the task, then execute it again",
            message="The draft did not pass the check",
        )
        liked = Liked(refused)
    return await _outcome(run, liked, checks, box, own_words=await note_own_words(run, context))


async def _taint(run: Run, context: TaskContext, shown: Mapping[str, Any]) -> None:
    """What a model is about to read of others, besides what the task itself came from, taints the task."""
    stored: list[Mapping[str, Any]] = shown.get("artifacts") or []
    others = [Taint(kind="file", ref=str(one["name"])) for one in stored if one.get("is_tainted")]
    others += [Taint(kind="notes", ref=note.name) for note in context.notes if note.is_own]
    if context.thread:
        others.append(Taint(kind="mail", ref=str(context.task.source_ref.get("thread_key"))))
    if context.task.kind == "report" and run.equipment.thinking.is_model:
        others.append(Taint(kind="tasks", ref="titles of other tasks"))
    if others:
        await taint(run, *others[:50])


async def _with_headers(run: Run, context: TaskContext) -> TaskContext:
    """The context of an answer with what the headers of its thread and the mailbox tell of whom to answer."""
    if context.task.kind != "reply" or not context.thread:
        return context
    stored_mails = await list_thread(run.caller, str(context.task.source_ref.get("thread_key")))
    headers = {one.message_id: headers_of(one) for one in stored_mails}
    thread = [
        message.model_copy(update={"reply_to_addresses": list(of.reply_to), "list_addresses": list(of.lists)})
        if (of := headers.get(message.message_id))
        else message
        for message in context.thread
    ]
    account_id = context.task.source_ref.get("account_id")
    try:
        own = await own_addresses(run, UUID(str(account_id)) if account_id else None)
    except (NotConnected, Temporary):
        own = frozenset({(await sender_of(run)).address})
    return replace(context, thread=thread, own_addresses=own)


async def _outcome(
    run: Run,
    liked: Liked,
    checks: checker.Checks,
    box: Toolbox | None = None,
    own_words: Mapping[str, Any] | None = None,
) -> Outcome:
    task, decision = run.task, liked.decision
    match decision:
        case Immediate(draft=DraftContent() as draft):
            content = _draft_content(task, draft, decision.message, await _sender(run))
            told = await note_liked(run, liked)
            result = _result(decision, box)
            await deliver(run, content, result, written=liked.written, liked=told, own_words=own_words)
        case Immediate() if task.execution_type == "fully_automated":
            more = {key: value for key, value in _result(decision, box).items() if key not in {"strategy", "output"}}
            return Done(decision.output, checks.verification, checks.evidence(), more)
        case Immediate():
            await insist(lambda: review.request_review(run.caller, task.id, task.title, _result(decision, box)))
        case Decompose():
            rows = as_rows(decision.subtasks)
            # An outside agent gets to know what stands there, and nobody has reviewed it.
            message = "Done in parts" if agents_above(task) else decision.message
            await insist(lambda: runs.decompose_task_execution(run.caller, task.id, rows, message, decision.confidence))
        case Blocked() if box is not None and box.missing is not None:
            missing = box.missing
            return Waiting(
                "account",
                missing.message,
                missing.hint or "Connect it, then execute it again",
                remember={"strategy": "blocked", "reason": decision.reason, "message": decision.message},
            )
        case Blocked():
            return Waiting(
                "model" if decision.needs_model else "person",
                decision.reason,
                decision.unblocked_by,
                remember={"strategy": "blocked", "reason": decision.reason, "message": decision.message},
            )
    return Settled()


def _result(decision: Immediate, box: Toolbox | None = None) -> dict[str, Any]:
    read = {"looked_up": sorted(set(box.used)), "untrusted": box.has_untrusted} if box is not None and box.used else {}
    return {
        **read,
        "strategy": "immediate",
        "output": decision.output,
        "format": decision.format,
        "confidence": decision.confidence,
        "message": decision.message,
    }


async def _sender(run: Run) -> dict[str, Any]:
    """Whom a draft is from: the mailbox that it will be sent by; the person's own address while none can be reached."""
    came_to = run.task.source_ref.get("account_id")  # the account that the mail of this task came to
    try:
        return await target_of(run, UUID(str(came_to)) if came_to else None)
    except (NotConnected, Temporary) as error:
        return await target_meanwhile(run, error)


def _draft_content(task: Task, draft: DraftContent, why: str, sender: dict[str, Any]) -> dict[str, Any]:
    target = dict(sender)
    if task.kind == "reply" and task.source_ref.get("message_id"):
        target |= {
            "in_reply_to": task.source_ref["message_id"],
            "references": task.source_ref.get("references", []),
        }
        is_same_account = sender.get("account_id") and sender["account_id"] == task.source_ref.get("account_id")
        if is_same_account and task.source_ref.get("thread_id"):
            target["thread_id"] = task.source_ref["thread_id"]  # where the provider keeps its conversation
    return {
        "channel": "mail",
        "to_recipients": draft.to,
        "cc_recipients": draft.cc,
        "subject": draft.subject,
        "body": draft.body,
        "target": target,
        "why": why,
    }


async def _with_news(run: Run, context: TaskContext, draft: Draft) -> TaskContext:
    """The context with what came into the draft's thread after it was written, as far as the thread here lacks it."""
    moved = draft.thread_moved.messages if draft.thread_moved else []
    known = {one.message_id for one in context.thread}
    news = [one for one in moved if one.message_id not in known]
    if not news:
        return context
    kind = "mail" if draft.channel == "mail" else "Slack message"
    await taint(run, *(Taint(kind=kind, ref=one.message_id, title=one.sender) for one in news))
    more = [
        ThreadMessage(message_id=one.message_id, from_name=one.sender, sent_at=one.sent_at, text=one.text or "")
        for one in news
    ]
    return replace(context, thread=[*context.thread, *more])


async def revise_draft(run: Run) -> Outcome:
    """Write a draft anew after a person's feedback; it belongs to the task of the first draft."""
    earlier = await review.get_draft(run.caller, UUID(str(run.task.tool_input["draft_id"])))
    row = await runs.get_task_context(run.caller, earlier.task_id)
    is_chained = run.equipment.thinking.is_chained
    shown = await model_calls.get_model_context(run.caller, earlier.task_id) if is_chained else {}
    context = await _with_headers(run, TaskContext.from_row(row, run.equipment.clock.timezone))
    context = await with_meeting(run, await with_times(run, await _with_news(run, context, earlier)))
    context = await with_names(run, context)
    before = EarlierDraft(
        to=earlier.to_recipients, cc=earlier.cc_recipients, subject=earlier.subject, body=earlier.body
    )
    now, thinking = run.equipment.clock.now(), thinking_of(run)
    feedback = str(run.task.tool_input["feedback"])
    trail = Trail.of_recorded(shown.get("last_answer")) if earlier.thread_moved is None else None
    try:
        revised = await reviser.revise(context, before, feedback=feedback, now=now, thinking=thinking, trail=trail)
    except BudgetUsedUp as used_up:
        return out_of_budget(used_up)
    if not isinstance(revised, Immediate) or revised.draft is None:
        return await _outcome(run, Liked(revised), checker.Checks())
    target = earlier.target
    if LACKS in target:  # is there a mailbox now?
        target = {name: value for name, value in target.items() if name != LACKS} | await _sender(run)
    content = _draft_content(context.task, revised.draft, revised.message, target) | {
        "channel": earlier.channel,
        "target": target,
        "bcc_recipients": earlier.bcc_recipients,
        "thread_tail": earlier.thread_tail,
    }
    preferred: list[dict[str, Any]] = (
        earlier.provenance.get("preferences") or []
    )  # the feedback is followed, and what it leaves is as it was
    own = await note_own_words(run, context)
    await deliver(run, content, _result(revised), supersedes_id=earlier.id, liked=preferred, own_words=own)
    return Settled()
