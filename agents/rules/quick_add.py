"""Quick add: one line is one task; what was understood in it is shown as chips that can be taken off again."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agents.rules.dates import DateMention, find_dates
from agents.rules.extract import tidy
from agents.rules.marks import (
    Mark,
    MarkKind,
    find_labels,
    find_minutes,
    find_priority,
    find_recipient,
    priority_of,
    without,
)
from agents.rules.meaning import PLAIN, Meaning, meaning_of
from agents.rules.recurrence import CODES, Recurrence, find_recurrence
from agents.rules.reminding import reminder_of
from agents.rules.requests import strip_request
from agents.rules.sentences import verb_of
from agents.rules.thanks import without_thanked_days
from agents.rules.titles import LONGEST_TITLE, clean_title
from agents.rules.verbs import unknown_verb
from core.errors import Invalid
from tasks.models import ExtractedTask

LONGEST_LINE = 2_000
LONGEST_TEXT = 100_000
CHIPS_AT_MOST = 20
UNITS = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
DAY_NAMES = dict(zip(CODES, ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True))


@dataclass(frozen=True)
class Chip:
    """Something understood at [start, end) of the line: the words as typed, and what they mean in words."""

    kind: MarkKind
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
    """The task that a line makes, and its chips in the order of the line. `line` is what their offsets count in."""

    task: ExtractedTask
    chips: list[Chip]
    line: str


@dataclass(frozen=True)
class _Found:
    """A chip, with the moment or rule that it stands for."""

    chip: Chip
    when: DateMention | Recurrence | None = None


def parse_quick_add(text: str, now: datetime, ignore: Iterable[str] = ()) -> QuickAdd:
    """Exactly one task out of any line; `now` is aware. Raises Invalid where there is nothing to read.

    `ignore` holds the keys of chips that were taken off: their words are plain words of the title again. Lines below
    the first become the description.
    """
    line, below = _first_line(text)
    taken_off = frozenset(ignore)
    found = _due(line, now, taken_off)
    for mark in (find_priority(line), *find_labels(line)[:CHIPS_AT_MOST]):
        if mark and not _overlaps(mark, found):
            found.append(_Found(_chip(mark.kind, line, mark.start, mark.end, mark.value)))
    found = [one for one in found if one.chip.key not in taken_off]
    words = without(line, [(one.chip.start, one.chip.end) for one in found])
    reminder_at = _reminder(line, found, now)
    if reminder_at:
        words = strip_request(words).words or words  # "remind me to" is said by the reminder
    title = clean_title(words) or clean_title(line) or line[:LONGEST_TITLE]
    meaning = _meaning(title)
    recipient = find_recipient(line, meaning.kind)
    if recipient and not _overlaps(recipient, found):
        chip = _chip("recipient", line, recipient.start, recipient.end, recipient.value)
        found += [_Found(chip)] if chip.key not in taken_off else []
    found.sort(key=lambda one: one.chip.start)
    task = _task(title, meaning, line, below, found).model_copy(update={"reminder_at": reminder_at})
    return QuickAdd(task, [one.chip for one in found], line)


def _reminder(line: str, found: list[_Found], now: datetime) -> datetime | None:
    when = next((one.when for one in found if one.when), None)
    return reminder_of(line, when.due_at, is_all_day=when.is_all_day, now=now) if when else None


def _first_line(text: str) -> tuple[str, str]:
    first, _, below = tidy(text[:LONGEST_TEXT]).strip().partition("\n")
    if not first:
        raise Invalid(
            "text is empty: a task needs at least one word", hint="For example: call Ana tomorrow 3pm p1 #home"
        )
    if len(first) > LONGEST_LINE:
        below = f"{first[LONGEST_LINE:]}\n{below}"
    return first[:LONGEST_LINE].rstrip(), below.strip()


def _due(line: str, now: datetime, taken_off: frozenset[str]) -> list[_Found]:
    """The rule, or else the first date that was not taken off."""
    rule = find_recurrence(line, now)
    if rule:
        start, end = _trimmed(line, rule.start, rule.end)
        chip = _chip("recurrence", line, start, end, f"{describe_rule(rule)}, first {_moment(rule, now)}")
        if chip.key not in taken_off:
            return [_Found(chip, rule)]
    for mention in without_thanked_days(line, find_dates(line, now)):
        start, end = _trimmed(line, mention.start, mention.end)
        remind = reminder_of(line, mention.due_at, is_all_day=mention.is_all_day, now=now)
        also = f", with a reminder at {remind:%H:%M}" if remind else ""
        chip = _chip("due", line, start, end, _moment(mention, now) + also)
        inside = rule and rule.start < mention.end and mention.start < rule.end
        if chip.key not in taken_off and not mention.keeps_words and not inside:
            return [_Found(chip, mention)]
    return []


def describe_rule(rule: Recurrence) -> str:
    """A rule in words: "every week on Fri", "every 2 months on day 1"."""
    parts = dict(part.split("=", 1) for part in rule.rule.split(";"))
    interval, unit = int(parts.get("INTERVAL", "1")), UNITS[parts["FREQ"]]
    words = f"every {unit}" if interval == 1 else f"every {interval} {unit}s"
    days = re.findall(r"(-?\d*)([A-Z]{2})", parts.get("BYDAY", ""))
    if len(days) == 5 and interval == 1:
        return "every weekday"
    if days:
        nth = {"": "", "-1": "last ", "1": "first ", "2": "second ", "3": "third ", "4": "fourth "}
        return f"{words} on {', '.join(nth[number] + DAY_NAMES[day] for number, day in days)}"
    if "BYMONTHDAY" in parts and "BYMONTH" not in parts:
        day = parts["BYMONTHDAY"]
        return f"{words} on the last day" if day == "-1" else f"{words} on day {day}"
    return words


def _moment(when: DateMention | Recurrence, now: datetime) -> str:
    due = when.due_at
    year = f" {due.year}" if due.year != now.year else ""
    return f"{due:%a} {due.day} {due:%b}{year}" + ("" if when.is_all_day else f", {due:%H:%M}")


def _chip(kind: MarkKind, line: str, start: int, end: int, value: str) -> Chip:
    return Chip(kind, line[start:end], start, end, value)


def _trimmed(line: str, start: int, end: int) -> tuple[int, int]:
    words = line[start:end]
    return start + len(words) - len(words.lstrip()), end - (len(words) - len(words.rstrip()))


def _overlaps(mark: Mark, found: list[_Found]) -> bool:
    return any(one.chip.start < mark.end and mark.start < one.chip.end for one in found)


def _meaning(title: str) -> Meaning:
    found = verb_of(title) or unknown_verb(strip_request(title).words)
    return meaning_of(found) if found else Meaning("errand", "manual", 0.9, "You added it")


def _task(title: str, meaning: Meaning, line: str, below: str, found: list[_Found]) -> ExtractedTask:
    when = next((one.when for one in found if one.when), None)
    chips = [one.chip for one in found]
    priority = next(
        (Mark(chip.kind, chip.start, chip.end, chip.value) for chip in chips if chip.kind == "priority"), None
    )
    rest = f"{line}\n{below}".strip() if len(title) >= LONGEST_TITLE - 1 else below
    return ExtractedTask(
        title=title,
        description=rest,
        execution_type=meaning.execution_type,
        kind=meaning.kind,
        confidence=meaning.confidence,
        why=meaning.why if meaning is not PLAIN["unsure"] else "You added it",
        due_at=when.due_at if when else None,
        due_is_all_day=when.is_all_day if when else True,
        recurrence=when.rule if isinstance(when, Recurrence) else None,
        priority=priority_of(priority),
        labels=list(dict.fromkeys(chip.value for chip in chips if chip.kind == "label")),
        recipient=next((chip.value for chip in chips if chip.kind == "recipient"), None),
        quote=line[:500],
        estimated_duration_minutes=find_minutes(title),
    )
