"""The model of one task: every road the state machine knows, and every door somebody could try."""

from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.database import Identity
from tests.integration.tasks._models import CONFLICT, FORBIDDEN, INVALID, NO_RIGHT, TASKS, Answer, Row, World

STATES = sorted(TASKS)
ACTORS = st.sampled_from(["owner", "worker", "console"])
ROADS = {
    "pending": [],
    "queued": ["queued"],
    "in_progress": ["queued", "in_progress"],
    "paused": ["in_progress", "paused"],
    "blocked": ["in_progress", "blocked"],
    "failed": ["in_progress", "failed"],
}
EVENTS = {
    ("blocked", "in_progress"): "resumed",
    ("paused", "in_progress"): "resumed",
    ("in_progress", "queued"): "retry_queued",
}
WAITING = {"review", "subtasks", "approval", "delay", "agent", "reply"}
ALWAYS = {"execution_status", "execution_log", "updated_at"}
STAMPS = {
    "in_progress": "started_at",
    "blocked": "blocked_at",
    "failed": "failed_at",
    "completed": "completed_at",
    "cancelled": "cancelled_at",
}
WHY = {"blocked": {"blocked_reason": "because", "blocked_on": "person"}, "failed": {"failure_reason": "because"}}
TOUCHED = {
    "in_progress": {"started_at", "run_id", "run_started_at"},
    "queued": {"run_id", "worker_id", "generation"},
    "blocked": {"blocked_at", "blocked_reason", "blocked_on", "worker_id"},
    "failed": {"failed_at", "failure_reason", "worker_id"},
    "cancelled": {"cancelled_at", "worker_id"},
    "completed": {"completed_at", "worker_id", "verification", "evidence", "actual_duration_minutes"},
}
LEFT = {
    "blocked": {"blocked_on", "blocked_reason", "blocked_until", "unblocked_by", "remind_at", "reminded_at"},
    "failed": {"escalated_at", "waived_at", "waived_reason", "lost_count"},
}


