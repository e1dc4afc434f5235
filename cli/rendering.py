"""How tasks and drafts look on a terminal: tables, a tree, a mail. Pure: records in, rich renderables out."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from cli.output import one_line, plain
from tasks.drafts import Approval, Draft
from tasks.functions import TaskNode
from tasks.models import ExecutionStatus, Task
from tasks.occurrences import describe_recurrence

MARKS: dict[str, tuple[str, str]] = {
    "pending": ("○", ""),
    "queued": ("◌", "cyan"),
    "in_progress": ("▶", "cyan"),
    "paused": ("‖", "yellow"),
    "blocked": ("!", "yellow"),
    "completed": ("✓", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("–", "dim"),
}
STATUS_WORDS: dict[str, str] = {
    "pending": "open",
    "queued": "waiting for a worker",
    "in_progress": "running",
    "paused": "paused",
    "blocked": "blocked",
    "completed": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}
TYPE_WORDS: dict[str, str] = {
    "manual": "you do it",
    "semi_automated": "prepared for your review",
    "fully_automated": "done by itself",
}
BLOCKED_WORDS: dict[str, str] = {
    "review": "waits for your review",
    "person": "waits for you",
    "subtasks": "waits for its steps",
    "model": "needs a language model",
    "delay": "waits for its time",
    "agent": "waits for an agent",
    "reply": "waits for a reply",
    "start": "waits for your start",
}
TITLE = 2  # which column of the table it is
GAP = 2
PRIORITY_STYLES: dict[str, str] = {"critical": "bold red", "high": "yellow", "medium": "", "low": "dim"}


def short_id(task: Task | Draft | Approval) -> str:
    """The first eight digits of an id, enough to name it."""
    return str(task.id)[:8]


def mark(status: ExecutionStatus) -> Text:
    """One character for a state."""
    return Text(*MARKS[status])


def task_mark(task: Task) -> Text:
    """One character for the state of a task; one whose draft waits is not done."""
    return mark("blocked" if task.is_drafted else task.execution_status)


def day_words(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`today`, `tomorrow`, `Fri 6 Mar`; with the year where it is not this one."""
    day, today = moment.astimezone(zone).date(), now.astimezone(zone).date()
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get((day - today).days)
    if near:
        return near
    return f"{day:%a} {day.day} {day:%b}" + ("" if day.year == today.year else f" {day.year}")


