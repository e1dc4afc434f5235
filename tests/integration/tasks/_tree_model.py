"""What a tree of tasks must do, as `docs` and the state machine say it: the model that the database is held against."""

from dataclasses import dataclass, field
from uuid import UUID

DONE = {"completed", "cancelled"}
ENDED = {"completed", "failed", "cancelled"}
UNDER_WAY = {"blocked", "in_progress", "paused"}
MAX_REPLANS = 3


@dataclass(eq=False)
class Node:
    """One task of the tree."""

    name: str
    parent: "Node | None" = None
    manual: bool = False
    on_failure: str = "replan"
    id: UUID = field(default_factory=lambda: UUID(int=0))
    children: list["Node"] = field(default_factory=list["Node"])
    waits_for: list["Node"] = field(default_factory=list["Node"])
    status: str = "pending"
    on_subtasks: bool = False
    paused: bool = False
    waived: bool = False
    superseded: bool = False
    escalated: bool = False
    replans: int = 0
    has_job: bool = False

    def __post_init__(self) -> None:
        if self.parent:
            self.parent.children.append(self)

    def tree(self) -> list["Node"]:
        """The task and everything below it."""
        return [self, *(below for child in self.children for below in child.tree())]

    @property
    def is_paused(self) -> bool:
        return self.paused or (self.parent is not None and self.parent.is_paused)

    @property
    def held_up_by(self) -> list["Node"]:
        """What it depends on and is neither completed nor waived."""
        return [n for n in self.waits_for if n.status != "completed" and not n.waived]

    @property
    def may_start(self) -> bool:
        under_way = self.parent is None or self.parent.status in UNDER_WAY
        return self.status == "pending" and not self.manual and under_way and not self.held_up_by and not self.is_paused

    @property
    def counts_as_done(self) -> bool:
        return self.status in DONE or (self.status == "failed" and (self.waived or self.superseded))

    @property
    def needs_a_person(self) -> bool:
        """Only somebody can say how it goes on: a manual part, a question, a failure, something cancelled that others need."""
        if self.status in ("failed", "cancelled"):
            return self.parent is not None and not (self.waived or self.superseded)
        return (self.manual and self.status not in ENDED) or (self.status == "blocked" and not self.on_subtasks)


class Tree:
    """The rules: what follows from one task's move for the others."""

    def __init__(self, root: Node) -> None:
        self.root = root

    @property
    def nodes(self) -> list[Node]:
        return self.root.tree()

    def dependents(self, node: Node) -> list[Node]:
        return [n for n in self.nodes if node in n.waits_for]

    def closes_a_cycle(self, node: Node, on: Node) -> bool:
        """Could `on` only end after `node` has begun? A task ends after its parts, and they begin after it."""
        seen: set[tuple[Node, str]] = set()
        stack = [(node, "start")]
        while stack:
            at, phase = stack.pop()
            if (at, phase) in seen:
                continue
            seen.add((at, phase))
            if phase == "start":
                stack += [(child, "start") for child in at.children] + [(at, "end")]
            else:
                stack += [(n, "start") for n in self.dependents(at)] + ([(at.parent, "end")] if at.parent else [])
        return (on, "end") in seen

    def move(self, node: Node, status: str, on_subtasks: bool = False) -> None:
        self.move_all([node], status, on_subtasks)

    def move_all(self, nodes: list[Node], status: str, on_subtasks: bool = False) -> None:
        """Several tasks in one stroke, then what follows for the others."""
        ended = [n for n in nodes if status in ENDED and n.status not in ENDED]
        for node in nodes:
            if node.status == "failed":
                node.waived = node.escalated = False
            node.status, node.on_subtasks = status, on_subtasks
            node.has_job = node.has_job or status == "queued"
        for node in ended:
            self.settle(node)
            if status != "completed":
                self.move_all([c for c in node.children if c.status not in ENDED], "cancelled")

    def settle(self, node: Node) -> None:
        """A finished or failed task: its dependents, then its parent."""
        if node.parent is None:
            return
        if node.status == "failed" and node.on_failure == "skip" and not node.waived:
            node.waived = True
        if node.status == "completed" or node.waived:
            for following in self.dependents(node):
                if following.may_start:
                    self.move(following, "queued")
        self.settle_parent(node.parent)

    def settle_parent(self, parent: Node) -> None:
        if not parent.on_subtasks:
            return
        for failed in [c for c in parent.children if c.status == "failed"]:
            if failed.waived or failed.superseded or failed.escalated:
                continue
            if failed.on_failure == "stop":
                self.move(parent, "failed")
                return
            if failed.on_failure == "replan" and parent.replans < MAX_REPLANS:
                self.move(parent, "queued")
                return
            failed.escalated = True
        if all(c.counts_as_done for c in parent.children):
            self.move(parent, "completed")

    def open(self, parent: Node) -> None:
        """A running task lets its parts run and waits for them."""
        self.move(parent, "blocked", on_subtasks=True)
        self.move_all([c for c in parent.children if c.may_start], "queued")
        self.settle_parent(parent)

    def waive(self, node: Node) -> None:
        node.waived = True
        self.settle(node)

    def replace(self, failed: Node, parts: list[Node]) -> None:
        """Others in the place of a failed task: the first wait for what it waited for, its dependents for the last."""
        failed.superseded = True
        begin = [p for p in parts if not p.waits_for]
        end = [p for p in parts if not self.dependents(p)]
        for part in begin:
            part.waits_for = list(failed.waits_for)
        for following in self.dependents(failed):
            following.waits_for = [n for n in following.waits_for if n is not failed] + end

    def pause(self, node: Node) -> None:
        node.paused = True
        for below in node.tree():
            if below.status == "in_progress":
                below.status = "paused"
            elif below.status == "queued" and below is not node:
                below.status = "pending"

    def resume(self, node: Node) -> None:
        node.paused = False
        for below in node.tree():
            if below.status == "queued" and not below.is_paused:
                below.has_job = True
        self.move_all([n for n in node.tree() if n.status == "paused" and not n.is_paused], "queued")
        # A root that nobody executed stays as it is; a part goes on where it may.
        self.move_all([n for n in node.tree() if n.parent and n.may_start], "queued")

    def cancel(self, node: Node) -> None:
        stopped = [n for n in node.tree() if n.status not in ENDED]
        for below in stopped:
            below.paused = False
        self.move_all(stopped, "cancelled")
