"""How long a task takes, learned from how long such tasks took: medians that one can check by hand. Pure.

Tasks of the narrowest group with enough cases count: to the same person, with the same label, with the same first word,
of the same kind, all. With few cases the wider group has a say, as if it were `WIDER_WEIGHT` cases more.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, log
from statistics import median

from tasks.day_plans import WorkedTask
from tasks.kinds import kind_words
from tasks.models import Task

LAST_CASES = 7  # people get faster: older cases say little
FEWEST_CASES = 3
WIDER_WEIGHT = 2
FEWEST_RATIOS = 5
LIKE_SAID = (0.85, 1.15)  # a usual ratio between these is as it was said
STEP_MINUTES = 5
# The built-in kinds as one says them of several; others are "tasks of kind x".
OF_MANY = {
    "email": "mails",
    "reply": "replies",
    "message": "messages",
    "meeting_summary": "meeting summaries",
    "summary": "summaries",
    "action_items": "lists of action items",
    "report": "reports",
    "outline": "outlines",
    "document": "documents",
    "translation": "translations",
    "spreadsheet": "spreadsheets",
    "schedule": "bookings",
    "research": "pieces of research",
    "purchase": "purchases",
    "payment": "payments",
    "call": "calls",
    "project": "projects",
    "errand": "errands",
}


@dataclass(frozen=True)
class Asked:
    """A task whose duration is wanted. `by_hand`: a person does it."""

    title: str
    kind: str = "errand"
    labels: tuple[str, ...] = ()
    recipient: str | None = None
    by_hand: bool = True

    @classmethod
    def of(cls, task: Task) -> "Asked":
        """What a task is asked by."""
        by_hand = task.execution_type == "manual" and task.tool is None
        return cls(task.title, task.kind, tuple(task.labels), task.recipient, by_hand)


@dataclass(frozen=True)
class Learned:
    """What cases say of a task: the minutes to count on, between which half of the cases lie, and why in a sentence."""

    minutes: int
    low: int
    high: int
    cases: int
    why: str


@dataclass(frozen=True)
class Bias:
    """How much longer (or, below 1, shorter) than estimated a person's tasks take, over so many of them."""

    ratio: float
    cases: int

    @property
    def in_words(self) -> str:
        """ "You usually need 1.4 times what you estimate"; empty where it is about right."""
        low, high = LIKE_SAID
        if low <= self.ratio <= high:
            return ""
        return f"you usually need {self.ratio:.1f} times what you estimate (the last {self.cases} tasks)"


@dataclass(frozen=True)
class Group:
    """Cases that are alike, newest first, and what they are called."""

    name: str
    minutes: tuple[int, ...]


def learned_for(task: Asked, cases: Sequence[WorkedTask]) -> Learned | None:
    """The duration that cases of the same hands suggest, cases newest first; None with fewer than three."""
    groups = [one for one in _groups(task, [c for c in cases if c.by_hand == task.by_hand]) if one.minutes]
    if not groups or len(groups[-1].minutes) < FEWEST_CASES:
        return None
    last = [one.minutes[:LAST_CASES] for one in groups]
    told = next(i for i, one in enumerate(groups) if len(one.minutes) >= FEWEST_CASES or i == len(groups) - 1)
    middle = float(median(last[-1]))
    for minutes in reversed(last[told:-1]):
        middle = _between(float(median(minutes)), len(minutes), middle)
    low, high = _half_of(last[told])
    minutes = rounded(middle)
    return Learned(
        minutes, min(low, minutes), max(high, minutes), len(last[told]), _why(groups[told], last[told], minutes)
    )


def expected(task: Task, cases: Sequence[WorkedTask]) -> tuple[int | None, str]:
    """The minutes to count on, and why; None where nobody said and nothing is learned. What was said stands, with what is usual beside it."""
    learned = learned_for(Asked.of(task), cases)
    said = task.estimated_duration_minutes
    if said is None:
        return (learned.minutes, learned.why) if learned else (None, "")
    bias = own_bias(cases)
    beside = [bias.in_words] if bias and bias.in_words and task.execution_type == "manual" else []
    if learned and not learned.low <= said <= learned.high:
        beside.append(learned.why)
    return said, "; ".join([f"estimated at {said} min", *beside])


def own_bias(cases: Iterable[WorkedTask]) -> Bias | None:
    """What a person's own estimates are off by; None before five tasks were estimated and timed."""
    ratios = [
        max(one.minutes, 1) / one.estimated_minutes
        for one in cases
        if one.by_hand and one.is_own_estimate and one.estimated_minutes
    ][:20]
    if len(ratios) < FEWEST_RATIOS:
        return None
    return Bias(round(median(ratios), 1), len(ratios))


def rounded(minutes: float) -> int:
    """Minutes as one says them: to five from ten on, never none."""
    if minutes < 2 * STEP_MINUTES:
        return max(1, round(minutes))
    return STEP_MINUTES * round(minutes / STEP_MINUTES)


def _groups(task: Asked, cases: Sequence[WorkedTask]) -> Iterable[Group]:
    """Ever wider groups, the last of all cases of these hands."""
    of_kind = [one for one in cases if one.kind == task.kind]
    many = OF_MANY.get(task.kind, f"tasks of the kind “{kind_words(task.kind)}”")

    def group(name: str, among: Sequence[WorkedTask], fits: Callable[[WorkedTask], bool]) -> Group:
        return Group(name, tuple(max(one.minutes, 1) for one in among if fits(one)))

    if task.recipient:
        whom = task.recipient.casefold()
        yield group(f"{many} for {task.recipient}", of_kind, lambda one: (one.recipient or "").casefold() == whom)
    for label in sorted(task.labels):
        yield group(f"tasks with #{label}", cases, lambda one, label=label: label in one.labels)
    if word := _first_word(task.title):
        yield group(f"tasks that begin with “{word}”", of_kind, lambda one: _first_word(one.title) == word)
    yield group(many, of_kind, lambda _: True)
    yield group("tasks" if task.by_hand else "tasks that Steward did", cases, lambda _: True)


@lru_cache(maxsize=4096)  # titles of the same cases are looked at for every task
def _first_word(title: str) -> str:
    found = re.match(r"\W*(\w+)", title.casefold())
    return found[1] if found else ""


def _between(own: float, count: int, wider: float) -> float:
    """Between a median of few cases and the wider group's, nearer the first the more cases it has. As factors, not sums."""
    if count >= LAST_CASES:
        return own
    return exp((count * log(own) + WIDER_WEIGHT * log(wider)) / (count + WIDER_WEIGHT))


def _half_of(minutes: Sequence[int]) -> tuple[int, int]:
    """Between which minutes the middle half of the cases lies."""
    ordered = sorted(minutes)
    cut = len(ordered) // 4
    return ordered[cut], ordered[-1 - cut]


def _why(group: Group, minutes: Sequence[int], told: int) -> str:
    middle = rounded(median(minutes))
    said = f"median of your last {len(minutes)} {group.name}: {middle} min"
    if group.name.startswith("tasks that Steward"):
        said = f"median of the last {len(minutes)} {group.name}: {middle} min"
    return said if told == middle else f"{said}; with so few of them, other tasks count too"
