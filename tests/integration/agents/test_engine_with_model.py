"""The engine where a model thinks: what is replayed, what is checked, and how plans change. Real HTTP, authored answers."""

import json
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from agents import checker
from app.house import House
from core.errors import Unavailable
from jobs.worker import Worker, working
from tasks import functions, review, steps, trees
from tests.emulators.model_server import ModelServer, thinking_on
from tests.integration.agents.growing import Bench, is_state, node, root, started, until

INVITATION = {"title": "Write the invitation", "kind": "document", "execution_type": "fully_automated"}


@asynccontextmanager
async def thinking_house(house: House, server: ModelServer, bench: Bench | None = None) -> AsyncGenerator[None]:
    async with thinking_on(server) as thinking:
        tools = {**house.equipment.tools} | ({"bench": bench.tool} if bench else {})
        equipment = replace(house.equipment, thinking=thinking, tools=tools)
        async with working(Worker(house.database, equipment)):
            yield


def requests_about(server: ModelServer, words: str) -> int:
    """How often the model server was asked about this, by its own journal."""
    with urllib.request.urlopen(f"{server.base_url.removesuffix('/v1')}/__aimock/journal") as answer:
        entries: list[dict[str, Any]] = json.load(answer)
    return sum(words in json.dumps(entry.get("body", entry)) for entry in entries)


