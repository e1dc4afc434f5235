"""How tasks stay linked to their document: as rows, and with what the document said when they were made.

A person may edit an execution. What the document said then tells a change of the document from one of theirs.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from agents.playbooks.document.decompose import WorkTask
from agents.playbooks.document.stage import one_line

COMPARED = (
    "title", "description", "kind", "execution_type", "assignee_role", "acceptance_criteria", "estimated_duration_minutes", "due_at",
)  # fmt: skip


def rows_of(tasks: Sequence[WorkTask], document_id: UUID) -> list[dict[str, Any]]:
    """The tasks as nodes of a tree, with where each comes from."""
    titles = titles_of(tasks)

    def nodes(level: Sequence[WorkTask]) -> list[dict[str, Any]]:
        return [{**row_of(task, document_id, titles), "children": nodes(task.children)} for task in level]

    return nodes(tasks)


def row_of(task: WorkTask, document_id: UUID, titles: Mapping[str, str]) -> dict[str, Any]:
    """One task as a row, without what hangs below it. `titles`: those of all tasks by id."""
    return {
        **task.model_dump(mode="json", exclude={"id", "children", "stages", "confidence"}, exclude_none=True),
        "key": task.id,
        "due_is_all_day": True,
        "decomposition_confidence": task.confidence,
        "source_ref": {
            "document_id": str(document_id),
            "wbs_id": task.id,
            "stages": task.stages,
            "said": said_of(task, titles),
        },
    }


def said_of(task: WorkTask, titles: Mapping[str, str]) -> dict[str, str]:
    """What the document says of a task, field by field, as short digests."""
    said = {name: digest(comparable(getattr(task, name))) for name in COMPARED}
    return {**said, "depends_on": digest(sorted(same(titles.get(need, need)) for need in task.depends_on))}


def paths_of(tasks: Sequence[WorkTask], above: str = "") -> Iterator[tuple[str, WorkTask]]:
    """Every task with a digest of its titles from the top: what a document had, whatever its numbers."""
    for task in tasks:
        path = f"{above}/{same(task.title)}"
        yield digest(path), task
        yield from paths_of(task.children, path)


def titles_of(tasks: Sequence[WorkTask]) -> dict[str, str]:
    """Titles by id."""
    return {task.id: task.title for _, task in paths_of(tasks)}


def same(words: str) -> str:
    """Words as they are compared."""
    return one_line(words).casefold()


def comparable(value: Any) -> Any:
    """A value as it is compared and shown: times in UTC, nothing for what is empty."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value or None


def digest(value: Any) -> str:
    """Ten letters that tell one value from another."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:10]