def moment_words(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Day and time."""
    return f"{day_words(moment, now, zone)} {moment.astimezone(zone):%H:%M}"


def due_words(task: Task, now: datetime, zone: ZoneInfo) -> str:
    """When a task is due, with the time where it has one; empty without a due date."""
    if task.due_at is None:
        return ""
    return (day_words if task.due_is_all_day else moment_words)(task.due_at, now, zone)


def repeats_words(task: Task) -> str:
    """How a task repeats: "every Friday"; empty for one that does not, or does not any more."""
    return describe_recurrence(task.recurrence, task.repeats_from) if task.recurrence and task.repeats else ""


def snooze_words(task: Task, now: datetime, zone: ZoneInfo) -> str:
    """Until when a task is out of sight; empty where it is not."""
    waits = task.snoozed_for or {}
    who = waits.get("who") or waits.get("reply_from")
    until = moment_words(task.snoozed_until, now, zone) if task.snoozed_until else ""
    return ", or ".join(
        part for part in (f"until {who} replies" if who else "", f"until {until}" if until else "") if part
    )


def due_text(task: Task, now: datetime, zone: ZoneInfo) -> Text:
    """As `due_words`, red when it is over and the task is open."""
    is_open = task.execution_status not in {"completed", "cancelled"}
    if task.due_at is None or not is_open:
        return Text(due_words(task, now, zone))
    if task.due_at < now:
        return Text(due_words(task, now, zone), "red")
    soon = task.due_at - now < timedelta(days=1)
    return Text(due_words(task, now, zone), "yellow" if soon else "")


def task_table(tasks: Sequence[Task], now: datetime, zone: ZoneInfo, width: int) -> Table:
    """Tasks, one a line: id, state, title, due, priority, labels. The title gives way where `width` is short."""
    rows = [
        (
            Text(short_id(task), "dim"),
            task_mark(task),
            _list_title(task),
            due_text(task, now, zone),
            Text("" if task.priority == "medium" else task.priority, PRIORITY_STYLES[task.priority]),
            _clipped(Text(one_line(" ".join(f"#{label}" for label in task.labels)), "dim"), max(14, width // 5)),
        )
        for task in tasks
    ]
    heads = ("ID", "", "Task", "Due", "Priority", "Labels")
    widths = [max(len(head), *(row[n].cell_len for row in rows)) for n, head in enumerate(heads)]
    room = width - sum(widths) + widths[TITLE] - GAP * (len(heads) - 1)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    for head, column_width in zip(heads, widths, strict=True):
        table.add_column(head, no_wrap=True, min_width=column_width if head != "Task" else None)
    for row in rows:
        table.add_row(*row[:TITLE], _clipped(row[TITLE], max(20, room)), *row[TITLE + 1 :])
    return table


def _list_title(task: Task) -> Text:
    title = Text()
    if task.flags:
        title.append("⚑ ", "red")
    if task.subtask_count:
        title.append(f"[{task.subtask_done_count}/{task.subtask_count}] ", "dim")
    return title.append(one_line(task.title))


def _clipped(text: Text, width: int) -> Text:
    text.truncate(width, overflow="ellipsis")
    return text


def status_line(task: Task) -> str:
    """The state in words, and what it waits for."""
    words = "drafted, waits for your review" if task.is_drafted else STATUS_WORDS[task.execution_status]
    if task.execution_status == "blocked" and task.blocked_on:
        words += f", {BLOCKED_WORDS.get(task.blocked_on, task.blocked_on)}"
    if task.paused_at and task.execution_status != "paused":
        words += ", paused"
    return words


def facts(rows: Iterable[tuple[str, str | Text]], indent: int = 0) -> Table:
    """Name and value, one pair a line; pairs without a value are left out."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        if value:
            table.add_row(" " * indent + name, Text(plain(value)) if isinstance(value, str) else value)
    return table


def understood(found: Task, now: datetime, zone: ZoneInfo) -> list[tuple[str, str]]:
    """What was understood of a new task, as pairs for `facts`."""
    return [
        ("type", f"{found.execution_type} ({TYPE_WORDS[found.execution_type]})"),
        ("due", due_words(found, now, zone)),
        ("repeats", repeats_words(found)),
        ("priority", "" if found.priority == "medium" else found.priority),
        ("labels", " ".join(f"#{label}" for label in found.labels)),
        ("to", found.recipient or ""),
        ("why", found.ai_context or ""),
    ]


def task_tree(node: TaskNode) -> Tree:
    """A task with everything below it."""
    tree = Tree(tree_line(node), guide_style="dim")
    _grow(tree, node)
    return tree


def _grow(tree: Tree, node: TaskNode) -> None:
    for child in node.children:
        _grow(tree.add(tree_line(child)), child)


def tree_line(task: Task) -> Text:
    """One line of a tree."""
    line = Text.assemble(task_mark(task), " ", one_line(task.title), ("  " + short_id(task), "dim"))
    if task.execution_status in {"blocked", "failed"}:
        why = task.blocked_reason if task.execution_status == "blocked" else task.failure_reason
        line.append(f"  {one_line(why or status_line(task))}", "yellow")
    return line


def draft_as_mail(draft: Draft, body: str | None = None) -> list[Text | Table]:
    """A draft as the mail that would leave: every recipient, subject, body, attachments. Or as the Slack message."""
    text = Text(plain(draft.body if body is None else body).rstrip() or "(empty)")
    if draft.channel == "slack":
        target = draft.target
        where = [
            ("To", one_line(f"{target.get('name') or target.get('channel')} in Slack")),
            ("Thread", one_line(str(target.get("thread_ts") or ""))),
            ("Calls", one_line(", ".join(target.get("mentions") or {}))),
        ]
        return [facts(where), Text(""), text]
    head = facts(
        [
            ("From", _sender(draft)),
            ("To", ", ".join(draft.to_recipients) or "(nobody yet)"),
            ("Cc", ", ".join(draft.cc_recipients)),
            ("Bcc", ", ".join(draft.bcc_recipients)),
            ("Subject", one_line(draft.subject) or "(no subject)"),
            ("Files", ", ".join(f"{a.name} ({a.size_bytes} bytes)" for a in draft.attachments)),
        ]
    )
    return [head, Text(""), text]


def _sender(draft: Draft) -> str:
    address, name = draft.target.get("from_address"), draft.target.get("from_name")
    said = f"{name} <{address}>" if name and address else str(address or "")
    return f"{said} (no mailbox is connected to send it from)" if draft.target.get("lacks") else said