async def test_a_retried_run_replays_the_answer_it_has_paid_for(
    house: House, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify, failures = checker.verify, [Unavailable("for a moment")]

    async def verify_later(*args: Any, **more: Any) -> checker.Checks:
        if failures:
            raise failures.pop()
        return await verify(*args, **more)

    monkeypatch.setattr(checker, "verify", verify_later)
    before = requests_about(model_server, "Write the invitation once")
    item = {**INVITATION, "title": "Write the invitation once", "max_retries": 2}
    async with thinking_house(house, model_server):
        (task,) = await functions.create_tasks(house.caller, [item])
        await functions.queue_task_execution(house.caller, task.id)
        done = await until(house, task.id, is_state("completed"))
    assert done.retry_count == 1
    assert done.result["output"] == "You are invited on 14 May at six."
    assert requests_about(model_server, "Write the invitation once") - before == 1
    (step,) = await steps.list_steps(house.caller, task.id)
    assert (step.kind, step.state, step.attempts, step.replays) == ("model", "finished", 1, 1)


async def test_a_person_who_executes_again_gets_a_new_answer(house: House, model_server: ModelServer) -> None:
    item = {**INVITATION, "title": "Write the invitation anew", "execution_type": "semi_automated"}
    async with thinking_house(house, model_server):
        (task,) = await functions.create_tasks(house.caller, [item])
        await functions.queue_task_execution(house.caller, task.id)
        waiting = await until(house, task.id, is_state("blocked"))
        assert waiting.open_approval_id
        await review.decide_approval(house.caller, waiting.open_approval_id, approved=False, notes="warmer, please")
        await until(house, task.id, lambda t: t.generation == 2 and t.execution_status == "blocked")
    assert [s.key for s in await steps.list_steps(house.caller, task.id)] == ["1/strategy/0", "2/strategy/0"]


async def test_a_result_is_checked_against_its_criteria(house: House, model_server: ModelServer) -> None:
    good = {**INVITATION, "acceptance_criteria": ["says when"]}
    bad = {**INVITATION, "acceptance_criteria": ["names the city"]}
    async with thinking_house(house, model_server):
        passed, returned = await functions.create_tasks(house.caller, [good, bad])
        for task in (passed, returned):
            await functions.queue_task_execution(house.caller, task.id)
        done = await until(house, passed.id, is_state("completed"))
        stuck = await until(house, returned.id, is_state("blocked"))
    assert done.verification == "verified"
    assert "1 acceptance criteria met" in done.evidence[1].what
    assert (stuck.blocked_on, stuck.blocked_reason) == ("person", "The city is not named")
    names = [step.name for step in await steps.list_steps(house.caller, returned.id)]
    assert names == ["strategy", "check", "strategy", "check"]


async def test_without_a_model_criteria_are_said_to_be_unchecked(house: House) -> None:
    item = {"title": "Write an outline for a talk", "kind": "outline", "execution_type": "fully_automated"}
    async with working(await house.worker()):
        (task,) = await functions.create_tasks(house.caller, [{**item, "acceptance_criteria": ["says when"]}])
        await functions.queue_task_execution(house.caller, task.id)
        done = await until(house, task.id, is_state("completed"))
    assert done.verification == "unverifiable"
    assert "not checked" in done.evidence[1].what


async def test_the_cost_bound_of_a_tree_stops_the_next_call(house: House, model_server: ModelServer) -> None:
    item = {**INVITATION, "bounds": {"max_model_calls": 1}, "acceptance_criteria": ["says when"]}
    async with thinking_house(house, model_server):
        (task,) = await functions.create_tasks(house.caller, [item])
        await functions.queue_task_execution(house.caller, task.id)
        stuck = await until(house, task.id, is_state("blocked"))
        assert (stuck.blocked_on, "1 of 1 model calls" in (stuck.blocked_reason or "")) == ("bounds", True)
        await functions.update_task(house.caller, task.id, {"bounds": {"max_model_calls": 5}})
        await functions.queue_task_execution(house.caller, task.id)
        await until(house, task.id, is_state("completed"))
    first, _ = await steps.list_steps(house.caller, task.id)
    assert (first.attempts, first.replays) == (1, 1)


async def test_another_approach_takes_the_place_of_a_failed_part(
    house: House, model_server: ModelServer, bench: Bench
) -> None:
    bench.broken = {"Book the town hall"}
    tree = root(
        {**node("date", "bench"), "title": "Choose the date"},
        {**node("hall", "bench", ["date"]), "title": "Book the town hall"},
        node("invite", "bench", ["hall"]),
    )
    async with thinking_house(house, model_server, bench):
        made = await started(house, tree)
        await until(house, made.keys["hall"], lambda t: t.superseded_at is not None)
        parts = {t.title: t for t in (await functions.get_task_tree(house.caller, made.id)).children}
        new = parts["Book the school hall"]
        assert parts["invite"].depends_on == [new.id]
        assert new.depends_on == [made.keys["date"]]
        assert new.supersedes_task_id == made.keys["hall"]
        await functions.update_task(house.caller, new.id, {"execution_status": "completed"})
        await until(house, made.id, is_state("completed"))
    assert bench.calls == ["Choose the date", "Book the town hall", "invite"]
    (change,) = await trees.list_plan_changes(house.caller, made.id)
    assert (change.decision, change.reason) == (
        "another_approach",
        "The town hall is taken; the school has a hall as well.",
    )
    assert [t["title"] for t in change.diff["removed"]] == ["Book the town hall"]
    assert [t["title"] for t in change.diff["added"]] == ["Book the school hall"]
    assert [t["title"] for t in change.diff["rewired"]] == ["invite"]


async def test_other_parts_keep_their_own_order(house: House, model_server: ModelServer, bench: Bench) -> None:
    bench.broken = {"Print the programme"}
    tree = root({**node("print", "bench"), "title": "Print the programme"}, node("hand out", "bench", ["print"]))
    async with thinking_house(house, model_server, bench):
        made = await started(house, tree)
        await until(house, made.keys["print"], lambda t: t.superseded_at is not None)
    parts = {t.title: t for t in (await functions.get_task_tree(house.caller, made.id)).children}
    assert set(parts["Set the programme"].depends_on) == {parts["List the speakers"].id, parts["List the rooms"].id}
    assert parts["hand out"].depends_on == [parts["Set the programme"].id]


async def test_a_part_that_nobody_misses_is_skipped(house: House, model_server: ModelServer, bench: Bench) -> None:
    bench.broken = {"Order balloons"}
    tree = root({**node("balloons", "bench"), "title": "Order balloons"}, node("party", "bench", ["balloons"]))
    async with thinking_house(house, model_server, bench):
        made = await started(house, tree)
        await until(house, made.id, is_state("completed"))
    skipped = await functions.get_task(house.caller, made.keys["balloons"])
    assert skipped.waived_reason == "Nobody misses balloons."


async def test_no_model_skips_a_persons_no(house: House, model_server: ModelServer) -> None:
    gate = {**node("gate", "approval_gate"), "title": "Approve the budget"}
    async with thinking_house(house, model_server):
        made = await started(house, root(gate, node("spend", after=["gate"])))
        waiting = await until(house, made.keys["gate"], is_state("blocked"))
        assert waiting.open_approval_id
        await review.decide_approval(house.caller, waiting.open_approval_id, approved=False)
        task = await until(
            house, made.id, lambda t: t.execution_status == "failed" or "needs you" in (t.blocked_reason or ""), 40
        )
    assert (await functions.get_task(house.caller, made.keys["spend"])).execution_status in {"pending", "cancelled"}
    assert task.execution_status != "completed"


async def test_what_replaces_a_rejected_gate_ends_in_the_same_gate(house: House, model_server: ModelServer) -> None:
    gate = {
        **node("gate", "approval_gate", tool_input={"question": "Invite 80 people?"}),
        "title": "Approve the guest list",
    }
    async with thinking_house(house, model_server):
        made = await started(house, root(gate, node("send", after=["gate"])))
        waiting = await until(house, made.keys["gate"], is_state("blocked"))
        assert waiting.open_approval_id
        await review.decide_approval(house.caller, waiting.open_approval_id, approved=False, notes="too many")
        await until(house, made.keys["gate"], lambda t: t.superseded_at is not None)
        parts = {
            t.title: t for t in (await functions.get_task_tree(house.caller, made.id)).children if not t.superseded_at
        }
        again = parts["Approve the guest list"]
        assert again.depends_on == [parts["Shorten the guest list"].id]
        assert parts["send"].depends_on == [again.id]
        await functions.update_task(house.caller, parts["Shorten the guest list"].id, {"execution_status": "completed"})
        await until(house, again.id, lambda t: t.blocked_on == "approval")
