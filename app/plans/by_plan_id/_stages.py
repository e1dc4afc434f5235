"""The stages of a document by group, as its page lists them."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from agents.playbooks.document.catalog import stages
from agents.playbooks.document.stage import Stage
from agents.times import times_of
from app._view.sequence import parts_of
from app.plans import _words
from app.plans.by_plan_id._lacking import without_model
from core.database import Caller
from tasks.functions import TaskNode
from tasks.plans import PlanTree, StoredSection, list_plan_sections


@dataclass(frozen=True)
class StageRow:
    """A stage with its section, if there is one, and its task."""

    stage: Stage[Any]
    section: StoredSection | None
    task: TaskNode | None

    @property
    def seconds(self) -> float | None:
        """How long it was worked on; None where nobody did, or it is not over."""
        is_over = self.task is not None and self.task.completed_at is not None
        return times_of(self.task).working if self.task is not None and is_over else None

    @property
    def marks(self) -> list[str]:
        """What is said beside its title."""
        one = self.section
        if one is None:
            return []
        found = [("stale", one.is_stale), ("reused", one.is_reused), ("by hand", one.by_person)]
        return [word for word, is_so in found if is_so]


@dataclass(frozen=True)
class StageGroup:
    """Stages of one group; `done` of them have a section that is not stale."""

    name: str
    title: str
    rows: list[StageRow]
    done: int


async def stages_for(caller: Caller, found: PlanTree, lacking: Collection[UUID] = ()) -> list[StageGroup]:
    """The stages of a plan, by group, in the order of the catalog's groups; `lacking` those that nobody can write now."""
    sections = {one.stage: one for one in await list_plan_sections(caller, found.plan.id)}
    tree = without_model(found.tree, lacking)
    tasks = {str(part.source_ref.get("key")): part for part in parts_of(tree)}
    known = stages()
    places = {name: number for number, name in enumerate(_words.GROUP)}
    rows = [
        StageRow(known[name], sections.get(name), tasks.get(name))
        for name in known
        if name in sections or name in tasks
    ]
    rows.sort(key=lambda row: places.get(row.stage.group, len(places)))
    return [_group(name, list(inner)) for name, inner in groupby(rows, key=lambda row: row.stage.group)]


def _group(name: str, rows: list[StageRow]) -> StageGroup:
    done = sum(
        row.section is not None and row.section.state == "completed" and not row.section.is_stale for row in rows
    )
    return StageGroup(name, _words.GROUP.get(name, name.replace("_", " ")), rows, done)
