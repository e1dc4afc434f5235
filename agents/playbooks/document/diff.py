"""What a redone document means for the tasks that carry it out: kept, changed, dropped, new. Pure.

Work that has begun or ended is never changed or dropped; where the document says otherwise now, that is reported and it stays.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field

from agents.playbooks.document.decompose import Decomposition, WorkTask
from agents.playbooks.document.links import COMPARED, comparable, paths_of, row_of, said_of, same, titles_of
from tasks.functions import TaskNode
from tasks.models import ExecutionStatus

OVER: frozenset[ExecutionStatus] = frozenset({"completed", "failed", "cancelled"})


class Seen(BaseModel):
    """A task of the execution, named."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    wbs_id: str
    title: str
    state: ExecutionStatus


class Changed(Seen):
    """What is different about it: field to what it was and what it becomes. `depends_on` are ids of the work breakdown."""

    changes: dict[str, tuple[Any, Any]]


class Staying(Seen):
    """A task that the document has changed or has no more, but that has begun or ended."""

    stays: str
    changes: dict[str, tuple[Any, Any]] = Field(default_factory=dict[str, tuple[Any, Any]])


class Added(BaseModel):
    """A task that the document has now. `parent_id` is the id of a task, or of another added one in the work breakdown."""

    model_config = ConfigDict(extra="forbid")

    wbs_id: str
    title: str
    parent_id: str
    parent_title: str


class LeftOut(BaseModel):
    """A task of the document that somebody has taken out of the execution: it stays out."""

    model_config = ConfigDict(extra="forbid")

    wbs_id: str
    title: str


class ExecutionDiff(BaseModel):
    """The difference between a document and one of its executions. `digest` seals it: what was shown is what is applied.

    Only what the document has changed since is changed: what somebody edited in the execution stays as it is.
    """

    model_config = ConfigDict(extra="forbid")

    kept: list[Seen]
    changed: list[Changed]
    dropped: list[Seen]
    new: list[Added]
    stays: list[Staying]
    left_out: list[LeftOut] = Field(default_factory=list[LeftOut])
    edits: dict[str, Any]
    digest: str

    @property
    def is_empty(self) -> bool:
        """Is there nothing to apply?"""
        return not any(self.edits[what] for what in ("add", "change", "renumber", "remove"))


def diff_execution(wanted: Decomposition, tree: TaskNode, document_id: UUID) -> ExecutionDiff:
    """Compare the tasks of a document as it is now with those of an execution. Tasks without a `wbs_id` are somebody's own and stay."""
    pairing = _Pairing(tree)
    pairing.pair(wanted.tasks, [child for child in tree.children if _is_live(child)])
    writer = _Writer(pairing, tree, document_id, wanted.tasks)
    return writer.diff(wanted.tasks)


def wbs_id_of(node: TaskNode) -> str | None:
    """The id in the work breakdown that a task was made from."""
    found = node.source_ref.get("wbs_id")
    return found if isinstance(found, str) else None


def _is_live(node: TaskNode) -> bool:
    return node.superseded_at is None


def live_nodes(tree: TaskNode) -> Iterator[TaskNode]:
    """Everything below a task that was not replaced, each before its parts."""
    for child in tree.children:
        if _is_live(child):
            yield child
            yield from live_nodes(child)


class _Pairing:
    """Which task of the document is which task of the execution: by id and title, then by title, then by id alone."""

    def __init__(self, tree: TaskNode) -> None:
        self.node_of: dict[str, TaskNode] = {}
        self.wanted_of: dict[UUID, WorkTask] = {}
        self.by_id = {node.id: node for node in live_nodes(tree)}

    def pair(self, wanted: Sequence[WorkTask], nodes: Sequence[TaskNode]) -> None:
        """Pair siblings, and what hangs below the pairs."""
        mine = [node for node in nodes if wbs_id_of(node) is not None]
        for matches in (_by_id_and_title, _by_title, _by_id):
            for task in wanted:
                if task.id in self.node_of:
                    continue
                found = next((node for node in mine if node.id not in self.wanted_of and matches(task, node)), None)
                if found is not None:
                    self.node_of[task.id], self.wanted_of[found.id] = found, task
        for task in wanted:
            node = self.node_of.get(task.id)
            if node is not None:
                self.pair(task.children, [child for child in node.children if _is_live(child)])


