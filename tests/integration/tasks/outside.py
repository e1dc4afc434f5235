"""Outside agents at work, for tests: registered, with work that is offered to them, and a clock that can be moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from core.database import Caller, Database, Identity
from core.postgres import pool_of
from tasks import agent_work, agents, functions, runs, trees
from tasks.agent_work import AgentRules, ReportAnswer, Work
from tasks.models import Task

RULES = AgentRules()
TIMES = {
    "agent_offers": "offered_at deadline_at opens_at reserved_until avoided_until obstacle_since told_at",
    "agent_leases": "claimed_at heard_at expires_at times_out_at started_at told_at ended_at",
    "agent_reports": "received_at",
    "tasks": "started_at blocked_at blocked_until run_after run_started_at reminded_at",
}


@dataclass(frozen=True)
class Outsider:
    """An outside agent that speaks for itself."""

    caller: Caller
    id: UUID
    name: str

    async def claim(self, rules: AgentRules = RULES) -> Work | None:
        return await agent_work.claim_work(self.caller, self.id, rules)

    async def take(self, rules: AgentRules = RULES) -> Work:
        work = await self.claim(rules)
        assert work, f"there is no work for {self.name}"
        return work

    async def beat(self, rules: AgentRules = RULES) -> agent_work.Heartbeat:
        return await agent_work.heartbeat_agent(self.caller, self.id, rules)

    async def report(
        self, work: Work, kind: str, data: Mapping[str, Any] | None = None, rules: AgentRules = RULES, **more: Any
    ) -> ReportAnswer:
        one = event(kind, work.task.id, data, **more)
        (answer,) = await agent_work.report_events(self.caller, work.execution.id, [one], rules)
        return answer


def event(kind: str, task_id: UUID | str, data: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"event_id": uuid4().hex, "type": kind, "task_id": str(task_id), "data": dict(data or {}), **more}


@dataclass(frozen=True)
class Yard:
    """Where Ana's agents work."""

    database: Database
    ana: Caller
    service: Caller

    async def register(self, name: str, *capabilities: str, by: Caller | None = None, **more: Any) -> Outsider:
        made = await agents.register_agent(by or self.ana, {"name": name, "capabilities": capabilities, **more})
        organization = (await (by or self.ana).call("get_profile"))["organization"]["id"]
        caller = self.database.acting_as(Identity.agent(made.details.id, UUID(organization)))
        return Outsider(caller, made.details.id, name)

    async def offer(self, title: str = "Work", **given: Any) -> UUID:
        """A task that waits for an agent."""
        fields = {key: given.pop(key) for key in ("priority", "max_retries", "timeout_seconds") if key in given}
        task = {"title": title, "tool": "outside_agent", "execution_type": "fully_automated", "tool_input": given}
        made = await trees.create_task_tree(self.ana, {**task, **fields})
        await functions.queue_task_execution(self.ana, made.id)
        await self.offer_queued(made.id)
        return made.id

    async def offer_queued(self, task_id: UUID) -> None:
        """What a worker does with a queued task for agents."""
        task = await runs.start_task_execution(self.service, task_id, uuid4(), worker_id=uuid4())
        assert task, "the task is not queued, or not due"
        given = {key: value for key, value in task.tool_input.items() if key != "feedback"}
        await agent_work.offer_task(self.service, task_id, **given)

    async def task(self, task_id: UUID) -> Task:
        return await functions.get_task(self.ana, task_id)

    async def sweep(self, rules: AgentRules = RULES, at: datetime | None = None, **later: float) -> int:
        """What the clock brings about, as of now or so much later."""
        moment = at or datetime.now(UTC) + timedelta(**later)
        return await agent_work.sweep_agents(self.database.acting_as(Identity.service()), rules, moment)

    async def pass_time(self, **span: float) -> None:
        """So much time has passed: everything that is noted lies so much further back."""
        async with pool_of(self.database).connection() as connection, connection.transaction():
            await connection.execute("set local session_replication_role = replica")
            for table, columns in TIMES.items():
                moved = ", ".join(f"{name} = {name} - %(span)s" for name in columns.split())
                await connection.execute(f"update public.{table} set {moved}".encode(), {"span": timedelta(**span)})

    async def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with pool_of(self.database).connection() as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def offered(self, task_id: UUID, column: str) -> Any:
        return (await self.sql(f"select {column} from public.agent_offers where task_id = %s", task_id))[0][0]
