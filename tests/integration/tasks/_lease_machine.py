"""The model of one task that two outside agents may have: leases, reports in any order, lost agents, and a person beside it."""

from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.database import Identity
from tests.integration.tasks._models import CONFLICT, Answer, Row, World

ENDS: dict[str, dict[str, Any]] = {
    "task_complete": {"output": 1},
    "task_error": {"error": "no", "retry_after_seconds": 0},
    "task_blocked": {"reason": "rain"},
    "subtask_created": {"confidence": 1, "parts": [{"title": "A part", "execution_type": "manual"}]},
}
WORDS: dict[str, dict[str, Any]] = {"task_started": {}, "task_progress": {"percent": 50}, "heartbeat": {}}
OUTCOMES = {"task_complete": "completed", "task_error": "failed", "task_blocked": "blocked", "subtask_created": "decomposed"}  # fmt: skip
AGENTS = st.sampled_from([0, 1])
AFTERWARDS = {"paused_at": None, "updated_at": None}
LATER = st.sampled_from([0, 20, 31, 60 * 7, 60 * 25, 60 * 49])


class LeaseMachine(RuleBasedStateMachine):
    """The model is who holds the task, what was reported, and how it ended."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    @initialize(max_retries=st.integers(0, 2))
    def make(self, max_retries: int) -> None:
        world = self.world
        over = "('completed', 'failed', 'cancelled')"  # what the example before has left
        world.ask(None, f"update public.tasks set execution_status = 'cancelled' where execution_status not in {over}")
        world.ask(None, "delete from public.tasks")
        world.ask(None, "delete from public.agents where not is_internal")
        self.agents = [self.register(uuid4().hex) for _ in range(2)]
        task = {
            "title": "Work",
            "tool": "outside_agent",
            "execution_type": "fully_automated",
            "max_retries": max_retries,
        }
        self.task_id = UUID(world.call(world.owner, "create_tasks", items=[task]).value["id"])
        self.leases: list[tuple[int, str]] = []  # who had it, under which lease, the newest last
        self.said: list[tuple[int, dict[str, Any], str]] = []  # by whom, what, and what became of it
        self.final: Row | None = None
        assert world.call(world.owner, "queue_task_execution", task_id=self.task_id).refused is None
        self.offer()

    def register(self, name: str) -> Identity:
        secret = uuid4().hex
        made = self.world.call(
            self.world.owner, "register_agent", agent={"name": name}, token_hash=secret * 2, token_prefix="sta_x"
        )
        return Identity.agent(UUID(made.value["id"]), self.world.organization_id)

    # What there is

    def row(self) -> Row:
        return self.world.row("tasks", self.task_id)

    def one(self, query: LiteralString) -> Row | None:
        found = self.world.ask(None, query, self.task_id).rows
        return found[0] if found else None

    def held(self) -> Row | None:
        return self.one("select * from public.agent_leases where task_id = %s and ended_at is null")

    def offered(self) -> Row:
        return self.one("select * from public.agent_offers where task_id = %s") or {}

    def ask(self, function: str, **params: object) -> Answer:
        return self.world.call(self.world.owner, function, **params)

    # The worker

    @precondition(lambda self: self.row()["execution_status"] == "queued" and self.row()["paused_at"] is None)
    @rule()
    def offer(self) -> None:
        self.world.ask(None, "update public.tasks set run_after = null where id = %s", self.task_id)
        begun = self.world.call(self.world.worker, "start_task_execution", task_id=self.task_id, executor_id=uuid4())
        assert begun.refused is None
        assert begun.value
        assert self.world.call(self.world.worker, "offer_task", task_id=self.task_id).refused is None

    @rule(minutes=LATER)
    def sweep(self, minutes: int) -> None:
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        assert self.world.call(Identity.service(), "sweep_agents", at=at).refused is None
        assert self.world.call(Identity.service(), "requeue_lost_tasks").refused is None

    @rule()
    def let_others_have_it(self) -> None:
        self.world.ask(
            None,
            """update public.agent_offers set avoided_until = now(), reserved_until = now(),
               opens_at = least(opens_at, now()) where task_id = %s""",
            self.task_id,
        )

    # The agents

    @rule(who=AGENTS)
    def claim(self, who: int) -> None:
        before, offer = self.row(), self.offered()
        answer = self.world.call(self.agents[who], "claim_work", agent_id=self.agents[who].agent_id)
        assert answer.refused is None
        is_open = offer["state"] == "open" and before["paused_at"] is None
        if answer.value:
            assert is_open
            assert before["blocked_on"] == "agent"
            self.leases.append((who, answer.value["lease"]["id"]))
        elif is_open:
            now = datetime.now(UTC)
            kept = offer["reserved_for"] not in {None, self.agents[who].agent_id} and offer["reserved_until"] > now
            assert kept or offer["avoided_agent_id"] == self.agents[who].agent_id

    @precondition(lambda self: self.leases)
    @rule(kind=st.sampled_from(sorted(ENDS | WORDS)), who=AGENTS, back=st.integers(0, 2), named=st.booleans())
    def report(self, kind: str, who: int, back: int, named: bool) -> None:
        had = [lease for agent, lease in self.leases if agent == who]
        lease = had[max(0, len(had) - 1 - back)] if had else str(uuid4())
        one = {"event_id": uuid4().hex, "type": kind, "task_id": str(self.task_id), "data": {**ENDS, **WORDS}[kind]}
        held = self.held()
        if named:
            one["lease_id"] = lease
        elif had:
            lease = had[-1]
        outcome = self.say(who, one)
        if not had:
            assert outcome == "refused"
        elif held is None or str(held["id"]) != lease:
            assert outcome == "late"
        else:
            assert outcome == "applied"
            assert (self.held() is None) == (kind in ENDS)
        if had and kind != "heartbeat":
            self.said.append((who, one, outcome))

    @precondition(lambda self: self.said)
    @rule(which=st.integers(0, 50), bent=st.booleans())
    def repeat(self, which: int, bent: bool) -> None:
        who, one, _ = self.said[which % len(self.said)]
        before = self.row()
        assert self.say(who, {**one, "data": {**one["data"], "message": "else"}} if bent else one) == (
            "refused" if bent else "duplicate"
        )
        assert self.row() == before

    def say(self, who: int, one: dict[str, Any]) -> str:
        answer = self.world.call(self.agents[who], "report_events", execution_id=self.task_id, events=[one])
        assert answer.refused is None, answer
        return answer.value[0]["outcome"]

    @rule(who=AGENTS)
    def beat(self, who: int) -> None:
        answer = self.world.call(self.agents[who], "heartbeat_agent", agent_id=self.agents[who].agent_id)
        held, leases = self.held(), answer.value["leases"]
        is_mine = held is not None and held["agent_id"] == self.agents[who].agent_id
        assert [one["next"] for one in leases] == (
            ["pause" if self.row()["paused_at"] else "continue"] if is_mine else []
        )

    # The person

    @rule(act=st.sampled_from(["pause_task", "resume_task", "cancel_task", "queue_task_execution", "retry_task"]))
    def decide(self, act: str) -> None:
        assert self.ask(act, task_id=self.task_id).refused in {None, CONFLICT}

    @rule()
    def answer(self) -> None:
        assert self.ask("answer_task", task_id=self.task_id, answer={"by": "hand"}).refused in {None, CONFLICT}

    @precondition(lambda self: self.row()["blocked_on"] == "subtasks")
    @rule()
    def finish_parts(self) -> None:
        self.world.ask(
            self.world.owner,
            "update public.tasks set execution_status = 'in_progress' where parent_task_id = %s and execution_status = 'pending'",
            self.task_id,
        )
        done = "update public.tasks set execution_status = 'completed' where parent_task_id = %s and execution_status = 'in_progress'"  # fmt: skip
        assert self.world.ask(self.world.owner, done, self.task_id).refused is None

    # What always holds

    @invariant()
    def it_is_held_by_at_most_one(self) -> None:
        row, held, offer = self.row(), self.held(), self.offered()
        status = row["execution_status"]
        assert (status == "in_progress") <= (held is not None), "nobody is at it"
        if held is not None:
            assert status in {"in_progress", "paused"}
            assert str(held["id"]) == self.leases[-1][1] == row["run_id"]
        assert (offer["state"] in {"open", "resting"}) == (row["blocked_on"] == "agent")
        assert (offer["state"] == "closed") <= (status in {"completed", "failed", "cancelled", "queued"} or row["blocked_on"] == "person")  # fmt: skip

    @invariant()
    def an_end_is_final(self) -> None:
        row = self.row()
        if self.final is not None:
            assert {**row, **AFTERWARDS} == {**self.final, **AFTERWARDS}
        elif row["execution_status"] in {"completed", "cancelled"}:
            self.final = row

    @invariant()
    def each_report_counts_once(self) -> None:
        kept = self.world.ask(None, "select event_id, outcome, kind from public.agent_reports where task_id = %s", self.task_id).rows  # fmt: skip
        assert {row["event_id"]: row["outcome"] for row in kept} == {one["event_id"]: was for _, one, was in self.said}
        ended = self.world.ask(None, "select outcome from public.agent_leases where task_id = %s", self.task_id).rows
        applied = [OUTCOMES[row["kind"]] for row in kept if row["outcome"] == "applied" and row["kind"] in OUTCOMES]
        assert sorted(applied) == sorted(row["outcome"] for row in ended if row["outcome"] in {"completed", "blocked", "decomposed"}) + ["failed"] * applied.count("failed")  # fmt: skip
