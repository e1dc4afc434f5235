"""The tool that tells stakeholders of a failure that matters: drafts of a mail and of a Slack message, for a person to approve."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from agents.equipment import Run
from agents.journal import insist
from agents.services.chat import Chat
from agents.tools.tool import AnyTool, Done, Outcome, Settled, StrictInput, Tool
from core.errors import NotFound
from core.outside.chat import LONGEST_TEXT
from tasks import functions, plans, trees
from tasks.accounts import connected_providers
from tasks.actions import Effect
from tasks.functions import TaskNode
from tasks.models import Evidence
from tasks.plans import PlanTree

LONGEST_REASON = 2000


class NotifyInput(StrictInput):
    """Which task of which plan has failed."""

    plan_id: UUID
    task_id: UUID


async def notify_stakeholders(run: Run, given: NotifyInput) -> Outcome:
    """One part that drafts the mail, and one for Slack where a channel is given and Slack is connected.

    Raises NotFound for a task that is not of this plan. Run again, it lets its parts go on and writes nothing twice.
    """
    if run.task.subtask_count:
        await insist(lambda: trees.open_subtasks(run.caller, run.task.id))
        return Settled()
    plan_tree = await plans.get_plan(run.caller, given.plan_id)
    failed = _found(plan_tree.tree, given.task_id)
    if failed is None:
        raise NotFound("There is no such task in this plan", detail=f"task {given.task_id} of plan {given.plan_id}")
    parts, message = await _drafts(run, plan_tree, failed)
    if not parts:
        return Done({"told": [], "message": message}, "verified", [Evidence(kind="stakeholders", what=message)])
    await insist(lambda: functions.decompose_task_execution(run.caller, run.task.id, parts, message, 1.0))
    return Settled()


async def _drafts(run: Run, plan_tree: PlanTree, failed: TaskNode) -> tuple[list[dict[str, Any]], str]:
    """The parts that write a draft each, and whom they reach and do not reach, in words."""
    from agents.objective import PlanContext
    from agents.playbooks.filling import addresses_of, harmless

    context = PlanContext.of(plan_tree.plan.request)
    reached = addresses_of(context.stakeholders)
    not_reached = [one for one in context.stakeholders if one not in reached]
    subject, body = message_of(plan_tree, failed)
    parts: list[dict[str, Any]] = []
    told: list[str] = []
    if reached:
        mail = {"to": reached, "subject": harmless(subject), "body": harmless(body)}
        parts.append(_part("Tell the stakeholders by mail", "email_send", mail))
        told += reached
    channel = str(context.resources.get("slack_channel") or "")
    lacks = run.equipment.outside.lacks(Chat, await connected_providers(run.caller)) if channel else None
    if channel and lacks is None:
        text = harmless(f"{subject}\n\n{body}")[:LONGEST_TEXT]
        parts.append(_part("Tell the channel", "slack_notification", {"channel": channel, "text": text}))
        told.append(channel)
    said = [f"Drafts for {', '.join(told)}" if told else "No draft was written"]
    if not context.stakeholders:
        said.append("the plan names no stakeholders")
    if not_reached:
        said.append(f"not reached, since these are no mail addresses: {', '.join(not_reached)}")
    if lacks is not None:
        said.append(f"nothing is written to {channel}, since Slack is not connected: {lacks}")
    return parts, "; ".join(said)


def _part(title: str, tool: str, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": title,
        "kind": "email" if tool == "email_send" else "message",
        "execution_type": "semi_automated",
        "priority": "critical",
        "tool": tool,
        "tool_input": given,
        "on_failure": "escalate",
    }


def message_of(plan_tree: PlanTree, failed: TaskNode) -> tuple[str, str]:
    """Subject and text: what failed, why, what was tried, what waits for it, and what is needed."""
    plan, now = plan_tree.plan, failed.execution_status
    why = " ".join((failed.failure_reason or "no reason was given").split())[:LONGEST_REASON]
    tries = f"{failed.retry_count + 1} times" if failed.retry_count else "once"
    lines = [
        f"“{failed.title}”, a task of the plan “{plan.title}”, has failed.",
        "",
        f"Why: {why}",
        f"It was tried {tries}.",
    ]
    changes = [one for one in plan_tree.changes if one.failed_task_id == failed.id]
    lines += [f"The plan was changed because of it: {one.reason}" for one in changes if one.decision != "escalate"]
    waiting = [
        one.title for one in _all(plan_tree.tree) if failed.id in one.depends_on and one.execution_status == "pending"
    ]
    if waiting:
        lines.append(f"What waits for it: {', '.join(waiting[:10])}.")
    lines += ["", f"What is needed: {_needed(plan.state, now)}"]
    return " ".join(f"Failed: {failed.title} ({plan.title})".split())[:300], "\n".join(lines) + "\n"


def _needed(plan_state: str, state: str) -> str:
    if state != "failed":
        return f"nothing any more; the task is {state.replace('_', ' ')} by now."
    if plan_state in {"failed", "cancelled"}:
        return f"a decision whether the plan, which {'has failed' if plan_state == 'failed' else 'was cancelled'}, is tried again."
    return "a decision: try it again, do it another way, or go on without it."


def _found(tree: TaskNode, task_id: UUID) -> TaskNode | None:
    return next((one for one in _all(tree) if one.id == task_id), None)


def _all(tree: TaskNode) -> Sequence[TaskNode]:
    return [one for child in tree.children for one in (child, *_all(child))]


NOTIFY_TOOLS: tuple[AnyTool, ...] = (
    Tool(
        "notify_stakeholders",
        "Drafts a mail, and a Slack message where a channel is known, to the stakeholders of a plan: a task has failed",
        "control",
        notify_stakeholders,
        NotifyInput,
        effect=Effect.READ,
    ),
)
