"""Who is told of a plan: callbacks in order and tried again, stakeholders once."""

import asyncio
from typing import Any

import pytest

from core.database import Caller
from core.errors import Forbidden, NotFound
from tasks import functions, plans, review, runs
from tests.integration.tasks.planned import begin, by_title, document, ready, stage, step


async def test_callbacks_tell_in_order_and_are_tried_again(ana: Caller, service: Caller) -> None:
    callback = {"callback_url": "https://caller.example/hook", "callback_secret": "sealed"}
    made = await plans.create_plan(
        ana,
        {"kind": "objective", "title": "Launch", "starts_by_itself": False, "request": {"objective": "x"}, **callback},
    )
    assert made.has_callback
    quiet = await ready(ana, {"title": "Nobody is told"})
    assert not quiet.has_callback
    _, run = await begin(service, made.id)
    parts = [step("Do", max_retries=0, on_failure="stop", priority="critical"), step("Ask", execution_type="manual")]
    await plans.save_plan_tasks(run, made.id, parts, "", 0.9)

    [first] = await plans.claim_plan_callbacks(service)
    assert (first.url, first.sealed_secret, first.attempts) == ("https://caller.example/hook", "sealed", 1)
    assert (first.body["type"], first.body["data"]["planId"]) == ("plan.planned", str(made.id))
    assert await plans.claim_plan_callbacks(service) == []  # one at a time
    await plans.finish_plan_callback(service, first.id, "503", 0)
    [again] = await plans.claim_plan_callbacks(service)
    assert (again.id, again.attempts) == (first.id, 2)
    await plans.finish_plan_callback(service, first.id)
    await plans.finish_plan_callback(service, first.id, "late", 5)  # it was taken: nothing changes

    await functions.queue_task_execution(ana, made.id)
    await begin(service, made.id)
    await service.call("open_subtasks", task_id=made.id)
    do = (await by_title(ana, made.id))["Do"]
    _, run = await begin(service, do.id)
    asked = await review.request_approval(run, do.id, "Do it?", {"what": "x"}, why="It costs")
    await review.decide_approval(ana, asked.id, approved=False, notes="Not now")
    told: list[dict[str, Any]] = []
    while claimed := await plans.claim_plan_callbacks(service):
        told.append(claimed[0].body)
        await plans.finish_plan_callback(service, claimed[0].id)
    assert [one["type"] for one in told] == [
        "plan.waiting", "plan.started", "approval.waiting", "approval.decided", "task.failed", "plan.failed",
    ]  # fmt: skip
    assert (told[0]["data"]["status"], told[2]["data"]["status"]) == ("ready", "waiting")
    assert told[4]["data"]["taskId"] == str(do.id)
    found = await plans.get_plan(ana, made.id)
    assert found.callbacks
    assert (found.callbacks.sent, found.callbacks.waiting, found.callbacks.given_up) == (7, 0, 0)
    assert (await plans.get_plan(ana, quiet.id)).callbacks is None


async def test_callbacks_are_given_up_and_are_the_services_own(ana: Caller, service: Caller) -> None:
    made = await plans.create_plan(
        ana,
        document(stage("a"), callback_url="http://127.0.0.1:1/", callback_secret="sealed"),  # no secret
    )
    for number in range(8):
        both = await asyncio.gather(plans.claim_plan_callbacks(service), plans.claim_plan_callbacks(service))
        [one] = [*both[0], *both[1]]
        assert (one.body["type"], one.attempts) == ("plan.started", number + 1)
        await plans.finish_plan_callback(service, one.id, "refused", 0)
    assert await plans.claim_plan_callbacks(service) == []
    callbacks = (await plans.get_plan(ana, made.id)).callbacks
    assert callbacks
    assert (callbacks.given_up, callbacks.last_error) == (1, "refused")
    for call in (plans.claim_plan_callbacks(ana), plans.finish_plan_callback(ana, made.id)):
        with pytest.raises(Forbidden):
            await call
    with pytest.raises(NotFound):
        await plans.finish_plan_callback(service, made.id)


LOST: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {"priority": "critical", "on_failure": "stop"}, True),
    ({}, {"priority": "critical", "on_failure": "escalate"}, True),
    ({"priority": "critical"}, {"risk": "high", "on_failure": "escalate"}, True),
    ({}, {"risk": "high", "on_failure": "escalate"}, False),
    ({}, {"priority": "critical", "on_failure": "skip"}, False),
    ({}, {"priority": "critical"}, False),  # it is planned anew first
    ({"request": {"context": {"stakeholders": []}}}, {"priority": "critical", "on_failure": "stop"}, False),
]


async def test_stakeholders_are_told_once_of_a_critical_failure(ana: Caller, service: Caller) -> None:
    expected: dict[str, Any] = {}
    for plan, part, is_told in LOST:
        request = {"context": {"stakeholders": ["CEO"]}}
        tasks = [{"title": "Do", "tool": "web_search", **part}, {"title": "Wait"}]
        made = await plans.create_plan(
            ana, {"kind": "objective", "title": "x", "request": request, "tasks": tasks, **plan}
        )
        do = (await by_title(ana, made.id))["Do"]
        for _ in range(2 if part.get("on_failure") in {"stop", "escalate"} else 1):
            _, run = await begin(service, do.id)
            await runs.fail_task_execution(run, do.id, "No", should_retry=False)
            await functions.retry_task(ana, do.id)
        if is_told:
            expected[str(do.id)] = ({"plan_id": str(made.id), "task_id": str(do.id)}, made.created_by)
    rows = (await functions.list_tasks(ana, functions.TaskFilter(parent="none"))).items
    told = [row for row in rows if row.tool == "notify_stakeholders"]
    assert {row.tool_input["task_id"]: (row.tool_input, row.created_by) for row in told} == expected
    assert {(row.execution_status, row.source, row.kind) for row in told} == {("queued", "plan", "message")}
    with pytest.raises(NotFound):
        await plans.get_plan(ana, told[0].id)
