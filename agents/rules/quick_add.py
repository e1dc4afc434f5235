"""Quick add: one line is one task; what was understood in it is shown as chips that can be taken off again."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agents.rules.dates import find_dates
from agents.rules.extract import ADDRESS, HANDLE, LABEL, extract_tasks
from agents.rules.recurrence import find_recurrence
from tasks.models import ExtractedTask, Priority

PRIORITY = re.compile(r"(?<!\w)(?:!!?!?|p)([1-4])(?!\w)", re.IGNORECASE)
PRIORITY_WORDS: dict[str, Priority] = {"1": "critical", "2": "high", "3": "medium", "4": "low"}
LONGEST_TITLE = 500


@dataclass(frozen=True)
class Chip:
    """Something understood at [start, end) of the line: the words as typed, and what they mean in words."""

    kind: Literal["due", "recurrence", "priority", "label", "recipient"]
    text: str
    start: int
    end: int
    value: str

    @property
    def key(self) -> str:
        """What names this chip when it is taken off."""
        return f"{self.kind}:{self.text}"


@dataclass(frozen=True)
class QuickAdd:
    """The task that a line makes, and its chips in the order of the line."""

    task: ExtractedTask
    chips: list[Chip]


def parse_quick_add(text: str, now: datetime, ignore: Iterable[str] = ()) -> QuickAdd:
    """Exactly one task out of any line. `ignore` holds keys of chips taken off: their words stay in the title."""
    line = re.sub(r"\s+", " ", re.sub(r"[\x00-\x1f\x7f]", " ", text)).strip()[:2000]
    taken_off = set(ignore)
    chips = [chip for chip in _chips(line, now) if chip.key not in taken_off]
    title = line
    for chip in sorted(chips, key=lambda c: -c.start):
        if chip.kind != "recipient":
            title = f"{title[: chip.start]} {title[chip.end :]}"
    title = re.sub(r"\s+", " ", title).strip(" ,;:-") or line or "Untitled"
    return QuickAdd(_task(title, line, chips, now), chips)


def _chips(line: str, now: datetime) -> list[Chip]:
    chips: list[Chip] = []
    rule = find_recurrence(line, now)
    if rule:
        chips.append(Chip("recurrence", line[rule.start : rule.end].strip(), rule.start, rule.end, f"repeats, first {_words(rule.due_at, rule.is_all_day)}"))
    for mention in find_dates(line, now):
        if not any(c.start < mention.end and mention.start < c.end for c in chips):
            chips.append(Chip("due", line[mention.start : mention.end], mention.start, mention.end, _words(mention.due_at, mention.is_all_day)))
            break
    if found := PRIORITY.search(line):
        chips.append(Chip("priority", found[0], found.start(), found.end(), PRIORITY_WORDS[found[1]]))
    chips += [Chip("label", m[0], m.start(), m.end(), m[1].casefold()) for m in LABEL.finditer(line)]
    if found := ADDRESS.search(line) or HANDLE.search(line):
        chips.append(Chip("recipient", found[0], found.start(), found.end(), found[0]))
    return sorted(chips, key=lambda chip: chip.start)


def _words(due: datetime, is_all_day: bool) -> str:
    return f"{due:%a} {due.day} {due:%b}" + ("" if is_all_day else f", {due:%H:%M}")


def _task(title: str, line: str, chips: list[Chip], now: datetime) -> ExtractedTask:
    """The rules say what kind of task the words are; the chips say the rest."""
    read = next(iter(extract_tasks(title, now).tasks), None)
    due = rule = None
    for chip in chips:
        if chip.kind == "recurrence":
            rule = find_recurrence(line, now)
        elif chip.kind == "due":
            due = next((d for d in find_dates(line, now) if d.start == chip.start), None)
    when = rule or due
    return ExtractedTask(
        title=title[:300],
        execution_type=read.execution_type if read else "manual",
        kind=read.kind if read else "errand",
        confidence=read.confidence if read else 0.9,
        why=read.why if read else "You added it",
        due_at=when.due_at if when else None,
        due_is_all_day=when.is_all_day if when else True,
        recurrence=rule.rule if rule else None,
        priority=next((PRIORITY_WORDS[c.text[-1]] for c in chips if c.kind == "priority"), "medium"),
        labels=[c.value for c in chips if c.kind == "label"],
        recipient=next((c.value for c in chips if c.kind == "recipient"), read.recipient if read else None),
        quote=line[:500],
    )
