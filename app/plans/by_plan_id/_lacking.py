"""What of a plan cannot be done at present, and what a refusal would end."""

from collections.abc import Collection
from uuid import UUID

from agents.playbooks.document.catalog import stages
from app._view.sequence import parts_of, walk
from app._view.tree import ENDED
from tasks.functions import TaskNode


def lacking_of(tree: TaskNode, *, has_model: bool) -> set[UUID]:
    """The stages to come that a model alone can write, where there is none."""
    if has_model:
        return set()
    known = stages()
    return {
        part.id
        for part in parts_of(tree)
        if part.execution_status == "pending"
        and part.tool == "plan_stage"
        and (stage := known.get(str(part.source_ref.get("key")))) is not None
        and stage.write is not None
        and stage.fill is None
    }


def without_model(tree: TaskNode, lacking: Collection[UUID]) -> TaskNode:
    """The tree as it is shown: what lacks a model says so, though its turn has not come."""
    if not lacking:
        return tree
    shown = {"execution_status": "blocked", "blocked_on": "model"}
    children = [one.model_copy(update=shown) if one.id in lacking else one for one in tree.children]
    return tree.model_copy(update={"children": children})


def stalled_of(tree: TaskNode) -> list[TaskNode]:
    """The tasks whose last try failed and that are tried again."""
    return [
        part
        for part in (tree, *walk(tree))
        if part.execution_status in {"queued", "in_progress"} and part.retry_count > 0 and part.failure_reason
    ]


def ends_with(tree: TaskNode) -> int:
    """How many tasks beside a gate are open: they are cancelled where a no ends the plan."""
    return sum(part.execution_status not in ENDED and not parts_of(part) for part in walk(tree)) - 1


def written_by_rules() -> list[str]:
    """The titles of the stages that are written without a model: by rules, from what rules have written."""
    known = stages()
    found: dict[str, str] = {}
    is_growing = True
    while is_growing:
        more = {
            name: stage.title
            for name, stage in known.items()
            if name not in found
            and (stage.write is None or stage.fill is not None)
            and all(need in found for need in stage.depends_on)
        }
        found |= more
        is_growing = bool(more)
    return list(found.values())
