"""The order of a tree's work: its tasks without parts of their own, by the edges of all tasks above and between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from uuid import UUID

from agents.estimates import NO_WORK
from agents.sequencer import Part, Plan, sequence
from tasks.functions import TaskNode
from tasks.review import belongs_to_draft


@dataclass(frozen=True)
class Sequence:
    """The plan over the leaves; `is_timed` where at least one says how long it takes (the others count as the median, gates and delays as none)."""

    plan: Plan[UUID]
    is_timed: bool


def parts_of(task: TaskNode) -> list[TaskNode]:
    """The parts that count: neither replaced by others, nor only there to send or revise a draft."""
    found = [part for part in task.children if part.superseded_at is None and not belongs_to_draft(part)]
    newest = max((part.created_at for part in found), default=None)
    return [part for part in found if part.cancelled_at is None or newest is None or part.cancelled_at >= newest]


def replaced_parts(task: TaskNode) -> list[TaskNode]:
    """What parts_of leaves out of what was wanted once: replaced, or cancelled before others were made in its place."""
    left = {part.id for part in parts_of(task)}
    return [part for part in task.children if part.id not in left and not belongs_to_draft(part)]


def walk(task: TaskNode) -> Iterator[TaskNode]:
    """Everything below a task that counts, each before what is below it."""
    for part in parts_of(task):
        yield part
        yield from walk(part)


def everything(task: TaskNode) -> Iterator[TaskNode]:
    """A task and all that was ever below it, also what counts no more."""
    yield task
    for part in task.children:
        yield from everything(part)


def sequence_of(tree: TaskNode) -> Sequence:
    """Order, groups and critical path of what is below a task.

    An edge between two tasks with parts holds between all their leaves, as a task ends with the last of its parts.
    """
    leaves: dict[UUID, frozenset[UUID]] = {}
    _leaves(tree, leaves)
    needs: dict[UUID, frozenset[UUID]] = {}
    _needs(tree, frozenset(), leaves, needs)
    found = [part for part in walk(tree) if not parts_of(part)]
    known = [part.estimated_duration_minutes for part in found if part.estimated_duration_minutes]
    usual = median(known) if known else 1
    minutes = {
        part.id: 0 if part.tool in NO_WORK or _is_left(part) else part.estimated_duration_minutes or usual
        for part in found
    }
    plan = sequence([Part(part.id, needs[part.id], minutes[part.id]) for part in found])
    return Sequence(plan, bool(known))


def _is_left(part: TaskNode) -> bool:
    """Will nobody work on it any more, though it is not done?"""
    return part.execution_status == "cancelled" or part.waived_at is not None


def _leaves(task: TaskNode, found: dict[UUID, frozenset[UUID]]) -> frozenset[UUID]:
    below = [_leaves(part, found) for part in parts_of(task)]
    found[task.id] = frozenset[UUID]().union(*below) if below else frozenset({task.id})
    return found[task.id]


def _needs(
    task: TaskNode,
    above: frozenset[UUID],
    leaves: dict[UUID, frozenset[UUID]],
    found: dict[UUID, frozenset[UUID]],
) -> None:
    for part in parts_of(task):
        here = above.union(*(leaves[need] for need in part.depends_on if need in leaves))
        found[part.id] = here
        _needs(part, here, leaves, found)
