"""The model of gates and reviews: a task that waits for a person's yes or no to exactly what was shown."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.database import Identity
from tests.integration.tasks._draft_machine import ACTORS, SIGNED_IN, Approval
from tests.integration.tasks._models import APPROVALS, CONFLICT, FORBIDDEN, TASKS, Answer, Row, World

SEALED: dict[str, Any] = {
    "digest": "0" * 64,
    "payload": {"amount": 10000},
    "title": "Another",
    "why": "another",
    "expires_at": "2100-01-01",
}
KINDS = st.sampled_from(["approval", "review"])
GATE = st.integers(-2, -1)  # of the gates, the newest two


class GateMachine(RuleBasedStateMachine):
    """One task and what it asked a person, one after the other."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.gates: list[Approval] = []

    @initialize(kind=KINDS, expired=st.booleans())
    def make(self, kind: str, expired: bool) -> None:
        self.remember()
        self.task_id = self.world.new_task(title="Pay")
        self.status, self.waits_for = "pending", None
        self.gates, self.last = [], self.rows()
        self.ask("worker", kind, expired)

    def who(self, name: str) -> Identity | None:
        return {"owner": self.world.owner, "worker": self.world.worker, "console": None}[name]

    def rows(self) -> tuple[Row, dict[str, Row]]:
        query = "select to_jsonb(a) as row from public.approvals a where a.task_id = %s"
        gates = {r["row"]["id"]: r["row"] for r in self.world.ask(None, query, self.task_id).rows}
        return self.world.row("tasks", self.task_id), gates

    def check(self, answer: Answer, refusal: str | None) -> bool:
        assert answer.refused == refusal, (answer, refusal, self.status, [g.history for g in self.gates])
        if refusal:
            assert self.rows() == self.last, "a refusal leaves nothing behind"
        return refusal is None

    def set_gate(self, gate: Approval, state: str) -> None:
        if gate.state != state:
            gate.state = state
            gate.history.append(state)

    def set_task(self, status: str, waits_for: str | None = None) -> None:
        """Leaving a gate otherwise than by its decision closes it, unless the task is only queued again."""
        if (
            self.status == "blocked"
            and status not in ("blocked", "queued")
            and self.waits_for in ("review", "approval")
        ):
            self.void("open")
        self.status, self.waits_for = status, waits_for

    def void(self, *states: str) -> None:
        for gate in self.gates:
            if gate.state in states:
                self.set_gate(gate, "voided")

    @invariant()
    def the_rows_are_as_the_model_says(self) -> None:
        task, gates = self.last = self.rows()
        assert task["execution_status"] == self.status
        if self.status == "blocked":
            assert task["blocked_on"] == self.waits_for
        assert {i: g["state"] for i, g in gates.items()} == {str(g.id): g.state for g in self.gates}
        for gate in self.gates:
            row = gates[str(gate.id)]
            decided = bool({"approved", "rejected"} & set(gate.history))
            assert row["decided_by"] == (str(self.world.owner.user_id) if decided else None), "a person decides"
            assert (row["used_at"] is not None) == (gate.state == "used")

    def remember(self) -> None:
        for gate in self.gates:
            assert [a["action"] for a in self.world.audit(gate.id)] == [f"approval.{s}" for s in gate.history]

    def teardown(self) -> None:
        self.remember()

    @precondition(lambda self: self.status in ("completed", "cancelled"))
    @rule(kind=KINDS, expired=st.booleans())
    def go_on_with_another(self, kind: str, expired: bool) -> None:
        self.make(kind, expired)

    # Asking

    @precondition(lambda self: len(self.gates) < 2 or self.gates[-1].state != "open")
    @rule(name=SIGNED_IN, kind=KINDS, expired=st.booleans())
    def ask(self, name: str, kind: str, expired: bool) -> None:
        """The task runs again, and asks."""
        for state in {"failed": ["queued", "in_progress"], "in_progress": []}.get(self.status, ["in_progress"]):
            if state in TASKS[self.status]:
                assert self.world.change(None, "tasks", self.task_id, {"execution_status": state}).refused is None
                self.set_task(state)
        self.last = self.rows()
        if kind == "review":
            expired = False
            answer = self.world.call(
                self.who(name), "request_review", task_id=self.task_id, title="Read", result_data={"output": "x"}
            )
        else:
            answer = self.world.call(
                self.who(name),
                "request_approval",
                task_id=self.task_id,
                title="Pay",
                payload={"amount": 10},
                expires_in_seconds=-5.0 if expired else 3600.0,
            )
        if self.check(answer, None if self.status == "in_progress" else CONFLICT):
            self.void("open")
            query = "select id from public.approvals where task_id = %s and state = 'open'"
            self.gates.append(Approval(self.world.ask(None, query, self.task_id).value, "open", expired))
            self.set_task("blocked", kind)

    # Deciding

    @rule(name=SIGNED_IN, place=GATE, yes=st.booleans(), notes=st.sampled_from([None, "Less"]))
    def decide(self, name: str, place: int, yes: bool, notes: str | None) -> None:
        gate = self.gate(place)
        answer = self.world.call(self.who(name), "decide_approval", approval_id=gate.id, approved=yes, notes=notes)
        refusal = self.may_write(name, gate, "approved" if yes else "rejected")
        wanted = "in_progress" if yes else "failed" if self.waits_for == "approval" else "queued" if notes else None
        if refusal is None and wanted and wanted != self.status and wanted not in TASKS[self.status]:
            refusal = CONFLICT
        if not self.check(answer, refusal):
            return
        self.set_gate(gate, "approved" if yes else "rejected")
        if yes:
            self.set_gate(gate, "used")
            self.set_task("in_progress")
            self.set_task("completed")
            row = self.world.row("tasks", self.task_id)
            assert (row["verification"], row["evidence"][0]["where"]) == ("verified", str(gate.id))
        elif wanted:
            self.set_task(wanted)
        else:
            self.waits_for = "person"

    def gate(self, place: int) -> Approval:
        return self.gates[max(place, -len(self.gates))]

    def may_write(self, name: str, gate: Approval, state: str) -> str | None:
        if state == gate.state:
            return None
        if state not in APPROVALS[gate.state]:
            return CONFLICT
        if state in ("approved", "rejected"):
            return FORBIDDEN if name != "owner" else CONFLICT if gate.expired else None
        return None

    @rule()
    def time_passes(self) -> None:
        gate = self.gates[-1]
        assert self.world.call(self.world.worker, "wake_waiting_tasks").refused is None
        if self.status == "blocked" and self.waits_for == "approval" and gate.expired:
            if gate.state == "open":
                self.set_gate(gate, "expired")
            self.set_task("failed")

    # Around the gate

    @rule(name=ACTORS, place=GATE, state=st.sampled_from(sorted(APPROVALS)))
    def write_the_state(self, name: str, place: int, state: str) -> None:
        gate = self.gate(place)
        answer = self.world.change(self.who(name), "approvals", gate.id, {"state": state})
        if self.check(answer, self.may_write(name, gate, state)):
            self.set_gate(gate, state)

    @rule(name=ACTORS, place=GATE, column=st.sampled_from(sorted(SEALED)))
    def write_another_seal(self, name: str, place: int, column: str) -> None:
        answer = self.world.change(self.who(name), "approvals", self.gate(place).id, {column: SEALED[column]})
        self.check(answer, CONFLICT)

    @rule(name=ACTORS, wanted=st.sampled_from(["queued", "in_progress", "failed", "cancelled", "completed"]))
    def write_the_state_of_the_task(self, name: str, wanted: str) -> None:
        if wanted == self.status:
            return
        changes = {"execution_status": wanted, "failure_reason": "because"}
        answer = self.world.change(self.who(name), "tasks", self.task_id, changes)
        if self.check(answer, None if wanted in TASKS[self.status] else CONFLICT):
            self.set_task(wanted)

    @rule(name=SIGNED_IN)
    def tick_off(self, name: str) -> None:
        changes = {"execution_status": "completed"}
        answer = self.world.call(self.who(name), "update_task", task_id=self.task_id, changes=changes)
        done = self.status == "completed"
        if self.check(answer, CONFLICT if self.status in ("failed", "cancelled") else None) and not done:
            self.set_task("completed")

    @precondition(lambda self: len(self.gates) > 2)
    @rule(name=SIGNED_IN)
    def cancel(self, name: str) -> None:
        answer = self.world.call(self.who(name), "cancel_task", task_id=self.task_id)
        if self.check(answer, CONFLICT if self.status in ("completed", "failed", "cancelled") else None):
            self.void("open", "approved")
            self.set_task("cancelled")

    @rule(name=SIGNED_IN)
    def press_execute(self, name: str) -> None:
        refused = self.waits_for in ("review", "approval") or self.status in ("completed", "cancelled")
        answer = self.world.call(self.who(name), "queue_task_execution", task_id=self.task_id)
        if self.check(answer, CONFLICT if refused else None) and self.status not in ("queued", "in_progress"):
            self.set_task("queued")

    @rule(place=GATE, yes=st.booleans())
    def knock(self, place: int, yes: bool) -> None:
        gate = self.gate(place)
        self.world.outsiders_are_refused("decide_approval", approval_id=gate.id, approved=yes)
        self.world.outsiders_are_refused("request_approval", task_id=self.task_id, title="x", payload={})
        self.world.outsiders_are_refused("request_review", task_id=self.task_id, title="x", result_data={})
        self.world.outsiders_find_nothing("approvals", gate.id, {"state": "approved"})
        assert self.rows() == self.last