class TaskMachine(RuleBasedStateMachine):
    """One task; the model is its status, whether it is paused, what it waits for, and its runs."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.runs: list[UUID] = []

    @initialize(max_retries=st.integers(0, 2), start=st.sampled_from(sorted(ROADS)))
    def make(self, max_retries: int, start: str) -> None:
        self.task_id = self.world.new_task(max_retries=max_retries)
        self.status, self.paused, self.waits_for = "pending", False, None
        self.retries, self.max_retries, self.runs, self.final_steps = 0, max_retries, [], 0
        self.before = self.row()
        for state in ROADS[start]:
            self.write_the_state("console", state)

    @precondition(lambda self: self.final_steps > 3)
    @rule(max_retries=st.integers(0, 2), start=st.sampled_from(sorted(ROADS)))
    def go_on_with_another(self, max_retries: int, start: str) -> None:
        self.make(max_retries, start)

    def row(self) -> Row:
        return self.world.row("tasks", self.task_id)

    def who(self, name: str) -> Identity | None:
        return {"owner": self.world.owner, "worker": self.world.worker, "console": None}[name]

    # What must hold after each answer

    def expect(self, answer: Answer, who: Identity | None, road: list[str] | str, free: bool = True) -> Row:
        """`road`: the states gone through, or the SQLSTATE of the refusal. `free`: other columns may change too."""
        row = self.row()
        if isinstance(road, str):
            assert answer.refused == road, (self.status, answer)
            assert row == self.before, "a refusal leaves nothing behind"
            return row
        assert answer.refused is None, (self.status, road, answer)
        lines = row["execution_log"][len(self.before["execution_log"]) :]
        assert row["execution_log"][: len(self.before["execution_log"])] == self.before["execution_log"]
        states = [self.status, *road]
        assert [(line.get("from"), line["to"]) for line in lines] == list(pairwise(states))
        for line in lines:
            assert line["event"] == EVENTS.get(
                (line["from"], line["to"]),
                {"in_progress": "started", "pending": "unqueued"}.get(line["to"], line["to"]),
            )
            assert line["actor_type"] == self.world.actor_type(who)
            assert line.get("actor_id") == (str(who.user_id) if who and who.user_id else None)
            if stamp := STAMPS.get(line["to"]):
                kept = self.before[stamp] if stamp == "started_at" else None
                assert row[stamp] == (kept or line["timestamp"])
        if not free:
            allowed = (ALWAYS | TOUCHED.get(road[-1], set()) | LEFT.get(self.status, set())) if road else {"updated_at"}
            if self.status in ("blocked", "failed"):
                allowed.add("generation")
            assert {k for k in row if row[k] != self.before[k]} <= allowed
        if road:
            self.status = road[-1]
        if "in_progress" in road:
            self.runs.append(UUID(row["run_id"]))
        if self.status != "blocked":
            self.waits_for = None
        self.before = row
        return row

    @invariant()
    def the_log_agrees(self) -> None:
        row = self.row()
        self.final_steps += self.status in ("completed", "cancelled")
        assert row == self.before
        assert (row["execution_status"], row["paused_at"] is not None) == (self.status, self.paused)
        moves = [line for line in row["execution_log"] if "to" in line]
        assert moves[-1]["to"] == self.status
        audited = self.world.audit(self.task_id)
        assert [(a["action"], a["data"].get("to")) for a in audited] == [(f"task.{m['event']}", m["to"]) for m in moves]
        assert [(a["actor_type"], str(a["actor_id"] or "")) for a in audited] == [
            (m["actor_type"], m.get("actor_id", "")) for m in moves
        ]

    # At an SQL console

    @rule(name=ACTORS, wanted=st.sampled_from(STATES))
    def write_the_state(self, name: str, wanted: str) -> None:
        who = self.who(name)
        changes: dict[str, Any] = {"execution_status": wanted}
        if wanted in WHY and wanted != self.status:
            changes |= WHY[wanted]
        if wanted == self.status:
            del changes["execution_status"]
            changes["title"] = self.before["title"]
            self.expect(self.world.change(who, "tasks", self.task_id, changes), who, [])
            return
        answer = self.world.change(who, "tasks", self.task_id, changes)
        self.expect(answer, who, self.move(wanted), free=False)
        self.waits_for = self.before["blocked_on"]

    @rule(name=ACTORS, kind=st.sampled_from(["shorten", "edit", "empty", "swap", "a move"]))
    def rewrite_the_log(self, name: str, kind: str) -> None:
        log: list[Row] = self.before["execution_log"]
        forged = {
            "shorten": log[:-1],
            "edit": [*log[:-1], {**log[-1], "event": "forged"}],
            "empty": [],
            "swap": [{"event": "forged"}, *log],
            "a move": [*log, {"event": "completed", "from": self.status, "to": "completed"}],
        }[kind]
        answer = self.world.change(self.who(name), "tasks", self.task_id, {"execution_log": forged})
        self.expect(answer, self.who(name), FORBIDDEN)

    @rule(name=ACTORS, column=st.sampled_from(["id", "organization_id", "parent_task_id", "root_task_id"]))
    def move_elsewhere(self, name: str, column: str) -> None:
        answer = self.world.change(self.who(name), "tasks", self.task_id, {column: uuid4()})
        self.expect(answer, self.who(name), CONFLICT)

    @rule(name=ACTORS, state=st.sampled_from([s for s in STATES if s != "pending"]))
    def be_born_otherwise(self, name: str, state: str) -> None:
        answer = self.world.ask(
            self.who(name),
            "insert into public.tasks (organization_id, title, execution_status, blocked_reason, failure_reason)"
            " values (%s, 'x', %s, 'r', 'f')",
            self.world.organization_id,
            state,
        )
        assert answer.refused == CONFLICT

    @rule(
        name=ACTORS,
        command=st.sampled_from(["update public.audit_events set reason = 'x'", "delete from public.audit_events"]),
    )
    def rewrite_the_audit(self, name: str, command: str) -> None:
        answer = self.world.ask(self.who(name), command + f" where subject_id = '{self.task_id}'")  # pyright: ignore[reportArgumentType]
        assert answer.refused == (FORBIDDEN if name == "console" else NO_RIGHT)

    # Through the functions

    def move(self, wanted: str) -> list[str] | str:
        return [wanted] if wanted in TASKS[self.status] else CONFLICT

    @rule(name=st.sampled_from(["owner", "worker"]))
    def execute(self, name: str) -> None:
        who = self.who(name)
        road: list[str] | str = self.move("queued")
        if self.status in ("queued", "in_progress"):
            road = []
        elif self.paused or (self.status == "blocked" and self.waits_for in WAITING):
            road = CONFLICT
        self.expect(self.world.call(who, "queue_task_execution", task_id=self.task_id), who, road)

    @rule(name=st.sampled_from(["owner", "worker"]), as_worker=st.booleans())
    def start(self, name: str, as_worker: bool) -> None:
        who = self.who(name)
        road = self.move("in_progress")
        if self.status == "in_progress" or self.paused or (as_worker and self.status != "queued"):
            road = CONFLICT
        if as_worker and name != "worker":
            road = FORBIDDEN
        worker_id = uuid4() if as_worker else None
        self.expect(self.world.call(who, "start_task_execution", task_id=self.task_id, worker_id=worker_id), who, road)

    def speaker(self, name: str, run: int | None) -> tuple[Identity | None, bool]:
        """Who speaks, and whether it is a run that was taken over."""
        if run is None or not self.runs or name != "worker":
            return self.who(name), False
        run_id = self.runs[run % len(self.runs)]
        return self.world.as_run(self.task_id, run_id), str(run_id) != self.before["run_id"]

    @rule(name=st.sampled_from(["owner", "worker"]), run=st.none() | st.integers(0, 9))
    def complete(self, name: str, run: int | None) -> None:
        who, stale = self.speaker(name, run)
        road: list[str] | str = ["completed"] if self.status in ("in_progress", "paused") and not stale else CONFLICT
        answer = self.world.call(who, "complete_task_execution", task_id=self.task_id, result_data={"output": "done"})
        row = self.expect(answer, who, road)
        if road == ["completed"]:
            assert row["result"] == {"output": "done"}
            assert row["execution_log"][-1]["result"] == {"output": "done"}

    @rule(name=st.sampled_from(["owner", "worker"]), run=st.none() | st.integers(0, 9), again=st.booleans())
    def fail(self, name: str, run: int | None, again: bool) -> None:
        who, stale = self.speaker(name, run)
        retried = again and self.retries < self.max_retries and self.status == "in_progress"
        road: list[str] | str = ["queued" if retried else "failed"]
        if self.status not in ("in_progress", "paused") or stale:
            road = CONFLICT
        answer = self.world.call(who, "fail_task_execution", task_id=self.task_id, error="no line", should_retry=again)
        row = self.expect(answer, who, road)
        if road == ["queued"]:
            self.retries += 1
            assert (row["retry_count"], row["failure_reason"]) == (self.retries, "no line")
            assert row["run_after"] > row["updated_at"]
            self.world.change(None, "tasks", self.task_id, {"run_after": None})  # the time passes
            self.before = self.row()

    @rule(
        name=st.sampled_from(["owner", "worker"]),
        run=st.none() | st.integers(0, 9),
        on=st.sampled_from(["person", "review", "delay", "agent", "reply", "model", "approval", "bounds"]),
    )
    def block(self, name: str, run: int | None, on: str) -> None:
        who, stale = self.speaker(name, run)
        road: list[str] | str = ["blocked"] if self.status == "in_progress" and not stale else CONFLICT
        answer = self.world.call(who, "block_task_execution", task_id=self.task_id, reason="because", blocked_on=on)
        row = self.expect(answer, who, road)
        if road == ["blocked"]:
            self.waits_for = on
            assert (row["blocked_on"], row["blocked_reason"]) == (on, "because")

    @rule(run=st.none() | st.integers(0, 9))
    def hand_back(self, run: int | None) -> None:
        who, stale = self.speaker("worker", run)
        road: list[str] | str = ["queued"] if self.status == "in_progress" and not stale else CONFLICT
        self.expect(self.world.call(self.world.owner, "hand_back_task", task_id=self.task_id), who, NO_RIGHT)
        self.expect(self.world.call(who, "hand_back_task", task_id=self.task_id), who, road)

    @precondition(lambda self: self.runs)
    @rule(run=st.integers(0, 9), wanted=st.sampled_from(STATES))
    def write_as_a_run(self, run: int, wanted: str) -> None:
        who, stale = self.speaker("worker", run)
        if wanted == self.status:
            return
        changes = {"execution_status": wanted, "blocked_reason": "r", "failure_reason": "f"}
        road = CONFLICT if stale else self.move(wanted)
        self.expect(self.world.change(who, "tasks", self.task_id, changes), who, road)

    @rule(name=st.sampled_from(["owner", "worker"]))
    def answer_it(self, name: str) -> None:
        who = self.who(name)
        waiting = self.status == "blocked" and self.waits_for in ("agent", "reply")
        answer = self.world.call(who, "answer_task", task_id=self.task_id, answer={"text": "yes"})
        self.expect(answer, who, ["in_progress", "completed"] if waiting else CONFLICT)

    @rule(name=st.sampled_from(["owner", "worker"]))
    def pause(self, name: str) -> None:
        who = self.who(name)
        ended = self.status in {"completed", "failed", "cancelled"}
        road: list[str] | str = CONFLICT if ended else ["paused"] if self.status == "in_progress" else []
        self.expect(self.world.call(who, "pause_task", task_id=self.task_id), who, road)
        self.paused = self.paused or not ended

    @rule(name=st.sampled_from(["owner", "worker"]))
    def resume(self, name: str) -> None:
        who = self.who(name)
        roads: dict[str, list[str]] = {"paused": ["queued"], "queued": ["pending", "queued"]}
        road: list[str] | str = roads.get(self.status, []) if self.paused else CONFLICT
        self.expect(self.world.call(who, "resume_task", task_id=self.task_id), who, road)
        self.paused = False

    @rule(name=st.sampled_from(["owner", "worker"]))
    def cancel(self, name: str) -> None:
        who = self.who(name)
        road = CONFLICT if self.status in {"completed", "failed", "cancelled"} else ["cancelled"]
        self.expect(self.world.call(who, "cancel_task", task_id=self.task_id), who, road)
        self.paused = self.paused and isinstance(road, str)

    @rule(name=st.sampled_from(["owner", "worker"]))
    def retry(self, name: str) -> None:
        who = self.who(name)
        road: list[str] | str = ["queued"] if self.status == "failed" else CONFLICT
        row = self.expect(self.world.call(who, "retry_task", task_id=self.task_id), who, road)
        if road == ["queued"]:
            self.retries = 0
            assert (row["retry_count"], row["failure_reason"]) == (0, None)

    @rule(name=st.sampled_from(["owner", "worker"]), wanted=st.sampled_from(STATES))
    def say_the_state(self, name: str, wanted: str) -> None:
        who = self.who(name)
        road = self.move(wanted)
        if wanted == self.status:
            road = []
        elif wanted == "completed" and self.status in ("pending", "queued", "blocked"):
            road = ["in_progress", "completed"]
        changes = {"execution_status": wanted} | {
            k: "because" for k, s in (("blocked_reason", "blocked"), ("failure_reason", "failed")) if s == wanted
        }
        self.expect(self.world.call(who, "update_task", task_id=self.task_id, changes=changes), who, road)

    @rule(name=st.sampled_from(["owner", "worker"]))
    def note_something(self, name: str) -> None:
        who = self.who(name)
        before = self.before["execution_log"]
        for forged in ({"event": "note", "to": "completed"}, {"event": "completed"}, {"event": ""}, {}):
            answer = self.world.call(who, "add_execution_log_entry", task_id=self.task_id, log_entry=forged)
            self.expect(answer, who, INVALID)
        answer = self.world.call(who, "add_execution_log_entry", task_id=self.task_id, log_entry={"event": "note"})
        assert answer.refused is None
        self.before = self.row()
        assert self.before["execution_log"][:-1] == before
        assert self.before["execution_log"][-1]["actor_type"] == self.world.actor_type(who)

    @rule(
        function=st.sampled_from(
            ["queue_task_execution", "start_task_execution", "complete_task_execution", "hand_back_task", "pause_task", "resume_task",
             "cancel_task", "retry_task", "get_task", "get_task_tree", "delete_task", "waive_task", "list_steps", "list_plan_changes"]
        ),
        wanted=st.sampled_from(STATES),
    )  # fmt: skip
    def knock(self, function: str, wanted: str) -> None:
        self.world.outsiders_are_refused(function, task_id=self.task_id)
        self.world.outsiders_are_refused("update_task", task_id=self.task_id, changes={"execution_status": wanted})
        self.world.outsiders_are_refused("fail_task_execution", task_id=self.task_id, error="x")
        self.world.outsiders_are_refused("block_task_execution", task_id=self.task_id, reason="x")
        self.world.outsiders_find_nothing("tasks", self.task_id, {"execution_status": wanted})
        seen = "select 1 from public.{} where {} = %s"
        for table, column in (("task_events", "task_id"), ("audit_events", "subject_id")):
            query: Any = seen.format(table, column)
            assert self.world.ask(self.world.stranger, query, self.task_id).rows == []
            assert self.world.ask(self.world.anonymous, query, self.task_id).refused == NO_RIGHT
