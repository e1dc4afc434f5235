"""What a page says about a tree of tasks: how far it is, what it needs from the person, what it waits for."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from app._view.sequence import parts_of, replaced_parts, walk
from app._view.words import seconds_left
from tasks.functions import TaskNode
from tasks.models import Task
from tasks.trees import PlanChange

__all__ = ["parts_of", "replaced_parts"]
Kind = Literal["failed", "cancelled", "decide", "review", "do", "help", "bound"]
ENDED = {"completed", "failed", "cancelled"}
SHARES = (  # the class and word of each part of the bar, from left to right
    ("completed", "done"),
    ("in_progress", "running"),
    ("queued", "queued"),
    ("blocked", "waiting"),
    ("paused", "paused"),
    ("failed", "failed"),
    ("pending", "to do"),
    ("cancelled", "cancelled"),
    ("left_out", "left out"),
)


@dataclass(frozen=True)
class Share:
    """One part of the progress bar; x and width are percents."""

    state: str
    word: str
    count: int
    x: float
    width: float


@dataclass(frozen=True)
class Progress:
    """How far a tree is, counted over the tasks that have no parts of their own."""

    total: int
    done: int
    shares: list[Share]
    left_out: int = 0
    cancelled: int = 0

    def words(self, what: str) -> str:
        """How many are done, of all that were not left out; what was cancelled is said apart: "7 of 12 tasks done, 4 cancelled"."""
        if not self.shares:
            return f"no {what} yet"
        everything = self.total + self.cancelled
        apart = [
            f"{count} {word}" for count, word in ((self.cancelled, "cancelled"), (self.left_out, "left out")) if count
        ]
        return ", ".join([f"{self.done} of {everything} {what} done", *apart])


@dataclass(frozen=True)
class Need:
    """Something that only the person can do for the tree to go on; `holds`: titles of what a cancelled part holds up."""

    task: TaskNode
    kind: Kind
    holds: list[str] = field(default_factory=list[str])


def progress_of(tree: TaskNode) -> Progress:
    """Counts over the leaves that count; what was left out or cancelled is no part of the total."""
    counts = Counter(_state(part) for part in walk(tree) if not parts_of(part))
    everything = sum(counts.values()) or 1
    shares: list[Share] = []
    x = 0.0
    for state, word in SHARES:
        if counts[state]:
            width = 100 * counts[state] / everything
            badge = "cancelled" if state == "left_out" else state
            shares.append(Share(badge, word, counts[state], round(x, 3), round(width, 3)))
            x += width
    apart = counts["left_out"], counts["cancelled"]
    return Progress(sum(counts.values()) - sum(apart), counts["completed"], shares, *apart)


def _state(task: TaskNode) -> str:
    if task.waived_at is not None:
        return "left_out"
    return "paused" if task.paused_at is not None and task.execution_status not in ENDED else task.execution_status


def needs_of(tree: TaskNode) -> list[Need]:
    """What a tree needs from the person, most pressing first."""
    order: tuple[Kind, ...] = ("decide", "failed", "cancelled", "help", "bound", "review", "do")
    return sorted(_needs(tree, held_up(tree)), key=lambda need: order.index(need.kind))


def held_up(tree: TaskNode) -> dict[UUID, list[str]]:
    """What each task of a tree holds up: the titles of what waits for it and has not begun."""
    found: dict[UUID, list[str]] = {}
    for part in walk(tree):
        if part.execution_status == "pending":
            for need in part.depends_on:
                found.setdefault(need, []).append(part.title)
    return found


def _needs(parent: TaskNode, holds: dict[UUID, list[str]]) -> Iterator[Need]:
    here = {part.id: part for part in parent.children}
    for part in parts_of(parent):
        kind = _need(part, parent, here)
        if kind is not None:
            yield Need(part, kind)
        elif part.execution_status == "cancelled" and part.id in holds and _may_be_waived(part, parent):
            yield Need(part, "cancelled", holds[part.id])
        yield from _needs(part, holds)


def _may_be_waived(part: TaskNode, parent: TaskNode) -> bool:
    return part.waived_at is None and parent.execution_status not in ENDED


def _need(part: TaskNode, parent: TaskNode, here: dict[UUID, TaskNode]) -> Kind | None:
    if part.waived_at is not None:
        return None
    if part.execution_status == "completed" and (part.open_draft_id or part.open_approval_id):
        return "review"
    match part.execution_status, part.blocked_on:
        case "failed", _:
            return "failed" if parent.execution_status not in ENDED and is_left_to_person(part) else None
        case "blocked", "approval":
            return "decide"
        case "blocked", "review":
            return "review"
        case "blocked", "bounds":
            return "bound"
        case "blocked", "person" | "model" | "account" | None:
            return "help"
        case "pending", _:
            is_free = all(here[need].execution_status == "completed" for need in part.depends_on if need in here)
            is_going = parent.execution_status in {"blocked", "in_progress"}
            return "do" if part.execution_type == "manual" and is_free and is_going else None
        case _:
            return None


def is_left_to_person(failed: Task) -> bool:
    """Has the replanner nothing (more) to do with a failed part?"""
    return failed.escalated_at is not None or failed.on_failure == "escalate"


def waits_of(tree: TaskNode) -> list[TaskNode]:
    """What waits for a time, another agent, a reply, or its next try; the soonest first, those without an end last."""
    found = [
        part
        for part in walk(tree)
        if (part.execution_status == "blocked" and part.blocked_on in {"delay", "agent", "reply"})
        or (part.execution_status == "queued" and part.run_after is not None and seconds_left(part.run_after) > 0)
    ]
    return sorted(found, key=lambda part: (ends_at(part) is None, ends_at(part) or part.created_at))


def ends_at(task: Task) -> datetime | None:
    """When the waiting is over, one way or the other."""
    return task.blocked_until if task.execution_status == "blocked" else task.run_after


def titles_of(tree: TaskNode) -> dict[UUID, str]:
    """The title of each task of a tree, also of those that count no more."""
    found = {tree.id: tree.title}
    for child in tree.children:
        found |= titles_of(child)
    return found


def open_needs(part: TaskNode, titles: dict[UUID, str], states: dict[UUID, str]) -> list[str]:
    """The titles of what a part still waits for; what was cancelled is named as such: it ends no waiting."""
    return [
        f"{titles[need]} (cancelled)" if states[need] == "cancelled" else titles[need]
        for need in part.depends_on
        if need in titles and states[need] not in {"completed", "left out"}
    ]


def paused_of(tree: TaskNode, *, is_paused: bool = False) -> set[UUID]:
    """The ids of what is paused: by itself, or with something above it."""
    is_paused = is_paused or tree.paused_at is not None
    found = {tree.id} if is_paused and tree.execution_status not in ENDED else set[UUID]()
    return found.union(*(paused_of(part, is_paused=is_paused) for part in tree.children))


def states_of(tree: TaskNode) -> dict[UUID, str]:
    """The state of each task of a tree; "left out" for those the plan goes on without."""
    found = {tree.id: "left out" if tree.waived_at else tree.execution_status}
    for child in tree.children:
        found |= states_of(child)
    return found


def changes_below(changes: list[PlanChange], tree: TaskNode) -> list[PlanChange]:
    """The changes of plan that concern a task: those of its own parts and below, and the one that replaced it."""
    known = titles_of(tree).keys()
    return [change for change in changes if change.task_id in known or change.failed_task_id == tree.id]


def proof_of(task: TaskNode) -> Task:
    """The task whose evidence counts: the sending of a draft, where it has left; else the task itself."""
    sent = [part for part in task.children if part.tool == "email_send" and part.execution_status == "completed"]
    return sent[-1] if sent else task
