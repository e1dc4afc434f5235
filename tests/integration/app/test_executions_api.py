"""Executions over the API: begun from each kind of plan, listed, shown, controlled while an agent works, and watched."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.house import House
from app.problems import PARTLY_DONE
from core.database import Caller, Identity
from core.keys import Keys
from core.postgres import pool_of
from jobs.worker import working
from tasks import agent_work, agents, plans
from tasks.agent_work import AgentRules, Work
from tasks.functions import create_tasks, get_task_tree
from tasks.tokens import create_token
from tests.conftest import sign_up
from tests.integration.agents.test_document_execution import document, written
from tests.integration.app.live import bearer, streaming, take, usual_server
from tests.integration.app.test_api import is_problem

RULES = AgentRules()
PATIENCE = 20
LEVELS = ["high", "medium", "low"]
AGENTS_TASKS: list[dict[str, Any]] = [
    {
        "key": "find",
        "title": "Find",
        "tool": "outside_agent",
        "tool_input": {"capabilities": ["looking"]},
        "risk": "high",
    }
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
        """The next work, once there is some."""
        for _ in range(400):
            work = await agent_work.claim_work(self._caller, self.id, RULES)
            if work is not None:
                return work
            await asyncio.sleep(0.05)
        raise AssertionError("nothing was offered")

    async def says(self, work: Work, kind: str, **data: Any) -> agent_work.ReportAnswer:
        event = {"event_id": str(uuid4()), "type": kind, "task_id": str(work.task.id), "data": data}
        return (await agent_work.report_events(self._caller, work.execution.id, [event], RULES))[0]

    async def hears(self) -> list[str]:
        return [one.next for one in (await agent_work.heartbeat_agent(self._caller, self.id, RULES)).leases]


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
    assert "cancelled cannot become running" in str(problem)
    assert "final" in str(problem)
    reports = (await client.get(f"/api/executions/{plan_id}/reports", params={"limit": 2})).json()
    rest = (
        await client.get(f"/api/executions/{plan_id}/reports", params={"limit": 2, "cursor": reports["next_cursor"]})
    ).json()
    assert [one["outcome"] for one in [*reports["items"], *rest["items"]]] == ["applied", "late", "late"]
    assert rest["next_cursor"] is None

    again = await begin(client, plan_id=plan_id)
    assert (again["id"] != plan_id, again["state"], again["timeout_seconds"]) == (True, "queued", 168 * 3600)


async def test_what_stands_still_and_what_may_go_wrong_is_shown(client: httpx.AsyncClient, house: House) -> None:
    larry = await Helper.registered(house)
    await agents.update_agent(house.caller, larry.id, {"max_concurrent": 3})
    names = {"Idle": "low", "Late": "medium", "Stuck": "high", "Lost": "critical"}
    tasks: list[dict[str, Any]] = [
        {"key": name, "title": name, "tool": "outside_agent", "tool_input": {"whom": "Larry"}, "priority": priority}
        for name, priority in names.items()
    ]
    execution_id = await ready_plan(house, tasks)
    await begin(client, plan_id=execution_id, bounds={"max_wall_seconds": 1_000_000_000})

    async def blockers() -> dict[str, dict[str, Any]]:
        return {one["title"]: one for one in (await read(client, execution_id))["blockers"]}

    async with working(await house.worker()), asyncio.timeout(PATIENCE):
        while {one["blocked_on"] for one in (await blockers()).values()} != {"agent"} or len(await blockers()) < 4:
            await asyncio.sleep(0.05)
    lost, stuck, late = [await larry.claim() for _ in range(3)]
    assert [lost.task.title, stuck.task.title, late.task.title] == ["Lost", "Stuck", "Late"]
    await larry.says(stuck, "task_blocked", reason="The site is down", recheck_after_seconds=600)
    await larry.says(lost, "task_error", error="Lost the page", is_retryable=True, retry_after_seconds=600)
    found = await blockers()
    assert {title: (one["waits_for"], one["whom"]) for title, one in found.items()} == {
        "Idle": ("agent", "Larry"),
        "Stuck": ("outside", "Larry"),
    }
    assert "The site is down" in found["Stuck"]["reason"]
    assert found["Stuck"]["until"] > found["Stuck"]["since"]
    soon = b"""update public.agent_leases set claimed_at = now() - interval '1 hour', heard_at = now() - interval '1 hour',
        expires_at = now() + interval '1 minute', times_out_at = now() + interval '1 minute' where ended_at is null"""
    async with pool_of(house.database).connection() as connection:
        await connection.execute(soon)
        await connection.execute(b"update public.tasks set due_at = now() where id = %s", [execution_id])

    async def risks() -> dict[tuple[str, str], str]:
        shown = (await read(client, execution_id))["risks"]
        assert [one["level"] for one in shown] == sorted((one["level"] for one in shown), key=LEVELS.index)
        return {(one["kind"], one["title"]): one["what"] for one in shown}

    assert {("silent", "Late"), ("late", "Late"), ("deadline", "Win Carol"), ("retries", "Lost")} == set(await risks())
    service = house.database.acting_as(Identity.service())
    await agent_work.sweep_agents(service, RULES, datetime.now(UTC) + timedelta(hours=25))
    assert (await blockers())["Idle"]["told_at"]
    found_risks = await risks()
    assert {kind for kind, title in found_risks if title == "Idle"} == {"idle"}
    assert found_risks["retries", "Lost"] == "tried again 1 of 3 times"
    assert "attempts that took too long: 1" in found_risks["retries", "Late"]
    took_part = (await read(client, execution_id))["agents"]
    assert [(one["lost"], one["blocked"], one["failed"], one["held"]) for one in took_part] == [(1, 1, 1, 0)]


async def test_an_execution_that_failed_half_way_is_not_begun_again_by_its_key(
    client: httpx.AsyncClient, house: House
) -> None:
    """Beginning again copies the plan by one call, and starts it by another."""
    plan_id = (await begin(client, plan_id=await ready_plan(house)))["id"]
    key, asked = {"Idempotency-Key": "again"}, {"plan_id": plan_id}
    await _rename(house, "queue_task_execution", "queue_away")
    failed = await client.post("/api/executions", json=asked, headers=key)
    await _rename(house, "queue_away", "queue_task_execution")
    again = await client.post("/api/executions", json=asked, headers=key)
    assert failed.status_code >= 500
    assert (again.status_code, again.headers["idempotency-replayed"]) == (failed.status_code, "true")
    assert again.json() == failed.json()
    assert failed.json()["hint"] == PARTLY_DONE
    assert len((await client.get("/api/executions")).json()["items"]) == 2
    assert (await client.post("/api/executions", json=asked, headers={"Idempotency-Key": "new"})).status_code == 201


async def _rename(house: House, function: str, name: str) -> None:
    async with pool_of(house.database).connection() as connection:
        await connection.execute(f"alter function public.{function} rename to {name}".encode())


async def test_each_kind_of_plan_and_any_root_task_is_begun(client: httpx.AsyncClient, house: House) -> None:
    later = await begin(client, plan_id=await ready_plan(house), start=False, bounds={"max_wall_seconds": 60})
    assert (later["state"], later["timeout_seconds"], later["times_out_at"]) == ("created", 60, None)
    headers = {"Idempotency-Key": "once"}
    twice = [await client.post("/api/executions", json={"plan_id": later["id"]}, headers=headers) for _ in range(2)]
    assert {one.json()["id"] for one in twice} == {later["id"]}
    copy = await begin(client, plan_id=later["id"], start=False, priority="low")
    assert (copy["state"], copy["timeout_seconds"], copy["priority"]) == ("created", 60, "low")
    tree = await get_task_tree(house.caller, UUID(copy["id"]))
    assert {one.priority for one in tree.children} == {"low"}
    assert (await bring(client, copy["id"], state="running")).json()["state"] == "queued"
    assert (await bring(client, copy["id"], state="running")).json()["state"] == "queued"

    made = await client.post("/api/plans/execute", json={"objective": "Launch feature X"})
    planned = await begin(client, plan_id=made.json()["planId"])
    assert (planned["id"], planned["state"]) == (made.json()["planId"], "queued")
    made = await client.post("/api/plans/execute", json={"objective": "Launch feature X", "start": False})
    body = {"plan_id": made.json()["planId"]}
    assert "still being made" in str(is_problem(await client.post("/api/executions", json=body), 409))

    organization_id = (await plans.get_plan_progress(house.caller, UUID(copy["id"]))).organization_id
    service = house.database.acting_as(Identity.service(organization_id))
    for confidence, state in ((0.95, "running"), (0.4, "created")):
        paper = await document(house.caller, service, written(confidence))
        made_of = await begin(client, plan_id=str(paper))
        assert (made_of["document_id"], made_of["kind"], made_of["state"]) == (str(paper), "objective", state)
        assert made_of["timeout_seconds"] == 30 * 86400
        assert "again" in str(is_problem(await client.post("/api/executions", json={"plan_id": str(paper)}), 409))
        assert (await begin(client, plan_id=str(paper), again=True))["id"] != made_of["id"]
    assert (await read(client, str(paper)))["state"] == "completed"
    await plans.rerun_stage(house.caller, paper, "wbs_level1")
    redone = (await client.get("/api/executions", params={"state": "running", "limit": 200})).json()["items"]
    assert str(paper) in [one["id"] for one in redone if one["percent"] < 100]
    assert (await bring(client, str(paper), state="paused")).json()["state"] == "paused"
    assert (await bring(client, str(paper), state="running")).json()["state"] == "running"
    assert (await bring(client, str(paper), state="cancelled")).json()["state"] == "completed"

    todo = (await client.post("/api/tasks", json={"title": "Tidy", "execution_type": "fully_automated"})).json()
    assert (await begin(client, task_id=todo["id"], start=False))["state"] == "created"
    done = await begin(client, task_id=todo["id"])
    assert (done["id"], done["kind"], done["plan_id"], done["state"]) == (todo["id"], "task", None, "queued")
    assert (await begin(client, task_id=copy["id"]))["plan_id"] != copy["id"]
    part = str(tree.children[0].id)
    wrong = is_problem(await client.post("/api/executions", json={"task_id": part}), 422)
    assert (wrong["errors"][0]["field"], copy["id"] in str(wrong)) == ("task_id", True)
    for path in ("", "/events", "/reports"):
        assert copy["id"] in str(is_problem(await client.get(f"/api/executions/{part}{path}"), 404))
    await bring(client, todo["id"], action="cancel")
    assert "cancelled" in str(is_problem(await client.post("/api/executions", json={"task_id": todo["id"]}), 409))


async def test_executions_are_listed_by_state_and_by_agent(client: httpx.AsyncClient, house: House) -> None:
    larry = await Helper.registered(house)
    ids = [await ready_plan(house) for _ in range(4)]
    await create_tasks(house.caller, [{"title": "A line on a list"}])
    await begin(client, plan_id=ids[1])
    async with working(await house.worker()):
        await larry.claim()
    await bring(client, ids[2], state="paused")
    await bring(client, ids[3], state="cancelled")

    async def ids_of(**params: Any) -> list[str]:
        page = (await client.get("/api/executions", params=params)).json()
        return [one["id"] for one in page["items"]]

    first = (await client.get("/api/executions", params={"limit": 3})).json()
    rest = (await client.get("/api/executions", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    listed = [one["id"] for one in [*first["items"], *rest["items"]]]
    assert (listed[:4], len(listed), rest["next_cursor"]) == ([*reversed(ids)], 5, None)
    assert first["totals"] == rest["totals"]
    assert {state: n for state, n in first["totals"].items() if n} == {
        "created": 2,
        "running": 1,
        "paused": 1,
        "cancelled": 1,
    }
    assert (await ids_of(state="running"), await ids_of(state="paused")) == ([ids[1]], [ids[2]])
    assert (await ids_of(agent_id=larry.id), await ids_of(agent_id=uuid4())) == ([ids[1]], [])
    assert (await ids_of(state="created", limit=1), await ids_of(state="failed")) == ([ids[0]], [])
    shown = (await client.get("/api/executions", params={"agent_id": str(larry.id)})).json()
    assert (shown["items"][0]["agents_at_work"], shown["totals"]["running"], shown["totals"]["created"]) == (1, 1, 0)


async def test_what_is_wrong_or_anothers_is_refused(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, house: House, keys: Keys
) -> None:
    plan_id = await ready_plan(house)
    for body, named in (
        ({}, "plan_id or task_id"),
        ({"plan_id": plan_id, "task_id": plan_id}, "one of them"),
        ({"plan_id": "x"}, "plan_id"),
        ({"plan_id": plan_id, "priority": "urgent"}, "priority"),
        ({"plan_id": plan_id, "bounds": {"max_wall": 1}}, "bounds.max_wall"),
        ({"plan_id": plan_id, "bounds": {"max_tasks": -1}}, "bounds.max_tasks"),
        ({"plan_id": plan_id, "start": "perhaps"}, "start"),
        ({"plan": plan_id}, "plan"),
    ):
        assert named in str(is_problem(await client.post("/api/executions", json=body), 422))
    for change in ({}, {"state": "completed"}, {"action": "stop"}, {"state": "paused", "action": "pause"}, {"to": "x"}):
        is_problem(await bring(client, plan_id, **change), 422)
    for query in ("state=waiting", "limit=0", "agent_id=x", "cursor=x", "cursor=WzFd"):
        assert query.partition("=")[0] in str(is_problem(await client.get(f"/api/executions?{query}"), 422))
    for query in ("cursor=WzFd", "limit=500"):
        is_problem(await client.get(f"/api/executions/{plan_id}/reports?{query}"), 422)
    is_problem(await client.get(f"/api/executions/{plan_id}/events", headers={"Last-Event-ID": "x"}), 422)

    for who, execution_id in ((stranger, plan_id), (client, str(uuid4()))):
        for path in ("", "/events", "/reports"):
            is_problem(await who.get(f"/api/executions/{execution_id}{path}"), 404)
        is_problem(await bring(who, execution_id, state="cancelled"), 404)
        is_problem(await who.post("/api/executions", json={"plan_id": execution_id}), 404)
        is_problem(await who.post("/api/executions", json={"task_id": execution_id}), 404)
    assert (await stranger.get("/api/executions")).json()["items"] == []
    assert (await read(client, plan_id))["state"] == "created"

    for scopes, allowed in ((["tasks:read"], False), (["tasks:write", "tasks:read"], True), (["review:write"], False)):
        token = await create_token(house.caller, f"program {scopes}", scopes, days=1)
        program = {"Authorization": f"Bearer {token.token}"}
        answer = await client.patch(f"/api/executions/{plan_id}", json={"state": "paused"}, headers=program)
        assert answer.status_code == (200 if allowed else 403)
        reading = await client.get("/api/executions", headers=program)
        assert reading.status_code == (200 if "tasks:read" in scopes else 403)


async def test_events_are_replayed_from_the_last_one_seen_and_go_on_live(house: House, keys: Keys) -> None:
    larry, mine = await Helper.registered(house), bearer(keys, house.owner)
    execution_id = await ready_plan(house)
    path = f"/api/executions/{execution_id}/events"
    async with usual_server(house, keys) as served:
        async with httpx.AsyncClient(base_url=f"http://{served}", headers=mine) as client:
            await begin(client, plan_id=execution_id)
            async with working(await house.worker()):
                work = await larry.claim()
            past = [one["id"] for one in (await client.get(path)).json()["items"]]
            async with streaming(served, {**mine, "Last-Event-ID": str(past[-4])}, path) as events:
                assert await take(events, 3) == past[-3:]
                await larry.says(work, "task_progress", percent=40, message="<b>Looked</b>")
                async with asyncio.timeout(PATIENCE):
                    _, told = await anext(events)
            said = {name: told["data"][name] for name in ("type", "agent", "percent", "outcome")}
            assert said == {"type": "task_progress", "agent": "Larry", "percent": 40, "outcome": "applied"}
            assert (told["kind"], told["message"], told["task_id"]) == ("agent", "<b>Looked</b>", str(work.task.id))
            kinds = {one["kind"] for one in (await client.get(path)).json()["items"]}
            assert {"state", "offered", "agent"} <= kinds
        stream = f"ws://{served}/api/executions/{execution_id}/stream"
        async with connect(f"{stream}?after={past[-2]}", additional_headers=mine) as socket, asyncio.timeout(PATIENCE):
            assert [orjson.loads(await socket.recv())["id"] for _ in range(2)] == [past[-1], told["id"]]
            await larry.says(work, "task_complete", output="Carol")
            live = orjson.loads(await socket.recv())["data"]
            assert live["task_id"] == str(work.task.id)
        stranger = await sign_up(house.database, "stranger@example.net")
        part = work.task.id
        for headers, of, code in (
            (bearer(keys, stranger), execution_id, 4404),
            (mine, str(part), 4404),
            (mine, str(uuid4()), 4404),
            ({}, execution_id, 4401),
        ):
            async with connect(f"ws://{served}/api/executions/{of}/stream", additional_headers=headers) as socket:
                with pytest.raises(ConnectionClosed) as closed:
                    await socket.recv()
                assert closed.value.rcvd
                assert closed.value.rcvd.code == code
