"""Random trees and random runs of them by a worker, held against the model after every step."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.database import Identity
from tests.integration.tasks._models import CONFLICT, TASKS, Answer, Row, World
from tests.integration.tasks._tree_model import ENDED, Node, Tree

SHAPES = st.lists(
    st.tuples(
        st.integers(0, 3),  # the parent: this many tasks earlier that have or may have parts
        st.sampled_from(["auto", "auto", "auto", "manual"]),
        st.sampled_from(["replan", "replan", "skip", "escalate", "stop"]),
        st.none() | st.integers(1, 3),  # waits for the sibling this many places before
    ),
    min_size=2,
    max_size=7,
)
PICK = st.integers(0, 11)
MOST = 14  # tasks in a tree
OUTCOMES = st.sampled_from(["completed", "completed, and on", "failed", "decompose", "left"])
DECISIONS = st.sampled_from(["skip", "escalate", "another_approach", "other_subtasks"])


class TreeWorker(RuleBasedStateMachine):
    """One tree of tasks. Each rule makes one call, moves the model likewise, and compares all rows and jobs."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.finished: dict[UUID, Row] = {}
        self.sound = False

    # Growing

    @initialize(shape=SHAPES, opened=st.booleans())
    def plant(self, shape: list[tuple[int, str, str, int | None]], opened: bool) -> None:
        root = Node("root")
        nodes = [root]
        for back, kind, on_failure, _ in shape:
            parents = [n for n in nodes if not n.manual]
            parent = parents[max(0, len(parents) - 1 - back)]
            nodes.append(Node(f"t{len(nodes)}", parent, kind == "manual", on_failure))
        for node, (_, _, _, before) in zip(nodes[1:], shape, strict=True):
            node.manual = node.manual and not node.children
            siblings = node.parent.children if node.parent else []
            place = siblings.index(node)
            if before and place >= before:
                node.waits_for.append(siblings[place - before])
        self.tree, self.finished, self.grown = Tree(root), {}, len(nodes)
        answer = self.world.call(self.world.owner, "create_task_tree", tree=self.as_json(root))
        assert answer.refused is None, answer
        for node in nodes:
            node.id = UUID(answer.value["keys"][node.name])
        self.execute("owner", root)
        if opened:
            self.claim(root)
            self.open_parts(root, [])

    def as_json(self, node: Node) -> dict[str, Any]:
        return {
            "key": node.name,
            "title": node.name,
            "execution_type": "manual" if node.manual else "fully_automated",
            "on_failure": node.on_failure,
            "max_retries": 1,
            "depends_on": [n.name for n in node.waits_for],
            "children": [self.as_json(child) for child in node.children],
        }

    def part(self, parent: Node, names: list[str]) -> list[Node]:
        """New parts that a run made: their ids are read from the tree."""
        made = [Node(name, parent) for name in names]
        for node in made:
            query = "select id from public.tasks where title = %s and root_task_id = %s"
            node.id = self.world.ask(None, query, node.name, self.tree.root.id).value
        self.grown += len(made)
        return made

    def some(self, pick: int, fits: Callable[[Node], bool] = lambda _: True) -> Node:
        """A task that fits, else any: what does not fit is refused."""
        fitting = [n for n in self.tree.nodes if fits(n)] or self.tree.nodes
        return fitting[pick % len(fitting)]

    def who(self, name: str) -> Identity:
        return self.world.owner if name == "owner" else self.world.worker

    def check(self, answer: Answer, refusal: str | None) -> bool:
        self.sound = False
        assert answer.refused == refusal, (answer.refused, answer.message, answer.detail, refusal)
        return refusal is None

    # The worker

    @property
    def jobs(self) -> list[Node]:
        """What a worker may take: a job outlives that its task is cancelled or put back."""
        return [n for n in self.tree.nodes if n.has_job]

    @precondition(lambda self: self.jobs)
    @rule(
        turns=st.lists(st.tuples(PICK, OUTCOMES, st.lists(DECISIONS, min_size=3, max_size=3)), min_size=1, max_size=8)
    )
    def work_for_a_while(self, turns: list[tuple[int, str, list[str]]]) -> None:
        """What a worker does all day: takes a job, and brings the run to an end."""
        for pick, outcome, decisions in turns:
            if self.jobs:
                self.take_one(self.jobs[pick % len(self.jobs)], outcome, decisions)
                self.the_database_agrees()

    def take_one(self, node: Node, outcome: str, decisions: list[str]) -> None:
        self.claim(node)
        if node.status != "in_progress":
            return
        self.the_database_agrees()
        if node.children:
            self.open_parts(node, decisions)
        elif outcome == "decompose" and self.grown < MOST:
            self.break_down(node, [(1, 0)], 2)
        elif outcome == "failed":
            self.give_up(node)
        elif outcome != "left":
            self.finish(node, outcome == "completed, and on")

    def teardown(self) -> None:
        """Nothing gets stuck: whatever happened, a worker that goes on ends the tree or leaves it to a person."""
        if not self.sound:
            return
        for node in self.tree.nodes:
            if node.paused:
                self.check(self.world.call(self.world.owner, "resume_task", task_id=node.id), None)
                self.tree.resume(node)
        for _ in range(200):
            if running := [n for n in self.tree.nodes if n.status == "in_progress"]:
                self.open_parts(running[0], ["skip"]) if running[0].children else self.finish(running[0])
            elif self.jobs:
                self.take_one(self.jobs[0], "completed", ["skip"])
            else:
                break
            self.the_database_agrees()
        stuck = {n.name: (n.status, [w.name for w in n.waits_for]) for n in self.tree.nodes if n.status not in ENDED}
        assert self.tree.root.status in ENDED or any(n.needs_a_person for n in self.tree.nodes), stuck

    @precondition(lambda self: self.jobs)
    @rule(pick=PICK)
    def take_a_job(self, pick: int) -> None:
        self.claim(self.jobs[pick % len(self.jobs)])

    def claim(self, node: Node) -> None:
        """The job is gone with this; only what is queued and not paused is begun."""
        taken = "update jobs.procrastinate_jobs set status = 'doing' where queueing_lock = %s and status = 'todo'"
        assert self.world.ask(None, taken, str(node.id)).count == 1
        node.has_job = False
        self.start_without_a_job(node)

    def start_without_a_job(self, node: Node) -> None:
        """A queued task that waits for others, since an edge was drawn or a waiver taken back, is put back."""
        answer = self.world.call(self.world.worker, "start_task_execution", task_id=node.id, worker_id=uuid4())
        if node.status == "queued" and node.held_up_by:
            assert self.check(answer, None)
            assert answer.value is None, "it began before what it depends on was done"
            node.status = "pending"
        elif self.check(answer, None if node.status == "queued" and not node.is_paused else CONFLICT):
            self.tree.move(node, "in_progress")

    @precondition(lambda self: any(n.status == "in_progress" and n.children for n in self.tree.nodes))
    @rule(pick=PICK, decisions=st.lists(DECISIONS, min_size=3, max_size=3))
    def go_on_with_the_parts(self, pick: int, decisions: list[str]) -> None:
        self.open_parts(self.some(pick, lambda n: n.status == "in_progress" and bool(n.children)), decisions)

    def open_parts(self, parent: Node, decisions: list[str]) -> None:
        failures = [
            c
            for c in parent.children
            if c.status == "failed" and c.on_failure == "replan" and not (c.waived or c.superseded or c.escalated)
        ]
        answer = self.world.call(self.world.worker, "open_subtasks", task_id=parent.id)
        assert self.check(answer, None)
        assert {f["id"] for f in answer.value["failures"]} == {str(f.id) for f in failures}
        if not failures:
            self.tree.open(parent)
        elif self.grown < MOST:
            self.change_the_plan(parent, failures, decisions)
        else:
            self.change_the_plan(parent, failures, ["skip"])

    def change_the_plan(self, parent: Node, failures: list[Node], decisions: list[str]) -> None:
        changes: list[dict[str, Any]] = []
        for place, failed in enumerate(failures):
            decision = decisions[place % len(decisions)]
            names = [
                f"{failed.name}.{self.grown}{letter}" for letter in ("a" if decision == "another_approach" else "ab")
            ]
            tasks = [
                {"title": n, "execution_type": "fully_automated", "depends_on": [0] if i else []}
                for i, n in enumerate(names)
            ]
            parts = tasks if decision in ("another_approach", "other_subtasks") else []
            changes.append({"failed_task_id": str(failed.id), "decision": decision, "reason": "tried", "tasks": parts})
        assert self.check(
            self.world.call(self.world.worker, "apply_plan_changes", task_id=parent.id, changes=changes), None
        )
        parent.replans += 1
        for failed, change in zip(failures, changes, strict=True):
            if change["tasks"]:
                made = self.part(parent, [t["title"] for t in change["tasks"]])
                for node in made[1:]:
                    node.waits_for.append(made[0])
                self.tree.replace(failed, made)
            elif change["decision"] == "skip":
                self.tree.waive(failed)
            else:
                failed.escalated = True
        self.tree.open(parent)

    @precondition(lambda self: any(n.status in ("in_progress", "paused") and not n.children for n in self.tree.nodes))
    @rule(pick=PICK)
    def complete(self, pick: int) -> None:
        self.finish(self.some(pick, lambda n: n.status in ("in_progress", "paused") and not n.children))

    def finish(self, node: Node, go_on: bool = False) -> None:
        """A run ends well; with `go_on` the first task that this releases begins in the same transaction."""
        params: dict[str, Any] = {"task_id": node.id, "result_data": {"output": node.name}}
        if go_on:
            params["go_on"] = {"worker_id": str(uuid4()), "journaled": {}}
        answer = self.world.call(self.world.worker, "complete_task_execution", **params)
        assert self.check(answer, None)
        self.tree.move(node, "completed")
        released = {str(n.id): n for n in self.tree.dependents(node) if n.status == "queued"}
        if started := answer.value["started"]:
            begun = released.pop(started["id"])
            assert go_on
            assert not begun.held_up_by, "it began before what it depends on was done"
            assert not begun.is_paused
            self.tree.move(begun, "in_progress")
        elif go_on:
            for left in released.values():
                if left.held_up_by and self.world.row("tasks", left.id)["execution_status"] == "pending":
                    left.status = "pending"  # an edge was drawn since

    @rule(pick=PICK)
    def start_or_complete_what_is_not_its_turn(self, pick: int) -> None:
        node = self.some(pick, lambda n: n.status not in ("in_progress", "paused"))
        if node.status != "queued":
            self.start_without_a_job(node)
        if node.status not in ("in_progress", "paused"):
            self.check(self.world.call(self.world.worker, "complete_task_execution", task_id=node.id), CONFLICT)

    @precondition(lambda self: any(n.status in ("in_progress", "paused") for n in self.tree.nodes))
    @rule(pick=PICK)
    def fail(self, pick: int) -> None:
        self.give_up(self.some(pick, lambda n: n.status in ("in_progress", "paused")))

    def give_up(self, node: Node) -> None:
        answer = self.world.call(
            self.world.worker, "fail_task_execution", task_id=node.id, error="no", should_retry=False
        )
        if self.check(answer, None):
            self.tree.move(node, "failed")

    @precondition(lambda self: any(n.status == "in_progress" for n in self.tree.nodes))
    @rule(pick=PICK)
    def block(self, pick: int) -> None:
        node = self.some(pick, lambda n: n.status == "in_progress")
        if self.check(
            self.world.call(self.world.worker, "block_task_execution", task_id=node.id, reason="a question"), None
        ):
            self.tree.move(node, "blocked")

    @precondition(
        lambda self: self.grown < MOST and any(n.status == "in_progress" and not n.children for n in self.tree.nodes)
    )
    @rule(
        pick=PICK, edges=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=3), size=st.integers(1, 3)
    )
    def decompose(self, pick: int, edges: list[tuple[int, int]], size: int) -> None:
        self.break_down(self.some(pick, lambda n: n.status == "in_progress" and not n.children), edges, size)

    def break_down(self, node: Node, edges: list[tuple[int, int]], size: int) -> None:
        wanted = sorted({(max(e), min(e)) for e in edges if e[0] != e[1] and max(e) < size})
        names = [f"{node.name}.{self.grown}{letter}" for letter in "abc"[:size]]
        parts = [
            {"title": name, "execution_type": "fully_automated", "depends_on": [b for a, b in wanted if a == place]}
            for place, name in enumerate(names)
        ]
        if self.check(
            self.world.call(self.world.worker, "decompose_task_execution", task_id=node.id, subtasks=parts), None
        ):
            made = self.part(node, names)
            for late, early in wanted:
                made[late].waits_for.append(made[early])
            self.tree.open(node)

    def execute(self, name: str, node: Node) -> None:
        refusal = None
        if node.status not in ("queued", "in_progress") and (
            node.is_paused or node.held_up_by or node.on_subtasks or "queued" not in TASKS[node.status]
        ):
            refusal = CONFLICT
        answer = self.world.call(self.who(name), "queue_task_execution", task_id=node.id)
        if self.check(answer, refusal) and node.status not in ("queued", "in_progress"):
            self.tree.move(node, "queued")

    # What must hold

    @invariant()
    def the_database_agrees(self) -> None:
        rows = {
            r["row"]["id"]: r["row"]
            for r in self.world.ask(
                None,
                "select to_jsonb(t) || jsonb_build_object('jobs', (select count(*) from jobs.procrastinate_jobs j"
                " where j.queueing_lock = t.id::text and j.status = 'todo'), 'edges', (select coalesce(jsonb_agg(d.depends_on_task_id), '[]')"
                " from public.task_dependencies d where d.task_id = t.id)) as row from public.tasks t where t.root_task_id = %s",
                self.tree.root.id,
            ).rows
        }
        assert len(rows) == len(self.tree.nodes)
        said = {n.name: told(n) for n in self.tree.nodes}
        found = {n.name: picture(rows[str(n.id)]) for n in self.tree.nodes}
        assert found == said, {name: (found[name], said[name]) for name in said if found[name] != said[name]}
        for node in self.tree.nodes:
            row = rows[str(node.id)]
            if node.status == "completed":
                row = {k: v for k, v in row.items() if k not in ("jobs", "edges", "paused_at", "updated_at")}
                if node.id not in self.finished and node.children:
                    assert all(c.counts_as_done for c in node.children), "a parent completes with its last part"
                assert self.finished.setdefault(node.id, row) == row, "finished work is never touched"
            if node.status == "queued" and not node.is_paused:
                assert row["jobs"] == 1, "what waits for a worker has one job"
            if node.on_subtasks:
                assert not all(c.counts_as_done for c in node.children), "a parent completes with its last part"
                assert not [c.name for c in node.children if c.may_start], "what may start is queued"
        self.sound = True


def picture(row: Row) -> tuple[object, ...]:
    """What the model knows of a row."""
    return (
        row["execution_status"],
        row["blocked_on"] == "subtasks",
        row["paused_at"] is not None,
        row["waived_at"] is not None,
        row["superseded_at"] is not None,
        row["jobs"],
        sorted(row["edges"]),
    )


def told(node: Node) -> tuple[object, ...]:
    """The same, as the model tells it."""
    edges = sorted(str(n.id) for n in node.waits_for)
    return (node.status, node.on_subtasks, node.paused, node.waived, node.superseded, int(node.has_job), edges)
