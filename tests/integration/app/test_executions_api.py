"""Executions over the API: begun from each kind of plan, listed, shown, controlled while an agent works, and watched."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx

from app.house import House
from core.database import Caller, Identity
from jobs.worker import working
from tasks import agents, plans
from tasks.agents import AgentRules, Work
from tests.integration.app.test_api import is_problem

RULES = AgentRules()
PATIENCE = 20
AGENTS_TASKS: list[dict[str, Any]] = [
    {"key": "find", "title": "Find", "tool": "outside_agent", "tool_input": {"capabilities": ["looking"]}, "risk": "high"}
    | {"execution_type": "fully_automated", "estimated_duration_minutes": 10},
    {"key": "ask", "title": "Ask around", "execution_type": "manual", "risk": "low", "estimated_duration_minutes": 10},
    {"key": "write", "title": "Write", "tool": "noop", "depends_on": ["find", "ask"], "estimated_duration_minutes": 20},
]


async def begin(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post("/api/executions", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/executions/{answer.json()['id']}"
    return answer.json()


async def read(client: httpx.AsyncClient, execution_id: str) -> dict[str, Any]:
    answer = await client.get(f"/api/executions/{execution_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def bring(client: httpx.AsyncClient, execution_id: str, **to: str) -> httpx.Response:
    return await client.patch(f"/api/executions/{execution_id}", json=to)


async def ready_plan(house: House, tasks: list[dict[str, Any]] | None = None) -> str:
    plan = {"kind": "objective", "title": "Win Carol", "starts_by_itself": False, "tasks": tasks or AGENTS_TASKS}
    return str((await plans.create_plan(house.caller, plan)).id)


class Helper:
    """An outside agent of the owner's organization."""

    def __init__(self, caller: Caller, agent_id: UUID) -> None:
        self._caller = caller
        self.id = agent_id

    @classmethod
    async def registered(cls, house: House, name: str = "Larry") -> "Helper":
        made = await agents.register_agent(house.caller, {"name": name, "capabilities": ["looking"]})
        found = await plans.get_plan(house.caller, UUID(await ready_plan(house, [{"key": "a", "title": "A"}])))
        identity = Identity.agent(made.details.id, found.plan.organization_id)
        return cls(house.database.acting_as(identity), made.details.id)

    async def claim(self) -> Work:
        for _ in range(400):
            work = await agents.claim_work(self._caller, self.id, RULES)
            if work is not None:
                return work
            await asyncio.sleep(0.05)
        raise AssertionError("nothing was offered")

    async def says(self, work: Work, kind: str, **data: Any) -> agents.ReportAnswer:
        event = {"event_id": str(uuid4()), "type": kind, "task_id": str(work.task.id), "data": data}
        return (await agents.report_events(self._caller, work.execution.id, [event], RULES))[0]

    async def hears(self) -> list[str]:
        return [one.next for one in (await agents.heartbeat_agent(self._caller, self.id, RULES)).leases]


async def test_a_plan_is_carried_out_by_an_agent_paused_resumed_and_cancelled(
    client: httpx.AsyncClient, house: House
) -> None:
    larry = await Helper.registered(house)
    plan_id = await ready_plan(house)
    assert (await read(client, plan_id))["state"] == "created"
    made = await begin(client, plan_id=plan_id, priority="high", bounds={"max_tasks": 50})
    assert (made["id"], made["plan_id"], made["kind"], made["priority"]) == (plan_id, plan_id, "objective", "high")
    assert (made["timeout_seconds"], made["state"]) == (168 * 3600, "queued")
    async with working(await house.worker()):
        work = await larry.claim()
    assert (work.task.priority, str(work.execution.id)) == ("high", plan_id)
    await larry.says(work, "task_progress", percent=50, message="Half")
    shown = await read(client, plan_id)
    assert shown["percent"] == 12.5
    assert [(one["by"], one["name"], one["percent"], one["message"]) for one in shown["at_work"]] == [
        ("agent", "Larry", 50, "Half")
    ]
    assert [(one["title"], one["waits_for"], one["blocked_on"]) for one in shown["blockers"]] == [
        ("Ask around", "person", None)
    ]
    assert [(one["kind"], one["level"], one["title"]) for one in shown["risks"]] == [
        ("known", "high", "Find"),
        ("known", "low", "Ask around"),
    ]
    assert [(one["name"], one["held"], one["completed"]) for one in shown["agents"]] == [("Larry", 1, 0)]
    assert (shown["agents_at_work"], shown["waiting_for_you"], shown["next_states"]) == (1, 1, ["paused", "cancelled"])

    assert (await bring(client, plan_id, state="paused")).json()["state"] == "paused"
    assert (await bring(client, plan_id, action="pause")).json()["state"] == "paused"
    assert await larry.hears() == ["pause"]
    assert (await bring(client, plan_id, action="resume")).json()["state"] == "running"
    assert (await larry.says(work, "task_progress", percent=60)).outcome == "late"
    async with working(await house.worker()):
        work = await larry.claim()
    assert (await bring(client, plan_id, state="cancelled")).json()["state"] == "cancelled"
    answer = await larry.says(work, "task_complete", output="Carol")
    assert (answer.outcome, answer.next) == ("late", "stop")
    assert (await bring(client, plan_id, state="cancelled")).status_code == 200
    problem = is_problem(await bring(client, plan_id, state="running"), 409)
    assert ("cancelled cannot become running" in problem["title"], "final" in problem["detail"]) == (True, True)
    reports = (await client.get(f"/api/executions/{plan_id}/reports", params={"limit": 2})).json()
    rest = (
        await client.get(f"/api/executions/{plan_id}/reports", params={"limit": 2, "cursor": reports["next_cursor"]})
    ).json()
    assert [one["outcome"] for one in [*reports["items"], *rest["items"]]] == ["applied", "late", "late"]
    assert rest["next_cursor"] is None

    again = await begin(client, plan_id=plan_id)
    assert (again["id"] != plan_id, again["state"], again["timeout_seconds"]) == (True, "running", 168 * 3600)
