"""What a task's log tells of its time: work apart from waiting, and who said that it is done. Pure.

A run whose worker went away counts as no work: nobody worked between the last sign of it and its taking over.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from tasks.functions import TaskNode
from tasks.models import LogEntry
from tasks.plans import PlanMetrics, StageMetrics

WORKING = {"started", "resumed"}
RESTING = {"blocked", "paused"}
LOST = "The worker went away"


@dataclass(frozen=True)
class Times:
    """Seconds of work, and seconds it waited after it had begun (for people, answers, a time); None where nothing is known.

    `ticked_by`: the id of the person who said that it is done; `ticked_at` is None where nobody did.
    """

    working: float | None = None
    waiting: float | None = None
    ticked_by: str | None = None
    ticked_at: datetime | None = None


def times_of(task: TaskNode) -> Times:
    """The times of a task, from its log; without one, from when it began and ended."""
    log = task.execution_log
    ticked = _tick(task, log)
    if len(log) < 2:
        ended = task.completed_at or task.failed_at
        took = (ended - task.started_at).total_seconds() if ended and task.started_at else None
        return Times(
            working=None if ticked else took,
            ticked_by=ticked[0] if ticked else None,
            ticked_at=ticked[1] if ticked else None,
        )
    working = waiting = 0.0
    has_begun = False
    for one, following in pairwise(log):
        span = (following.timestamp - one.timestamp).total_seconds()
        if one.event in WORKING:
            has_begun = True
            working += 0 if (following.reason or "").startswith(LOST) else span
        elif one.event in RESTING:
            waiting += span
    if ticked:
        return Times(ticked_by=ticked[0], ticked_at=ticked[1])
    return Times(working if has_begun else None, waiting if waiting else None)


def with_times(metrics: PlanMetrics, tree: TaskNode) -> PlanMetrics:
    """The same numbers, with the time that each task was really worked on; a run whose worker went away is none."""
    nodes = {one.id: one for one in _all(tree)}

    def told(one: StageMetrics) -> StageMetrics:
        node = nodes.get(one.task_id)
        if node is None or one.seconds_working is None:
            return one
        return one.model_copy(update={"seconds_working": times_of(node).working})

    return metrics.model_copy(update={"tasks": [told(one) for one in metrics.tasks]})


def _all(tree: TaskNode) -> Iterator[TaskNode]:
    yield tree
    for child in tree.children:
        yield from _all(child)


def _tick(task: TaskNode, log: Sequence[LogEntry]) -> tuple[str | None, datetime | None] | None:
    """Who said that it is done, and when; None where it was done by a run."""
    if task.execution_status != "completed" or not any(one.kind == "word" for one in task.evidence):
        return None
    last = next((one for one in reversed(log) if one.event == "completed"), None)
    if last is not None:
        return (last.actor_id, last.timestamp) if last.actor_type == "user" else None
    return None, task.completed_at
