"""A status report from the tasks that are known; any other report needs a model and its data."""

import re
from datetime import datetime, timedelta
from typing import Any

from agents.rules.workflows import needs_model
from agents.rules.workflows.wording import is_german, say_date
from agents.strategist import Blocked, Immediate, TaskContext

STATUS = re.compile(
    r"\b(?:status|weekly|daily|monthly|progress|stand-?up|update|activity|statusbericht|wochenbericht|tagesbericht|monatsbericht|fortschritt\w*)",
    re.IGNORECASE,
)
PERIODS = [
    (re.compile(r"\b(?:daily|tages\w*|stand-?up)\b", re.I), 1),
    (re.compile(r"\b(?:monthly|monats\w*)\b", re.I), 31),
]
HEADINGS = (
    ("Done in the last {days} days", "In progress", "Overdue", "Open"),
    ("Erledigt in den letzten {days} Tagen", "In Arbeit", "Überfällig", "Offen"),
)


def decide(context: TaskContext, now: datetime) -> Immediate | Blocked:
    """A report on the known tasks as of `now`; Blocked when there are none, or the report is on something else."""
    words = context.task.title
    if not STATUS.search(words):
        return needs_model.decide(context, now)
    days = next((days for pattern, days in PERIODS if pattern.search(words)), 7)
    done, running, late, still_open = _sorted(context, now, days)
    if not (done or running or late or still_open):
        return Blocked(
            reason="There are no tasks to report on",
            unblocked_by="Add tasks, or write into this task what to report on",
            message="A report without data is not made",
        )
    german = is_german(words)
    names = HEADINGS[1] if german else HEADINGS[0]
    lines = [f"# {'Statusbericht' if german else 'Status report'}, {say_date(now, german=german, with_time=False)}"]
    for name, rows in zip(names, (done, running, late, still_open), strict=True):
        if rows:
            lines += ["", f"## {name.format(days=days)}", *rows]
    return Immediate(
        output="\n".join(lines) + "\n",
        format="markdown",
        confidence=0.7,
        message=f"Made from {len(done) + len(running) + len(late) + len(still_open)} of your tasks",
    )


def _sorted(context: TaskContext, now: datetime, days: int) -> tuple[list[str], list[str], list[str], list[str]]:
    done: list[str] = []
    running: list[str] = []
    late: list[str] = []
    still_open: list[str] = []
    for row in context.recent_tasks:
        status, due = str(row.get("execution_status") or ""), _moment(row.get("due_at"), now)
        finished = _moment(row.get("completed_at"), now)
        line = f"- {row.get('title')}"
        if status == "completed":
            if finished is None or finished >= now - timedelta(days=days):
                done.append(line)
        elif status in {"cancelled", "failed"}:
            continue
        elif due and due < now:
            late.append(f"{line} (due {due:%Y-%m-%d})")
        elif status in {"in_progress", "queued", "paused", "blocked"}:
            running.append(f"{line} ({status.replace('_', ' ')})")
        else:
            still_open.append(f"{line} (due {due:%Y-%m-%d})" if due else line)
    return done, running, late, still_open


def _moment(value: Any, now: datetime) -> datetime | None:
    if isinstance(value, str) and value:
        value = datetime.fromisoformat(value)
    return value.astimezone(now.tzinfo) if isinstance(value, datetime) else None
