"""Pipelines through the engine and the signed door: asked first, run once, ended by their report, whenever it comes."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.house import House
from app.main import create_app
from core.keys import Keys
from tasks import functions, review, steps
from tests.emulators.cicd_receiver import signed
from tests.emulators.served import Answer, Got
from tests.integration.agents.growing import at_work, is_state, node, root, started, until
from tests.integration.agents.tools.conftest import Outside, approve, asked, killed_in_the_middle, run_tool

BUILD: dict[str, Any] = {"pipeline": "deploy-größe", "parameters": {"ref": "main", "n": [1]}}


@pytest.fixture
async def door(wired: House) -> AsyncGenerator[httpx.AsyncClient]:
    """The API, signed in as nobody."""
    transport = httpx.ASGITransport(create_app(wired, Keys.load(wired.settings.home)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def report(
    door: httpx.AsyncClient, task_id: UUID, outcome: Any, report_id: str = "r-1", **more: Any
) -> httpx.Response:
    body, headers = signed({"type": "pipeline.ended", "data": outcome}, report_id, **more)
    return await door.post(f"/api/hooks/cicd/{task_id}", content=body, headers=headers)


async def waiting(house: House) -> UUID:
    """A task whose pipeline runs."""
    made = await started(house, root(node("it", "cicd_webhook", tool_input=BUILD, on_failure="escalate")))
    await approve(house, made.keys["it"])
    await until(house, made.keys["it"], lambda task: task.blocked_on == "agent")
    return made.keys["it"]


async def test_a_pipeline_is_shown_run_once_and_ended_by_its_report(
    wired: House, outside: Outside, door: httpx.AsyncClient
) -> None:
    async with at_work(wired):
        made = await started(wired, root(node("it", "cicd_webhook", tool_input=BUILD)))
        it = made.keys["it"]
        approval = await asked(wired, it)
        assert approval.title == "Run the pipeline deploy-größe?"
        assert ["address", outside.pipeline.url] in approval.payload["facts"]
        assert outside.pipeline.runs == {}
        await review.decide_approval(wired.caller, approval.id, approved=True)
        task = await until(wired, it, lambda t: t.blocked_on == "agent")
        assert task.blocked_until is not None
        message_id = f"steward-{approval.id}"
        wanted = {
            "task_id": str(it),
            "message_id": message_id,
            **BUILD,
            "report_to": f"http://127.0.0.1:{wired.settings.port}/api/hooks/cicd/{it}",
        }
        assert outside.pipeline.runs == {message_id: wanted}
        answer = await report(door, it, {"status": "success", "url": "https://ci.example/1", "artifacts": ["a"]})
        assert (answer.status_code, answer.json()) == (200, {"known": False, "execution_status": "completed"})
        task = await until(wired, made.id, is_state("completed"))
    task = await functions.get_task(wired.caller, it)
    assert task.result["output"]["artifacts"] == ["a"]
    assert (task.verification, task.evidence[0].where) == ("claimed", "https://ci.example/1")
    again = await report(door, it, {"status": "success"})
    assert again.json() == {"known": True, "execution_status": "completed"}
    other = await report(door, it, {"status": "failure"}, "r-2")
    assert other.status_code == 409


async def test_a_failed_run_fails_the_task_and_a_retry_is_another_run(
    wired: House, outside: Outside, door: httpx.AsyncClient
) -> None:
    async with at_work(wired):
        it = await waiting(wired)
        (first,) = outside.pipeline.runs
        failure = {"status": "failure", "message": "Tests größer rot", "message_id": first}
        assert (await report(door, it, failure)).json()["execution_status"] == "failed"
        task = await functions.get_task(wired.caller, it)
        assert task.failure_reason == "The pipeline ended with failure: Tests größer rot"
        await functions.retry_task(wired.caller, it)
        await approve(wired, it)
        await until(wired, it, lambda t: t.blocked_on == "agent")
        assert len(outside.pipeline.runs) == 2
        assert (await report(door, it, failure, "r-9")).status_code == 409
        assert (await report(door, it, failure)).json() == {"known": True, "execution_status": "blocked"}
        assert (await report(door, it, {"status": "success"}, "r-2")).json()["execution_status"] == "completed"


async def test_a_report_that_comes_before_the_wait_is_kept(
    wired: House, outside: Outside, door: httpx.AsyncClient
) -> None:
    calm = outside.pipeline.answer

    async def reports_at_once(got: Got) -> Answer:
        answer = calm(got)
        said = await report(door, UUID(got.json["data"]["task_id"]), {"status": "success", "n": 1})
        assert said.json() == {"known": False, "execution_status": "in_progress"}
        return answer

    outside.pipeline.served.handler = reports_at_once
    async with at_work(wired):
        made = await started(wired, root(node("it", "cicd_webhook", tool_input=BUILD)))
        await approve(wired, made.keys["it"])
        task = await until(wired, made.keys["it"], is_state("completed"))
    assert task.result["output"] == {"status": "success", "n": 1}


async def test_nobody_but_the_pipeline_reports(wired: House, outside: Outside, door: httpx.AsyncClient) -> None:
    async with at_work(wired):
        it = await waiting(wired)
    other = "whsec_" + "A" * 32
    body, headers = signed({"data": {"status": "success"}})
    tries = [
        await report(door, it, {"status": "success"}, secret=other),
        await report(door, it, {"status": "success"}, age=timedelta(minutes=6)),
        await report(door, uuid4(), {"status": "success"}),
        await door.post(f"/api/hooks/cicd/{it}", json={"data": {"status": "success"}}),
        await door.post(f"/api/hooks/cicd/{it}", content=body.replace(b"success", b"failure"), headers=headers),
    ]
    assert [answer.status_code for answer in tries] == [401] * 5
    assert len({answer.json()["detail"] for answer in tries}) == 1 or all("signed" in a.json()["detail"] for a in tries)
    assert (await report(door, it, {"status": "fine"})).status_code == 422
    assert (await door.post(f"/api/hooks/cicd/{it}", content=b"{", headers=headers)).status_code in {400, 422}
    assert (await door.post(f"/api/hooks/cicd/{it}", content=b"[]", headers=headers)).status_code == 422
    assert (await functions.get_task(wired.caller, it)).execution_status == "blocked"
    made = await started(wired, root(node("other", "noop")))
    assert (await report(door, made.keys["other"], {"status": "success"})).status_code == 404


async def test_a_request_that_broke_off_is_sent_again_under_its_id(wired: House, outside: Outside) -> None:
    task = await killed_in_the_middle(wired, outside.pipeline.served, "cicd_webhook", **BUILD)
    assert (task.execution_status, task.blocked_on) == ("blocked", "agent")
    assert len(outside.pipeline.runs) == 1
    assert len(outside.pipeline.served.got) == 2


async def test_a_deadline_ends_the_wait(wired: House) -> None:
    async with at_work(wired):
        made = await started(
            wired,
            root(node("it", "cicd_webhook", tool_input={**BUILD, "deadline_seconds": 0.2}, on_failure="escalate")),
        )
        await approve(wired, made.keys["it"])
        task = await until(wired, made.keys["it"], is_state("failed"))
    assert task.failure_reason == "The agent did not report in time"


@pytest.mark.parametrize(("answer", "blocked"), [(Answer(401), False), (Answer(500), True), (Answer(raw=b""), True)])
async def test_what_the_pipeline_answers(wired: House, outside: Outside, answer: Answer, blocked: bool) -> None:
    outside.pipeline.served.once = [answer]
    async with at_work(wired):
        made = await started(wired, root(node("it", "cicd_webhook", tool_input=BUILD, on_failure="escalate")))
        await approve(wired, made.keys["it"])
        task = await until(wired, made.keys["it"], lambda t: t.execution_status == "failed" or t.blocked_on == "person")
        assert (task.execution_status == "blocked") == blocked
        if blocked:  # the person looks: it does run
            (step,) = await steps.list_steps(wired.caller, task.id)
            await steps.resolve_step(wired.caller, step.id, happened=True)
            await until(wired, task.id, lambda t: t.blocked_on == "agent")
            assert len(outside.pipeline.served.got) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "pipeline"),
        ({"pipeline": ""}, "pipeline"),
        ({**BUILD, "deadline_seconds": 0}, "deadline_seconds"),
        ({"pipeline": "x", "parameters": {"a": "x" * 100_001}}, "100000"),
    ],
)
async def test_what_makes_no_sense_asks_nobody(wired: House, given: dict[str, Any], words: str) -> None:
    task = await run_tool(wired, "cicd_webhook", state="failed", **given)
    assert words in (task.failure_reason or "")
