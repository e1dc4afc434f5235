"""Plans over the API: accepted, shown, edited, started, decided, controlled; and what is refused."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx

from app.house import House
from core.database import Identity
from core.keys import Keys
from core.postgres import pool_of
from jobs.worker import working
from tasks import plans
from tasks.artifacts import save_artifact
from tasks.tokens import create_token
from tests.conftest import sign_up
from tests.integration.agents.test_document_execution import document, written
from tests.integration.app.test_api import is_problem

LAUNCH: dict[str, Any] = {
    "objective": "Launch feature X across three teams",
    "context": {"stakeholders": ["pm@company.com", "eng@company.com"], "priority": "high"},
}


async def accept(client: httpx.AsyncClient, path: str = "/api/plans/execute", **body: Any) -> dict[str, Any]:
    answer = await client.post(path, json=body or LAUNCH)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/plans/{answer.json()['planId']}"
    return answer.json()


async def plan_of(client: httpx.AsyncClient, plan_id: str) -> dict[str, Any]:
    answer = await client.get(f"/api/plans/{plan_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def until(client: httpx.AsyncClient, plan_id: str, *states: str) -> dict[str, Any]:
    plan: dict[str, Any] = {}
    for _ in range(400):
        plan = await plan_of(client, plan_id)
        if plan["state"] in states:
            return plan
        await asyncio.sleep(0.05)
    raise AssertionError((plan["state"], plan["reason"], plan["counts"]))


async def gated(house: House) -> tuple[str, dict[str, str]]:
    """A plan whose gate follows its first task, not started; its id and those of its tasks."""
    tasks: list[dict[str, Any]] = [
        {"key": "look", "title": "Look", "tool": "noop"},
        {"key": "gate", "title": "Go on?", "tool": "approval_gate", "depends_on": ["look"], "on_failure": "stop"}
        | {"tool_input": {"question": "Shall it go on?"}},
        {"key": "go", "title": "Go", "tool": "noop", "depends_on": ["gate"]},
    ]
    made = await plans.create_plan(
        house.caller, {"kind": "objective", "title": "Gated", "starts_by_itself": False, "tasks": tasks}
    )
    tree = (await plans.get_plan(house.caller, made.id)).tree
    return str(made.id), {str(one.source_ref["key"]): str(one.id) for one in tree.children}


async def test_the_documents_objective_is_accepted_planned_and_shown(client: httpx.AsyncClient, house: House) -> None:
    body = await accept(client)
    assert set(body) == {"planId", "status", "message"}
    assert (body["status"], body["planId"] in body["message"]) == ("pending", True)
    assert (await plan_of(client, body["planId"]))["state"] == "planning"
    async with working(await house.worker()):
        plan = await until(client, body["planId"], "waiting")
    assert plan["playbook"] == "feature_launch"
    assert plan["request"]["context"]["stakeholders"] == LAUNCH["context"]["stakeholders"]
    ids = [task["id"] for task in plan["tasks"]]
    assert [one for group in plan["parallel_groups"] for one in group]
    assert set(plan["critical_path"]) <= set(ids)
    assert {edge["depends_on"] for edge in plan["edges"]} <= set(ids)
    assert [row["task_id"] for row in plan["timeline"]] == ids
    assert any(task["tool"] == "approval_gate" for task in plan["tasks"])
    assert all(task["acceptance_criteria"] or task["tool"] for task in plan["tasks"])
    assert plan["estimate"]["minutes"] > 0
    assert plan["report"] is None
    report = await client.get(plan["links"]["report"], headers={"Accept": "text/markdown"})
    assert report.text.startswith("# Launch feature X")


async def test_a_document_has_a_task_for_each_stage_and_its_papers(client: httpx.AsyncClient, house: House) -> None:
    asked = {"prompt": "Open a repair workshop\nin Ghent", "speed_vs_detail": "ping_llm", "start": False}
    body = await accept(client, "/api/plans", **asked)
    assert body["status"] == "ready"
    plan = await plan_of(client, body["planId"])
    keys = {task["id"]: task["key"] for task in plan["tasks"]}
    needs = {(keys[edge["task_id"]], keys[edge["depends_on"]]) for edge in plan["edges"]}
    assert plan["title"] == "Open a repair workshop"
    assert set(keys.values()) == {"start_time", "setup", "redline_gate", "identify_purpose", "plan_type", "report"}
    assert {("identify_purpose", "redline_gate"), ("plan_type", "identify_purpose"), ("report", "plan_type")} <= needs
    base = f"/api/plans/{body['planId']}"
    is_problem(await client.get(f"{base}/report"), 409)
    fallback = await client.get(f"{base}/fallback-report")
    assert fallback.status_code == 200
    assert fallback.text.startswith("<!doctype html>")
    assert "script-src" not in fallback.headers["content-security-policy"]
    names = [one["name"] for one in (await client.get(f"{base}/files")).json()["items"]]
    assert {"report.html", "plan.json", "plan.zip"} <= set(names)
    got = await client.get(f"{base}/files/plan.json")
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.json()["plan"]["id"] == body["planId"]
    await save_artifact(house.caller, UUID(body["planId"]), "kept.png", "image/png", b"what a task kept")
    got = await client.get(f"{base}/files/kept.png")
    assert (got.content, got.headers["content-type"]) == (b"what a task kept", "application/octet-stream")
    assert got.headers["content-disposition"].startswith("attachment")
    is_problem(await client.get(f"{base}/files/..%2Fsecrets"), 404)
    is_problem(await client.get(f"{base}/files/nothing.txt"), 404)
    full = await plan_of(client, (await accept(client, "/api/plans", prompt="Workshop", start=False))["planId"])
    assert len(full["tasks"]) == 61
    edits = {"change": [{"id": full["tasks"][1]["id"], "title": "Changed"}]}
    assert "rerun" in str(is_problem(await client.patch(f"/api/plans/{full['id']}", json=edits), 409))


WRONG: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("/api/plans/execute", {}, ("objective",)),
    ("/api/plans/execute", {"objective": "  "}, ("objective",)),
    ("/api/plans/execute", {"objective": "x" * 10_001}, ("objective", "10000")),
    ("/api/plans/execute", {"objective": "x", "stakeholders": []}, ("stakeholders",)),
    ("/api/plans/execute", {"objective": "x", "context": {"prio": "high"}}, ("context.prio",)),
    ("/api/plans/execute", {"objective": "x", "context": {"priority": "urgent"}}, ("priority", "critical")),
    ("/api/plans/execute", {"objective": "x", "context": {"stakeholders": ["a", ""]}}, ("stakeholders.1",)),
    ("/api/plans/execute", {"objective": "x", "context": {"deadline": "soon"}}, ("deadline", "2026-12-24")),
    ("/api/plans/execute", {"objective": "x", "context": {"deadline": "2026-12-24T10:00"}}, ("offset",)),
    (
        "/api/plans/execute",
        {"objective": "x", "context": {"deadline": "9999-12-31T23:59:59-14:00"}},
        ("context.deadline", "9997"),
    ),
    ("/api/plans/execute", {"objective": "x", "context": {"deadline": "0001-01-01"}}, ("context.deadline", "1900")),
    ("/api/plans/execute", {"objective": "x", "callbackUrl": "http://127.0.0.1:1/"}, ("callbackUrl", "PRIVATE_HOSTS")),
    (
        "/api/plans/execute",
        {"objective": "x", "callbackUrl": "http://[::ffff:10.0.0.1]/"},
        ("callbackUrl", "open internet"),
    ),
    ("/api/plans/execute", {"objective": "x", "callbackUrl": "http://0x7f.1/"}, ("callbackUrl", "odd way")),
    ("/api/plans/execute", {"objective": "x", "callbackUrl": "http://localhost./"}, ("callbackUrl",)),
    ("/api/tasks", {"title": "x", "due_at": "9999-12-31T23:59:59-14:00"}, ("due_at", "9997")),
    ("/api/tasks/tree", {"title": "x", "due_at": "0001-01-01T00:00:00+14:00"}, ("due_at", "1900")),
    ("/api/plans/execute", {"objective": "x", "context": {"resources": [1]}}, ("resources",)),
    ("/api/plans/execute", {"objective": "x", "callbackUrl": "ftp://example.com/x"}, ("callbackUrl", "http")),
    ("/api/plans/execute", {"objective": "x", "callbackUrl": "http://a:b@example.com/"}, ("callbackUrl",)),
    ("/api/plans/execute", {"objective": "x", "start": "maybe"}, ("start",)),
    ("/api/plans", {}, ("prompt",)),
    ("/api/plans", {"prompt": "x", "speed_vs_detail": "quick"}, ("speed_vs_detail", "ping_llm")),
    ("/api/plans", {"prompt": "x", "llm_model": "a\nb"}, ("llm_model",)),
    ("/api/plans", {"prompt": "x", "model": "y"}, ("model",)),
]


async def test_what_makes_no_sense_is_refused_by_name(client: httpx.AsyncClient) -> None:
    for path, body, words in WRONG:
        problem = is_problem(await client.post(path, json=body), 422)
        assert all(word in str(problem) for word in words), problem
    assert (await client.get("/api/plans")).json()["items"] == []
    late = await accept(client, objective="x", context={"deadline": "2020-01-01"}, start=False)
    assert "passed already" in late["message"]


async def test_tenants_secrets_and_the_same_request_twice(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, house: House, keys: Keys
) -> None:
    context = {"deadline": "2026-12-24", "resources": {"budget_eur": 20000}, "notes": {"text": "Größe: 猫"}}
    asked = {"objective": "Größe 猫", "context": context, "callbackUrl": "https://example.com/hook"}
    first = await client.post("/api/plans/execute", json=asked, headers={"Idempotency-Key": "one"})
    again = await client.post("/api/plans/execute", json=asked, headers={"Idempotency-Key": "one"})
    assert first.json() == again.json()
    assert first.json()["callbackSecret"].startswith("whsec_")
    plan = await plan_of(client, first.json()["planId"])
    assert plan["has_callback"]
    assert plan["callbacks"]["given_up"] == 0
    assert first.json()["callbackSecret"] not in str(plan)
    assert plan["request"]["context"]["deadline"] == "2026-12-24T23:59:59+01:00"
    base = f"/api/plans/{plan['id']}"
    for method, path in (("GET", ""), ("GET", "/progress"), ("GET", "/metrics"), ("GET", "/files"), ("GET", "/report")):
        is_problem(await stranger.request(method, base + path), 404)
    for verb in ("start", "pause", "resume", "cancel", "retry", "stages/setup/rerun"):
        is_problem(await stranger.post(f"{base}/{verb}"), 404)
    is_problem(await stranger.get(f"/api/plans/{uuid4()}"), 404)
    no_plan = (await client.post("/api/tasks", json={"title": "No plan"})).json()["id"]
    is_problem(await client.get(f"/api/plans/{no_plan}"), 404)

    mine = str(plan["organization_id"])
    other = await sign_up(house.database, "boss@example.org")
    theirs = (await house.database.acting_as(other).call("get_profile"))["organization"]["id"]
    for tenant in (theirs, str(uuid4()), "nowhere"):
        is_problem(await client.post("/api/plans/execute", json={**LAUNCH, "tenantId": tenant}), 404)
    async with pool_of(house.database).connection() as connection:
        await connection.execute(
            "insert into public.members (organization_id, user_id) values (%s, %s)", (theirs, house.owner.user_id)
        )
    there_id = (await accept(client, **LAUNCH, tenantId=theirs))["planId"]
    here = await plan_of(client, (await accept(client, **LAUNCH, tenantId=mine))["planId"])
    is_problem(await client.get(f"/api/plans/{there_id}"), 404)  # one organization at a time is seen
    await client.post(f"/api/organizations/{theirs}/choose")
    there = await plan_of(client, there_id)
    assert (there["organization_id"], here["organization_id"]) == (theirs, mine)
    assert (await client.get(f"/api/plans/{there['id']}/progress")).json()["items"]
    await client.post(f"/api/organizations/{mine}/choose")
    token = (await create_token(house.caller, "bot", ["tasks:read", "tasks:write"])).token
    program = {"Authorization": f"Bearer {token}"}
    is_problem(await client.post("/api/plans/execute", json={**LAUNCH, "tenantId": theirs}, headers=program), 404)


async def test_a_plan_is_edited_started_and_its_gate_decided(client: httpx.AsyncClient, house: House) -> None:
    plan_id, ids = await gated(house)
    base = f"/api/plans/{plan_id}"
    edits = {
        "add": [{"key": "tell", "title": "Tell", "tool": "noop", "depends_on": [ids["gate"]], "risk": "low"}],
        "change": [{"id": ids["go"], "title": "Really go", "depends_on": ["tell"]}],
    }
    plan = (await client.patch(base, json=edits)).json()
    added = next(task for task in plan["tasks"] if task["title"] == "Tell")
    assert {"task_id": ids["go"], "depends_on": added["id"]} in plan["edges"]
    for wrong in (
        {},
        {"remove": [str(uuid4())]},
        {"change": [{"id": ids["look"], "depends_on": [ids["go"]]}]},
        {"add": [{"title": "x", "tool": "rocket"}]},
        {"change": [{"id": ids["gate"], "tool": "delay", "tool_input": {"seconds": "long"}}]},
        {"change": [{"id": ids["look"], "tool": "notify_stakeholders"}]},
        {"add": [{"title": "x", "tool": "revise_draft", "tool_input": {"draft_id": str(uuid4()), "feedback": "x"}}]},
        {"add": [{"title": "x", "tool": "email_send", "tool_input": {"draft_id": str(uuid4())}}]},
        {"change": [{"id": ids["look"], "title": "Both"}], "remove": [ids["look"]]},
    ):
        answer = await client.patch(base, json=wrong)
        assert answer.status_code in {404, 422}, (wrong, answer.text)
    approve = f"{base}/tasks/{ids['gate']}/approve"
    is_problem(await client.post(approve, json={"approved": True}), 409)
    other, its = await gated(house)
    delay = {"id": its["look"], "tool": "delay", "tool_input": {"seconds": 5}}
    assert (await client.patch(f"/api/plans/{other}", json={"change": [delay]})).status_code == 200
    garbage = {"id": its["look"], "tool_input": {"garbage": 1}}
    assert "garbage" in str(is_problem(await client.patch(f"/api/plans/{other}", json={"change": [garbage]}), 422))
    async with working(await house.worker()):
        at_once = await asyncio.gather(*(client.post(f"{base}/start") for _ in range(4)))
        assert [answer.status_code for answer in at_once] == [200] * 4
        plan = await until(client, plan_id, "waiting")
        assert (await client.post(f"{base}/start")).json()["state"] == "waiting"
        assert [one["url"] for one in plan["waiting"]] == [approve]
        is_problem(await client.patch(base, json=edits), 409)
        is_problem(await client.post(f"{base}/tasks/{uuid4()}/approve", json={"approved": True}), 404)
        is_problem(await client.post(f"{base}/tasks/{ids['go']}/approve", json={"approved": True}), 409)
        token = (await create_token(house.caller, "bot", ["tasks:read", "tasks:write"])).token
        program = {"Authorization": f"Bearer {token}"}
        is_problem(await client.post(approve, json={"approved": True}, headers=program), 403)
        said = {"approved": True, "approvedBy": "admin", "notes": "Approved for production"}
        decided = (await client.post(approve, json=said)).json()
        assert decided["decided_by"] == str(house.owner.user_id)
        assert "admin" in decided["notes"]
        assert "Approved for production" in decided["notes"]
        plan = await until(client, plan_id, "completed")
    assert (plan["percent"], plan["report"]["done"]) == (100, 4)
    assert [one["state"] for one in plan["timeline"]] == ["completed"] * 4
    metrics = (await client.get(f"{base}/metrics")).json()
    assert (metrics["approvals"], metrics["model_calls"]) == (1, 0)
    report = (await client.get(f"{base}/report", params={"format": "json"})).json()
    assert report["facts"]["outcome"] == "completed"
    assert (await client.get(f"{base}/report")).headers["content-type"].startswith("text/html")


async def test_a_no_ends_the_plan_and_it_can_be_paused_retried_and_cancelled(
    client: httpx.AsyncClient, house: House
) -> None:
    plan_id, ids = await gated(house)
    base = f"/api/plans/{plan_id}"
    is_problem(await client.post(f"{base}/retry"), 409)
    async with working(await house.worker()):
        await client.post(f"{base}/start")
        await until(client, plan_id, "waiting")
        assert (await client.post(f"{base}/pause")).json()["state"] == "paused"
        assert (await client.post(f"{base}/resume")).json()["state"] == "waiting"
        no = {"approved": False, "notes": "Too early"}
        assert (await client.post(f"{base}/tasks/{ids['gate']}/approve", json=no)).json()["state"] == "rejected"
        plan = await until(client, plan_id, "failed")
        assert "Too early" in plan["reason"]
        assert plan["report"]["outcome"] == "failed"
        assert (await client.post(f"{base}/retry")).status_code == 200
        await until(client, plan_id, "waiting")
    assert (await client.post(f"{base}/cancel")).json()["state"] == "cancelled"
    is_problem(await client.post(f"{base}/start"), 409)
    listed = (await client.get("/api/plans", params={"state": "cancelled", "search": "gat"})).json()["items"]
    assert [one["id"] for one in listed] == [plan_id]


async def test_plans_are_listed_by_page_and_stages_rerun(client: httpx.AsyncClient) -> None:
    made = [
        (await accept(client, "/api/plans", prompt=f"Plan {n}", speed_vs_detail="ping_llm"))["planId"] for n in "abc"
    ]
    first = (await client.get("/api/plans", params={"limit": 2})).json()
    rest = (await client.get("/api/plans", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in [*first["items"], *rest["items"]]] == made[::-1]
    assert rest["next_cursor"] is None
    assert (await client.get("/api/plans", params={"kind": "objective"})).json()["items"] == []
    for name, value in (("kind", "poem"), ("cursor", "x"), ("limit", "0"), ("sort", "x")):
        is_problem(await client.get("/api/plans", params={name: value}), 422)
    stages = f"/api/plans/{made[0]}/stages"
    is_problem(await client.post(f"{stages}/nothing/rerun"), 404)
    is_problem(await client.post(f"{stages}/plan_type/rerun", json={"given": {"plan_type": "x"}}), 422)
    is_problem(await client.post(f"{stages}/plan_type/rerun"), 409)


async def test_what_lacked_a_model_is_tried_again(client: httpx.AsyncClient, house: House) -> None:
    plan_id = (await accept(client, "/api/plans", prompt="Workshop", speed_vs_detail="ping_llm"))["planId"]
    async with working(await house.worker()):
        assert "needs a language model" in (await until(client, plan_id, "waiting"))["reason"]
    assert (await client.post(f"/api/plans/{plan_id}/retry")).json()["counts"]["queued"] == 1


async def test_a_document_is_carried_out_and_edited(client: httpx.AsyncClient, house: House) -> None:
    service = house.database.acting_as(Identity.service(await organization_of(house)))
    document_id = await document(house.caller, service, written(0.9))
    base = f"/api/plans/{document_id}"
    body = await accept(client, f"{base}/execute", start=False)
    assert body["status"] == "ready"
    execution = f"/api/plans/{body['planId']}"
    is_problem(await client.post(f"{base}/execute"), 409)
    is_problem(await client.post(f"{execution}/execute"), 409)
    listed = (await client.get(f"{base}/executions")).json()["items"]
    assert [one["id"] for one in listed] == [body["planId"]]
    stages = (await client.get(f"{base}/stages")).json()["items"]
    assert {one["stage"] for one in stages} == set(written(0.9))
    section = (await client.get(f"{base}/stages/wbs_level2")).json()["output"]
    is_problem(await client.get(f"{base}/stages/nothing"), 404)
    preview = f"{base}/stages/wbs_level2/preview"
    assert (await client.post(preview, json={"given": section})).json()["is_same"]
    is_problem(await client.post(preview, json={"given": {"x": 1}}), 422)
    section["major_phase_details"][1]["subtasks"][0]["subtask_title"] = "Open the doors widely"
    touched = (await client.post(preview, json={"given": section})).json()
    assert [one["plan_id"] for one in touched["executions"]] == [body["planId"]]
    changes = (await client.get(f"{execution}/changes")).json()
    assert (changes["changed"], changes["dropped"], changes["new"]) == ([], [], [])
    is_problem(await client.post(f"{execution}/changes", json={"digest": "other"}), 409)
    assert (await client.post(f"{execution}/changes", json={"digest": changes["digest"]})).status_code == 200
    is_problem(await client.get(f"{base}/changes"), 409)


async def organization_of(house: House) -> UUID:
    return UUID((await house.caller.call("get_profile"))["organization"]["id"])
