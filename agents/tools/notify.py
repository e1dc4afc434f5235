"""The tool that tells stakeholders of a failure that matters: drafts of a mail and of a Slack message, for a person to approve."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from agents.equipment import Run
from agents.journal import insist
from agents.provenance import taint
from agents.services.chat import Chat
from agents.tools.mail_writing import deliver_mail
from agents.tools.slack import NotificationInput, notify
from agents.tools.tool import AnyTool, Done, Outcome, Settled, StrictInput, Tool
from core.errors import NotFound
from core.outside.chat import LONGEST_TEXT
from tasks import functions, plans
from tasks.actions import Effect
from tasks.functions import TaskNode
from tasks.models import Evidence
from tasks.plans import PlanTree

LONGEST_REASON = 2000


class NotifyInput(StrictInput):
    """Which task of which plan has failed."""

    plan_id: UUID
    task_id: UUID


@dataclass(frozen=True)
class Audience:
    """Who can be told, and who cannot and why. `channel` is empty where nothing is written to Slack."""

    addresses: Sequence[str]
    channel: str
    not_reached: Sequence[str]

    def in_words(self) -> str:
        told = [*self.addresses, *([self.channel] if self.channel else [])]
        return "; ".join([f"Drafts for {', '.join(told)}" if told else "No draft was written", *self.not_reached])


async def notify_stakeholders(run: Run, given: NotifyInput) -> Outcome:
    """A mail as the draft of this task, and a task of its own for Slack, where a channel is given and Slack is connected.

    Raises NotFound for a task that is not of this plan.
    """
    plan_tree = await plans.get_plan(run.caller, given.plan_id)
    failed = next((one for one in _all(plan_tree.tree) if one.id == given.task_id), None)
    if failed is None:
        raise NotFound("There is no such task in this plan", detail=f"task {given.task_id} of plan {given.plan_id}")
    if failed.tainted_by:
        await taint(run, *failed.tainted_by)  # its reason may be in others' words
    audience = await _audience(run, plan_tree, failed)
    subject, body = message_of(plan_tree, failed)
    if audience.addresses:
        if audience.channel:
            await _tell_channel(run, given, audience.channel, f"{subject}\n\n{body}")
        await deliver_mail(
            run,
            to=audience.addresses,
            cc=[],
            bcc=[],
            subject=subject,
            body=body,
            answers=None,
            files=[],
            account_id=None,
            message=audience.in_words(),
        )
        return Settled()
    if audience.channel:
        text = f"{subject}\n\n{body}"[:LONGEST_TEXT]
        return await notify(run, NotificationInput(channel=audience.channel, text=text))
    said = audience.in_words()
    return Done(
        {"told": [], "message": said}, "verified", [Evidence(kind="stakeholders", what=said)], {"message": said}
    )


async def _audience(run: Run, plan_tree: PlanTree, failed: TaskNode) -> Audience:
    from agents.objective import PlanContext
    from agents.playbooks.filling import addresses_of

    context = PlanContext.of(plan_tree.plan.request)
    addresses = addresses_of(context.stakeholders)
    others = [one for one in context.stakeholders if one not in addresses]
    missing = [] if context.stakeholders else ["the plan names no stakeholders"]
    if others:
        missing.append(f"not reached, since these are no mail addresses: {', '.join(others)}")
    channel = str(context.resources.get("slack_channel") or "")
    if channel:
        lacks = run.equipment.outside.lacks(Chat, await run.equipment.outside.providers(run.caller))
        if lacks is not None:
            missing.append(f"nothing is written to {channel}, since Slack is not connected: {lacks}")
        elif failed.tainted_by and addresses:
            missing.append(f"nothing is written to {channel}, since others' words are in it: read the mail first")
        channel = "" if lacks is not None or (failed.tainted_by and addresses) else channel
    return Audience(addresses, channel, missing)


async def _tell_channel(run: Run, given: NotifyInput, channel: str, text: str) -> None:
    """A task beside this one, since a task has one draft; once, however often this one runs."""
    from agents.playbooks.filling import harmless

    item = {
        "title": run.task.title[:480] + " (Slack)",
        "kind": "message",
        "execution_type": "semi_automated",
        "priority": "critical",
        "source": "plan",
        "source_ref": {"plan_id": str(given.plan_id), "task_id": str(given.task_id)},
        "source_key": f"notify_stakeholders/{given.task_id}/slack/{run.task.id}",
        "tool": "slack_notification",
        "tool_input": {"channel": channel, "text": harmless(text)[:LONGEST_TEXT]},
    }
    for made in await insist(lambda: functions.create_tasks(run.caller, [item])):
        await insist(lambda task_id=made.id: functions.queue_task_execution(run.caller, task_id))


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
        is_plannable=False,
    ),
)
