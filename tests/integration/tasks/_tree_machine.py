"""The same trees with a person at them, who executes, ticks off, pauses, cancels, waives, retries and draws edges."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.integration.tasks._models import CONFLICT, INVALID, MISSING
from tests.integration.tasks._tree_model import ENDED
from tests.integration.tasks._tree_worker import PICK, TreeWorker


class TreeMachine(TreeWorker):
    """A worker and a person at one tree."""

    @rule(name=st.sampled_from(["owner", "worker"]), pick=PICK)
    def press_execute(self, name: str, pick: int) -> None:
        self.execute(name, self.some(pick, lambda n: n.status in ("pending", "blocked")))

    @precondition(lambda self: any(n.manual or n.status == "blocked" for n in self.tree.nodes if not n.children))
    @rule(pick=PICK)
    def tick_off(self, pick: int) -> None:
        node = self.some(pick, lambda n: not n.children and (n.manual or n.status == "blocked"))
        changes = {"execution_status": "completed"}
        answer = self.world.call(self.world.owner, "update_task", task_id=node.id, changes=changes)
        if self.check(answer, CONFLICT if node.status in ("failed", "cancelled") else None):
            self.tree.move(node, "completed")

    @precondition(lambda self: sum(n.paused for n in self.tree.nodes) < 3)
    @rule(pick=PICK)
    def pause(self, pick: int) -> None:
        node = self.some(pick, lambda n: not n.paused and n.status not in ENDED)
        answer = self.world.call(self.world.owner, "pause_task", task_id=node.id)
        if self.check(answer, CONFLICT if node.status in ENDED else None):
            self.tree.pause(node)

    @precondition(lambda self: any(n.paused for n in self.tree.nodes))
    @rule(pick=PICK)
    def resume(self, pick: int) -> None:
        node = self.some(pick, lambda n: n.paused)
        if self.check(self.world.call(self.world.owner, "resume_task", task_id=node.id), None):
            self.tree.resume(node)

    @precondition(lambda self: self.grown > 4)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        node = self.some(pick, lambda n: not n.children)
        answer = self.world.call(self.world.owner, "cancel_task", task_id=node.id)
        if self.check(answer, CONFLICT if node.status in ENDED else None):
            self.tree.cancel(node)

    @precondition(lambda self: self.tree.root.status in ENDED)
    @rule(pick=PICK)
    def cancel_or_pause_what_has_ended(self, pick: int) -> None:
        for function in ("cancel_task", "pause_task"):
            node = self.some(pick, lambda n: n.status in ENDED)
            self.check(self.world.call(self.world.owner, function, task_id=node.id), CONFLICT)

    @precondition(lambda self: any(n.status in ("failed", "cancelled") for n in self.tree.nodes))
    @rule(pick=PICK)
    def go_on_without(self, pick: int) -> None:
        node = self.some(pick, lambda n: n.status in ("failed", "cancelled"))
        refusal = CONFLICT if node.parent is None or node.superseded else None
        if (
            self.check(self.world.call(self.world.owner, "waive_task", task_id=node.id, reason="no need"), refusal)
            and not node.waived
        ):
            self.tree.waive(node)

    @precondition(lambda self: any(n.status == "failed" and not n.children for n in self.tree.nodes))
    @rule(pick=PICK)
    def retry(self, pick: int) -> None:
        node = self.some(pick, lambda n: n.status == "failed" and not n.children)
        answer = self.world.call(self.world.owner, "retry_task", task_id=node.id)
        if self.check(answer, CONFLICT if node.superseded else None):
            self.tree.move(node, "queued")

    # Edges

    @rule(pick=PICK, other=PICK, raw=st.booleans())
    def add_an_edge(self, pick: int, other: int, raw: bool) -> None:
        node, on = self.some(pick, lambda n: n.status == "pending"), self.some(other)
        if node is on:
            return
        if raw:
            answer = self.world.ask(
                self.world.owner,
                "insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)"
                " values (%s, %s, %s) on conflict do nothing",
                self.world.organization_id,
                node.id,
                on.id,
            )
        else:
            answer = self.world.call(self.world.owner, "add_dependency", task_id=node.id, depends_on_task_id=on.id)
        if not raw and node.status not in ("pending", "queued"):
            assert self.check(answer, CONFLICT) is False
        elif on.superseded:
            assert self.check(answer, INVALID) is False, "it would wait for ever"
        elif self.tree.closes_a_cycle(node, on):
            assert self.check(answer, INVALID) is False
            named = answer.detail.split(" -> ")
            assert named[0] == named[-1], answer.detail
            assert {node.name, on.name} <= set(named), answer.detail
        elif self.check(answer, None):
            node.waits_for += [on] if on not in node.waits_for else []
            if not raw and node.status == "queued" and node.held_up_by:
                node.status = "pending"

    @precondition(lambda self: any(n.waits_for for n in self.tree.nodes))
    @rule(pick=PICK, other=PICK)
    def remove_an_edge(self, pick: int, other: int) -> None:
        node = self.some(pick, lambda n: bool(n.waits_for))
        on = (node.waits_for * 3 + self.tree.nodes)[other % (len(node.waits_for) * 3 + 1)]
        there = on in node.waits_for
        answer = self.world.call(self.world.owner, "remove_dependency", task_id=node.id, depends_on_task_id=on.id)
        if self.check(answer, None if there else MISSING):
            node.waits_for.remove(on)
            if node.parent and node.may_start:
                self.tree.move(node, "queued")