def _by_id_and_title(task: WorkTask, node: TaskNode) -> bool:
    return wbs_id_of(node) == task.id and same(node.title) == same(task.title)


def _by_title(task: WorkTask, node: TaskNode) -> bool:
    return same(node.title) == same(task.title)


def _by_id(task: WorkTask, node: TaskNode) -> bool:
    """A task that has begun is not taken for one with another title, but what holds the same parts is the same."""
    if wbs_id_of(node) != task.id:
        return False
    parts = {same(child.title) for child in node.children if _is_live(child)}
    return node.execution_status == "pending" or any(same(child.title) in parts for child in task.children)


class _Writer:
    """Writes the difference down, for people and as edits for the database."""

    def __init__(self, pairing: _Pairing, tree: TaskNode, document_id: UUID, wanted: Sequence[WorkTask]) -> None:
        self.pairing, self.tree, self.document_id = pairing, tree, document_id
        self.titles = titles_of(wanted)
        self.paths = {task.id: path for path, task in paths_of(wanted)}
        self.left_out: dict[str, LeftOut] = {}
        self._find_left_out(wanted, set(tree.source_ref.get("document_paths") or ()))
        self.kept: list[Seen] = []
        self.changed: list[Changed] = []
        self.dropped: list[Seen] = []
        self.new: list[Added] = []
        self.stays: list[Staying] = []
        self.edits: dict[str, list[Any]] = {"add": [], "change": [], "renumber": [], "remove": []}

    def _find_left_out(self, wanted: Sequence[WorkTask], had: set[Any]) -> None:
        """What the execution was made with, and has no more, somebody took out."""
        for task in wanted:
            if task.id not in self.pairing.node_of and self.paths[task.id] in had:
                for _, one in paths_of([task]):
                    self.left_out[one.id] = LeftOut(wbs_id=one.id, title=one.title)
            else:
                self._find_left_out(task.children, had)

    def diff(self, wanted: Sequence[WorkTask]) -> ExecutionDiff:
        self._walk(wanted, self.tree, is_new=False, parent_key="")
        for child in self.tree.children:
            self._drop(child)
        listed: dict[str, Any] = {
            "kept": self.kept, "changed": self.changed, "dropped": self.dropped, "new": self.new, "stays": self.stays,
            "left_out": list(self.left_out.values()),
        }  # fmt: skip
        self.edits["paths"] = sorted(self.paths.values())
        digest = hashlib.sha256(orjson.dumps(self.edits, option=orjson.OPT_SORT_KEYS)).hexdigest()
        return ExecutionDiff(**listed, edits=self.edits, digest=digest)

    def _walk(self, wanted: Sequence[WorkTask], parent: TaskNode, *, is_new: bool, parent_key: str) -> None:
        """`parent` is the nearest task that is there and open; `parent_key` an added one below which these come."""
        for place, task in enumerate(wanted, start=1):
            if task.id in self.left_out:
                continue
            node = self.pairing.node_of.get(task.id)
            if node is None or is_new:
                self._add(task, parent, parent_key, place)
                self._walk(task.children, parent, is_new=True, parent_key=task.id)
                continue
            self._compare(task, node)
            open_parent = parent if node.execution_status in OVER else node
            self._walk(task.children, open_parent, is_new=False, parent_key="")

    def _add(self, task: WorkTask, parent: TaskNode, parent_key: str, place: int) -> None:
        parent_id = parent_key or str(parent.id)
        parent_title = parent.title if not parent_key else ""
        self.new.append(Added(wbs_id=task.id, title=task.title, parent_id=parent_id, parent_title=parent_title))
        row = {
            name: value for name, value in row_of(task, self.document_id, self.titles).items() if name != "depends_on"
        }
        self.edits["add"].append(
            {**row, "parent_id": parent_id, "position": place, "depends_on": self._ids(task.depends_on)}
        )

    def _compare(self, task: WorkTask, node: TaskNode) -> None:
        changes = self._changes(task, node)
        if changes and node.execution_status == "pending":
            self._change(task, node, changes)
            return
        if wbs_id_of(node) != task.id:  # it has another number in the document now; the work is the same
            self.edits["renumber"].append({"id": str(node.id), "wbs_id": task.id, "stages": task.stages})
        if changes:
            self.stays.append(Staying(**_seen(node).model_dump(), stays=_why(node), changes=changes))
        else:
            self.kept.append(_seen(node))

    def _change(self, task: WorkTask, node: TaskNode, changes: dict[str, tuple[Any, Any]]) -> None:
        row = row_of(task, self.document_id, self.titles)
        edit: dict[str, Any] = {"id": str(node.id), "source_ref": {**row["source_ref"], "key": task.id}}
        edit |= {name: row.get(name) for name in changes if name != "depends_on"}
        if "depends_on" in changes:
            edit["depends_on"] = [*self._ids(task.depends_on), *self._own_edges(node)]
        self.edits["change"].append(edit)
        self.changed.append(Changed(**_seen(node).model_dump(), changes=changes))

    def _changes(self, task: WorkTask, node: TaskNode) -> dict[str, tuple[Any, Any]]:
        """What the document says otherwise than it did, and otherwise than the task is."""
        said: Any = node.source_ref.get("said")
        now = said_of(task, self.titles)
        differs = [name for name in now if not isinstance(said, dict) or said.get(name) != now[name]]  # pyright: ignore[reportUnknownMemberType]
        found: dict[str, tuple[Any, Any]] = {}
        for name in COMPARED:
            was, becomes = comparable(getattr(node, name)), comparable(getattr(task, name))
            if was != becomes and name in differs:
                found[name] = (was, becomes)
        had = sorted(name for name in map(self._named, node.depends_on) if name)
        wanted = sorted(need for need in task.depends_on if need not in self.left_out)
        if had != wanted and "depends_on" in differs:
            found["depends_on"] = (had, wanted)
        return found

    def _named(self, node_id: UUID) -> str | None:
        """A task that something waits for: its id in the document as it is now, else the one it had; None for somebody's own."""
        wanted = self.pairing.wanted_of.get(node_id)
        if wanted is not None:
            return wanted.id
        node = self.pairing.by_id.get(node_id)
        had = wbs_id_of(node) if node is not None else None
        return f"{had} (dropped)" if had else None

    def _own_edges(self, node: TaskNode) -> list[str]:
        """Edges to tasks that no document knows stay."""
        return [str(need) for need in node.depends_on if self._named(need) is None and need in self.pairing.by_id]

    def _ids(self, wbs_ids: Sequence[str]) -> list[str]:
        """Ids of tasks that are there, ids of the work breakdown for added ones."""
        nodes = self.pairing.node_of
        there = [wbs_id for wbs_id in wbs_ids if wbs_id not in self.left_out]
        return [str(nodes[wbs_id].id) if wbs_id in nodes else wbs_id for wbs_id in there]

    def _drop(self, node: TaskNode) -> None:
        """What the document has no more: dropped as a whole where nothing of it has begun, else part by part."""
        if not _is_live(node):
            return
        below = list(live_nodes(node))
        is_gone = wbs_id_of(node) is not None and node.id not in self.pairing.wanted_of
        if is_gone and all(one.execution_status == "pending" and wbs_id_of(one) is not None for one in (node, *below)):
            self.dropped += [_seen(one) for one in (node, *below)]
            self.edits["remove"].append(str(node.id))
            return
        if is_gone:
            self.stays.append(Staying(**_seen(node).model_dump(), stays=_why(node)))
        for child in node.children:
            self._drop(child)


def _why(node: TaskNode) -> str:
    words: Mapping[str, str] = {
        "completed": "done", "failed": "failed", "cancelled": "cancelled", "in_progress": "running", "queued": "about to run",
        "paused": "paused", "blocked": "under way", "pending": "some of its parts have begun, or are somebody's own",
    }  # fmt: skip
    return words[node.execution_status]


def _seen(node: TaskNode) -> Seen:
    return Seen(id=node.id, wbs_id=wbs_id_of(node) or "", title=node.title, state=node.execution_status)
