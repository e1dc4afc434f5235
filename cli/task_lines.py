"""One task on a terminal: what it is, what it waits for, its steps, its result, its draft and its log."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from cli import rendering
from cli.output import Output, one_line, to_json
from tasks.drafts import Draft
from tasks.events import TaskEvent
from tasks.functions import TaskNode
from tasks.models import Task

if TYPE_CHECKING:
    from core.clock import Clock


def say_task(out: Output, task: Task, tree: TaskNode, drafts: list[Draft], clock: "Clock") -> None:
    """A task with all that hangs on it."""
    out.say(Text.assemble(rendering.task_mark(task), " ", (one_line(task.title), "bold")))
    out.table(rendering.facts(_task_facts(task, clock)))
    if task.description.strip():
        out.say("", task.description.strip())
    if tree.children:
        out.say("", Text("Steps", "bold"))
        out.console.print(rendering.task_tree(tree))
    say_result(out, task)
    for draft in drafts[:1]:
        by = ", by your permission" if draft.approval and draft.approval.decided_how == "permission" else ""
        heading = f"Draft {rendering.short_id(draft)}, version {draft.version}, {draft.state}{by}"
        out.say("", Text(heading, "bold"), *rendering.draft_as_mail(draft))
    out.say("", Text("Log", "bold"))
    for entry in task.execution_log:
        when = rendering.moment_words(entry.timestamp, clock.now(), clock.timezone)
        by = f" by {entry.actor_type}" if entry.actor_type else ""
        reason = f": {one_line(entry.reason)}" if entry.reason else ""
        out.say(Text.assemble((f"  {when}  ", "dim"), f"{entry.event}{by}{reason}"))


def say_let_go(out: Output, event: TaskEvent, task: Task, clock: "Clock") -> None:
    """A line of the log for what a permission of the person let go without a question."""
    data = event.data
    if event.task_id != task.id or event.message != "approved" or data.get("decided_how") != "permission":
        return
    when = rendering.moment_words(event.created_at, clock.now(), clock.timezone)
    held = data.get("hold_until")
    until = f", held until {datetime.fromisoformat(held).astimezone(clock.timezone):%H:%M:%S}" if held else ""
    out.say(Text.assemble((f"  {when}  ", "dim"), f"a standing permission let it go{until}"))


def _task_facts(task: Task, clock: "Clock") -> list[tuple[str, str | Text]]:
    is_blocked = task.execution_status == "blocked"
    because = {"blocked": task.blocked_reason, "failed": task.failure_reason}.get(task.execution_status)
    return [
        ("id", str(task.id)),
        ("state", rendering.status_line(task)),
        ("replaced by", str(task.superseded_by_id or "")),
        ("because", because or ""),
        ("what helps", (task.unblocked_by or "") if is_blocked else ""),
        ("type", f"{task.execution_type} ({rendering.TYPE_WORDS[task.execution_type]})"),
        ("due", rendering.due_text(task, clock.now(), clock.timezone)),
        ("repeats", rendering.repeats_words(task)),
        ("snoozed", rendering.snooze_words(task, clock.now(), clock.timezone)),
        ("priority", task.priority),
        ("labels", " ".join(f"#{label}" for label in task.labels)),
        ("to", task.recipient or ""),
        ("from", _source_words(task)),
        ("flagged", Text(one_line("; ".join(task.flags)), "red")),
        ("why", task.ai_context or ""),
    ]


def say_result(out: Output, task: Task) -> None:
    """The output of a run, when there is one to read."""
    result: dict[str, Any] = task.result or {}
    output = result.get("output")
    if task.tool == "outside_agent" and output is not None and result.get("strategy") != "decompose":
        output = output if isinstance(output, str) else to_json(output)  # what an agent gives is any JSON
    if isinstance(output, str) and output.strip():
        out.say("", Text("Result", "bold"), output.strip())


def _source_words(task: Task) -> str:
    """Where a task came from: the chat's words, the mail's subject."""
    ref = task.source_ref
    if task.source == "mail":
        return f"mail from {ref.get('from') or '?'}: {one_line(str(ref.get('subject') or ''))}"
    quote = ref.get("quote")
    return f"{task.source}: {one_line(str(quote))}" if quote else task.source


def say_next(out: Output, task: Task, clock: "Clock") -> None:
    """When a task comes again."""
    when = rendering.due_words(task, clock.now(), clock.timezone)
    out.say(Text.assemble("  Next: ", (when, "bold"), (f"  {rendering.short_id(task)}", "dim")))
