"""How much a person still has to change: what learning is measured by."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.learning.trying import closeness, is_same
from tasks.preferences import DraftEdit


@dataclass(frozen=True)
class Measured:
    """Of `drafts` that somebody decided: how many were edited, rejected, or left as they were.

    `changed` is the mean share of words that had to change, 0 to 1, over those that were let go.
    """

    drafts: int = 0
    edited: int = 0
    rejected: int = 0
    changed: float = 0.0


def measure(edits: Sequence[DraftEdit]) -> Measured:
    """What became of these drafts. An edit that changed nothing but spaces is none."""
    let_go = [(one.before, one.after) for one in edits if one.after is not None]
    edited = sum(not is_same(before, after) for before, after in let_go)
    changed = [1 - closeness(before, after) for before, after in let_go]
    return Measured(
        drafts=len(edits),
        edited=edited,
        rejected=sum(one.outcome == "rejected" for one in edits),
        changed=round(sum(changed) / len(changed), 4) if changed else 0.0,
    )


def halves(edits: Sequence[DraftEdit]) -> tuple[Measured, Measured]:
    """The same for the older and the newer half, in the order in which they were decided."""
    ordered = sorted(edits, key=lambda one: one.at)
    middle = len(ordered) // 2
    return measure(ordered[:middle]), measure(ordered[middle:])
