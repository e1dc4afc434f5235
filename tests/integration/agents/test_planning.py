"""Plans with an objective through the whole engine: planned, executed, gates decided by people, reports, failures told."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from agents import synthesizer
from agents.protocols import Outside
from agents.services.chat import Chat
from app.house import House
from core.database import Caller
from core.outside.errors import Temporary
from tasks import functions, plans, review, steps
from tasks.functions import TaskNode
from tasks.models import Task
from tests.emulators.model_server import ModelServer, thinking_on
from tests.integration.agents.growing import Bench, at_work, is_state, until
from tests.integration.agents.test_engine_with_model import requests_about, thinking_house

LAUNCH = "Launch feature X across three teams"
CONTEXT: dict[str, Any] = {"stakeholders": ["pm@company.com", "the board"], "priority": "high"}
BEFORE_THE_GATE = ("ticket_team_1", "ticket_team_2", "ticket_team_3", "verify", "deploy_staging", "smoke")


@dataclass
class OnlySlack:
    """An outside world in which Slack is connected as well, and cannot be reached."""

    others: Outside

    async def reach(self, need: type[Any], caller: Caller, task: Task) -> Any:
        return await self.others.reach(need, caller, task)

    def lacks(self, need: type[Any], providers: Collection[str] = ()) -> str | None:
        return None if need is Chat else self.others.lacks(need, providers)

    async def providers(self, caller: Caller) -> frozenset[str]:
        return await self.others.providers(caller)


async def planned(house: House, objective: str, **more: Any) -> UUID:
    """A plan as the doors make one."""
    context = CONTEXT | more.pop("context", {})
    plan = {"kind": "objective", "title": objective, "description": objective, "priority": context["priority"]}
    request = {"objective": objective, "context": context}
    return (await plans.create_plan(house.caller, {**plan, "request": request, **more})).id


async def parts_of(house: House, plan_id: UUID) -> dict[str, TaskNode]:
    """The parts that count, by key."""
    tree = (await plans.get_plan(house.caller, plan_id)).tree
    return {str(part.source_ref.get("key")): part for part in tree.children if part.superseded_at is None}


async def finish_by_hand(house: House, plan_id: UUID, *keys: str) -> None:
    """A person ticks their tasks off, one after the other."""
    parts = await parts_of(house, plan_id)
    for key in keys:
        await functions.update_task(house.caller, parts[key].id, {"execution_status": "completed"})


async def decided(house: House, gate_id: UUID, *, approved: bool, notes: str = "") -> None:
    gate = await until(house, gate_id, lambda task: task.open_approval_id is not None)
    assert gate.open_approval_id
    await review.decide_approval(house.caller, gate.open_approval_id, approved=approved, notes=notes)


async def notice_of(house: House, task_id: UUID) -> UUID:
    """The task that tells of a failure; the database makes it."""
    for task in (await functions.list_tasks(house.caller)).items:
        if task.tool == "notify_stakeholders" and task.tool_input["task_id"] == str(task_id):
            return task.id
    raise AssertionError("Nobody is told")


async def report_of(house: House, plan_id: UUID) -> synthesizer.Report:
    plan_tree = await plans.get_plan(house.caller, plan_id)
    return synthesizer.report_of(plan_tree, await plans.get_plan_metrics(house.caller, plan_id))


async def test_a_feature_launch_runs_from_its_objective_to_its_report(house: House) -> None:
    async with at_work(house):
        plan_id = await planned(house, LAUNCH)
        await until(house, plan_id, lambda task: task.blocked_on == "subtasks")
        parts = await parts_of(house, plan_id)
        assert [key for key, part in parts.items() if part.tool] == ["gate", "notify", "report"]
        await finish_by_hand(house, plan_id, *BEFORE_THE_GATE)
        await decided(house, parts["gate"].id, approved=True, notes="ship it")
        await until(house, parts["gate"].id, is_state("completed"))
        await finish_by_hand(house, plan_id, "deploy_production", "monitor")
        mail = await until(house, parts["notify"].id, lambda task: task.open_draft_id is not None)
        assert mail.open_draft_id
        draft = await review.get_draft(house.caller, mail.open_draft_id)
        assert draft.to_recipients == ["pm@company.com"]
        await review.reject_draft(house.caller, draft.id)
        await functions.update_task(house.caller, mail.id, {"execution_status": "completed"})
        await until(house, plan_id, is_state("completed"))
    report = await functions.get_task(house.caller, parts["report"].id)
    facts, told = report.result["output"]["facts"], report.result["output"]["markdown"]
    assert (facts["outcome"], facts["counts"]) == ("completed", {"completed": 10})
    assert "Deploy to production: Launch feature X across three teams?" in told
    assert "approved by" in told
    assert "ship it" in told
    assert "ticked off by" in told
    assert "under a second, claimed" not in told


async def test_a_rejected_gate_ends_the_plan_with_the_persons_words(house: House) -> None:
    async with at_work(house):
        plan_id = await planned(house, LAUNCH)
        await until(house, plan_id, lambda task: task.blocked_on == "subtasks")
        await finish_by_hand(house, plan_id, *BEFORE_THE_GATE)
        parts = await parts_of(house, plan_id)
        await decided(house, parts["gate"].id, approved=False, notes="not before the audit")
        root = await until(house, plan_id, is_state("failed"))
    assert "not before the audit" in (root.failure_reason or "")
    states = {key: part.execution_status for key, part in (await parts_of(house, plan_id)).items()}
    assert {states[key] for key in ("deploy_production", "monitor", "notify", "report")} == {"cancelled"}
    report = await report_of(house, plan_id)
    assert report.facts.outcome == "failed"
    assert [one.decision for one in report.facts.decisions] == ["rejected"]
    assert "not before the audit" in report.markdown
    assert report.facts.reason.endswith("got a no: not before the audit")
    assert {one.why for one in report.facts.cancelled} == {"cancelled because the plan ended; it did not fail"}


async def test_a_plan_that_is_not_sure_waits_for_a_person_to_start_it(house: House) -> None:
    async with at_work(house):
        plan_id = await planned(house, "Buy a new printer")
        waiting = await until(house, plan_id, lambda task: task.blocked_on == "start")
        assert "not sure enough" in (waiting.blocked_reason or "")
        assert (await plans.get_plan(house.caller, plan_id)).plan.state == "ready"
        await functions.queue_task_execution(house.caller, plan_id)
        await until(house, plan_id, lambda task: task.blocked_on == "subtasks")


async def test_a_model_plans_once_though_the_run_is_tried_again(
    house: House, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, failures = plans.save_plan_tasks, [Temporary("for a moment", retry_after_seconds=0)]

    async def save_later(*args: Any, **more: Any) -> Any:
        if failures:
            raise failures.pop()
        return await save(*args, **more)

    monkeypatch.setattr(plans, "save_plan_tasks", save_later)
    context = {"constraints": ["nothing is thrown away"], "notes": "Mind the stairs"}
    before = requests_about(model_server, "Mind the stairs")
    async with thinking_house(house, model_server):
        plan_id = await planned(house, "Move the archive", context=context)
        await until(house, plan_id, lambda task: task.blocked_on == "subtasks")
        parts = await parts_of(house, plan_id)
        assert list(parts) == ["count", "gate", "move", "report"]
        assert (parts["gate"].on_failure, parts["move"].source_ref["risk"]) == ("replan", "high")
        await decided(house, parts["gate"].id, approved=False, notes="too many at once")
        await until(house, parts["gate"].id, lambda task: task.superseded_at is not None)
        tree = (await plans.get_plan(house.caller, plan_id)).tree
        again = next(one for one in tree.children if one.tool == "approval_gate" and one.superseded_at is None)
        await decided(house, again.id, approved=True)
        await until(house, plan_id, is_state("completed"))
    assert requests_about(model_server, "Mind the stairs") - before == 1
    asked, *_ = await steps.list_steps(house.caller, plan_id)
    assert (asked.name, asked.replays) == ("objective", 1)
    told = (await functions.get_task(house.caller, parts["report"].id)).result["output"]["markdown"]
    assert "a person agreed to it" in told
    assert "half of them first" in told


@pytest.mark.parametrize(
    ("objective", "state", "words"),
    [("Delete the archive", "failed", "no usable answer"), ("Paint the archive", "blocked", "without a ladder")],
)
async def test_a_models_plan_is_checked(
    house: House, model_server: ModelServer, objective: str, state: str, words: str
) -> None:
    async with thinking_house(house, model_server):
        plan_id = await planned(
            house, objective, context={"constraints": ["without a ladder"] if state == "blocked" else []}
        )
        root = await until(house, plan_id, is_state(state), 40)
    assert words in f"{root.failure_reason} {root.blocked_reason}"


async def test_notes_are_read_before_planning_and_taint_the_plan(
    house: House, model_server: ModelServer, tmp_path: Path
) -> None:
    (tmp_path / "boxes.md").write_text("Forty boxes", encoding="utf-8")
    before = requests_about(model_server, "Forty boxes")
    async with thinking_on(model_server) as thinking:
        equipment = replace(house.equipment, thinking=replace(thinking, notes_folder=tmp_path))
        async with at_work(replace(house, equipment=equipment)):
            context: dict[str, Any] = {"constraints": ["nothing is thrown away"]}
            known = await planned(house, "Move the archive", context={**context, "notes": {"files": ["boxes.md"]}})
            gone = await planned(house, "Move the archive", context={**context, "notes": {"files": ["gone.md"]}})
            root = await until(house, known, lambda task: task.blocked_on == "subtasks")
            waiting = await until(house, gone, lambda task: task.blocked_on == "person")
            parts = await parts_of(house, known)
    assert requests_about(model_server, "Forty boxes") - before == 1
    assert [one.kind for one in root.tainted_by] == ["notes"]
    assert all(part.tainted_by for part in parts.values())
    assert "no notes file 'gone.md'" in (waiting.blocked_reason or "")


async def test_a_model_that_is_away_does_not_hold_the_report_up(house: House, model_server: ModelServer) -> None:
    done = {"key": "done", "title": "Do nothing", "tool": "noop"}
    report = {"key": "report", "title": "Report", "tool": "plan_report", "depends_on": ["done"], "max_retries": 0}
    async with thinking_house(house, model_server):
        plan_id = await planned(house, "Nothing at all", tasks=[done, report])
        await until(house, plan_id, is_state("completed"))
    written = await functions.get_task(house.caller, (await parts_of(house, plan_id))["report"].id)
    assert "Without a narrative: " in written.result["message"]
    assert "The plan is completed." in written.result["output"]["markdown"]


async def test_a_failure_that_matters_is_told_in_a_draft(house: House, bench: Bench) -> None:
    bench.broken = {"Bake the bread"}
    part = {"key": "bake", "title": "Bake the bread", "tool": "bench", "max_retries": 0, "on_failure": "escalate"}
    tasks = [{**part, "priority": "critical"}, {"key": "sell", "title": "Sell the bread", "depends_on": ["bake"]}]
    slack = OnlySlack(house.equipment.outside)
    async with at_work(replace(house, equipment=replace(house.equipment, outside=slack)), bench):
        plan_id = await planned(
            house, "Open the bakery", tasks=tasks, context={"resources": {"slack_channel": "#bread"}}
        )
        failed = await until(house, (await parts_of(house, plan_id))["bake"].id, is_state("failed"))
        told = await until(house, await notice_of(house, failed.id), lambda one: one.open_draft_id is not None)
        assert told.open_draft_id
        draft = await review.get_draft(house.caller, told.open_draft_id)
        (posted,) = [
            one for one in (await functions.list_tasks(house.caller)).items if one.tool == "slack_notification"
        ]
    assert posted.tool_input["channel"] == "#bread"
    said = "Drafts for pm@company.com, #bread; not reached, since these are no mail addresses: the board"
    assert told.result["message"] == said
    assert draft.to_recipients == ["pm@company.com"]
    assert "Why: Bake the bread is broken" in draft.body
    assert "What waits for it: Sell the bread." in draft.body
