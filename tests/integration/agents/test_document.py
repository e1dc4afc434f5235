"""A whole plan document: real Postgres, a real worker, a model server with authored answers, good and bad."""

import asyncio
import os
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from agents.playbooks.document.catalog import stages
from agents.playbooks.document.making import document_plan
from agents.thinking import Limits
from app.house import House
from core.errors import Conflict, NotFound
from core.postgres import postgres
from tasks import functions, plans, review
from tasks.plans import Level, PlanSummary, StoredSection
from tests import forked
from tests.conftest import house_with
from tests.emulators.document_answers import PROMPT, write_fixtures
from tests.emulators.model_server import running_model_server, thinking_on
from tests.integration.agents.growing import at_work
from tests.passing_time import let_silence_pass

FAST: Level = "fast_but_skip_details"


@asynccontextmanager
async def writing(house: House, folder: Path, limits: Limits | None = None, **answers: Any) -> AsyncGenerator[House]:
    """A worker of the house that asks a model server with these answers, within these limits."""
    fixtures = write_fixtures(folder / "answers.json", **answers)
    with running_model_server(fixtures, log=folder / "model.log") as server:
        async with thinking_on(server) as found:
            thinking = replace(found, limits=limits or found.limits)
            thinks = house_with(house, thinking=thinking, equipment=replace(house.equipment, thinking=thinking))
            async with at_work(thinks):
                yield thinks


async def make(house: House, level: Level = FAST) -> UUID:
    return (await plans.create_plan(house.caller, document_plan(PROMPT, level))).id


async def plan_of(house: House, plan_id: UUID) -> PlanSummary:
    return (await plans.get_plan(house.caller, plan_id)).plan


async def sections_of(house: House, plan_id: UUID) -> dict[str, StoredSection]:
    return {one.stage: one for one in await plans.list_plan_sections(house.caller, plan_id)}


async def requests_in(house: House, plan_id: UUID) -> dict[str, int]:
    """How often the model was asked, by stage; each step once, however often its run was begun."""
    metrics = await plans.get_plan_metrics(house.caller, plan_id)
    return {one.stage: one.model_calls for one in metrics.tasks if one.stage and one.model_calls}


async def until(house: House, plan_id: UUID, *states: str, seconds: float = 30) -> PlanSummary:
    """The plan once it is in one of these states."""
    for _ in range(int(seconds / 0.05)):
        plan = await plan_of(house, plan_id)
        if plan.state in states:
            return plan
        await asyncio.sleep(0.05)
    stuck = {name: (one.state, one.reason) for name, one in (await sections_of(house, plan_id)).items()}
    raise AssertionError(f"the plan stays as it is: {stuck}")


async def test_a_document_is_written_and_a_stage_of_it_written_again(house: House, tmp_path: Path) -> None:
    async with writing(house, tmp_path):
        plan_id = await make(house)
        await until(house, plan_id, "completed", "waiting", "failed", seconds=60)
        plan = await plan_of(house, plan_id)
        assert (plan.state, plan.percent, plan.counts) == ("completed", 100, {"completed": 61})
        found = await sections_of(house, plan_id)
        for stage_id, stage in stages().items():
            assert found[stage_id].output is not None, stage_id
            assert stage.form.model_validate(found[stage_id].output).shallow() is None, stage_id
        for stage_id, stage in stages().items():
            for needed in stage.depends_on:
                ended, began = found[needed].completed_at, found[stage_id].started_at
                assert ended, needed
                assert began, stage_id
                # Times are of the transactions' beginnings: one that waited for the other began before it.
                assert ended <= began + timedelta(milliseconds=50), (needed, stage_id)
        asked = await requests_in(house, plan_id)
        assert set(asked) == {stage.id for stage in stages().values() if stage.needs_model}

        again = await plans.rerun_stage(house.caller, plan_id, "create_pitch")
        assert again.plan.state == "running"
        await until(house, plan_id, "completed", seconds=30)
        after = await sections_of(house, plan_id)
        redone = {stage_id for stage_id in found if after[stage_id].task_id != found[stage_id].task_id}
        assert redone == {
            "create_pitch",
            "pitch_markdown",
            "review_plan",
            "executive_summary",
            "questions_and_answers",
            "premortem",
            "report",
        }
        # The same pitch again: what reads it has nothing new to say, and no model is asked.
        assert {one for one in redone if after[one].is_reused} == redone - {"create_pitch"}
        assert sum((await requests_in(house, plan_id)).values()) - sum(asked.values()) <= asked["create_pitch"]
        with pytest.raises(NotFound, match="wbs_level9"):
            await plans.rerun_stage(house.caller, plan_id, "wbs_level9")


async def test_what_a_person_writes_has_only_what_reads_it_written_anew(house: House, tmp_path: Path) -> None:
    async with writing(house, tmp_path):
        plan_id = await make(house, "ping_llm")
        await until(house, plan_id, "completed", seconds=30)
        before = await sections_of(house, plan_id)
        assert set(before) == {"start_time", "setup", "redline_gate", "identify_purpose", "plan_type", "report"}
        given = {
            "topic": "A workshop",
            "purpose": "business",
            "purpose_detailed": "A firm repairs bicycles and earns money.",
        }
        await plans.rerun_stage(house.caller, plan_id, "identify_purpose", given)
        await until(house, plan_id, "completed", seconds=30)
        after = await sections_of(house, plan_id)
        assert (after["identify_purpose"].output, after["identify_purpose"].by_person) == (given, True)
        assert not after["plan_type"].is_reused
        assert after["redline_gate"].task_id == before["redline_gate"].task_id
        await plans.rerun_stage(house.caller, plan_id, "redline_gate")
        await until(house, plan_id, "completed")
        kept = (await sections_of(house, plan_id))["identify_purpose"]
        assert (kept.output, kept.by_person) == (given, True)  # a person's words are not written over
        tenant = (await plans.get_plan(house.caller, plan_id)).plan.organization_id
        own = {"organization_id": tenant, "token_id": UUID(int=7)}
        bot = replace(house.caller.identity, scopes=("tasks:read", "tasks:write"), **own)
        setup = {"prompt_text": f"{PROMPT} Without machines."}
        await plans.rerun_stage(house.database.acting_as(bot), plan_id, "setup", setup)
        await until(house, plan_id, "completed")
        after = await sections_of(house, plan_id)
        assert not after["redline_gate"].is_reused  # other words, another verdict
        assert (after["setup"].output, after["setup"].by_person) == (setup, False)  # a program's are not a person's
        await plans.rerun_stage(house.caller, plan_id, "identify_purpose", {"topic": "A workshop"})
        await until(house, plan_id, "waiting", seconds=30)
        failed = (await sections_of(house, plan_id))["identify_purpose"]
        assert failed.state == "failed"
        assert "purpose" in (failed.reason or "")
        assert (failed.output, failed.is_stale) == (given, True)  # what there was is still there to be read


async def test_a_refusal_at_the_gate_holds_everything_until_a_person_decides(house: House, tmp_path: Path) -> None:
    async with writing(house, tmp_path, refused=True):
        allowed, ended = await make(house, "ping_llm"), await make(house, "ping_llm")
        for plan_id in (allowed, ended):
            await until(house, plan_id, "waiting", seconds=30)
            states = {one.stage: one.state for one in (await sections_of(house, plan_id)).values()}
            assert states["redline_gate"] == "blocked"
            assert states["identify_purpose"] == "pending"
            assert (await plan_of(house, plan_id)).waiting_for_you == 1
        # Written again, before it or itself: what was refused is asked again, and nothing slips past meanwhile.
        await plans.rerun_stage(house.caller, ended, "setup")
        await until(house, ended, "waiting")
        assert (await sections_of(house, ended))["identify_purpose"].state == "pending"
        gates = {one.task_id: one for one in (await review.list_approvals(house.caller, states=["open"])).items}
        gate_of = {plan_id: (await sections_of(house, plan_id))["redline_gate"].task_id for plan_id in (allowed, ended)}
        await review.decide_approval(house.caller, gates[gate_of[allowed]].id, approved=True, notes="A locksmith asks")
        await review.decide_approval(house.caller, gates[gate_of[ended]].id, approved=False, notes="Not with us")
        await until(house, allowed, "completed", seconds=30)
        await until(house, ended, "failed", seconds=30)
        redline = (await sections_of(house, allowed))["redline_gate"]
        assert (redline.output or {})["verdict"] == "refuse"
        assert "Not with us" in ((await plan_of(house, ended)).reason or "")
        with pytest.raises(Conflict):
            await plans.rerun_stage(house.caller, ended, "identify_purpose")


async def test_a_shallow_section_does_not_pass_as_done(house: House, tmp_path: Path) -> None:
    async with writing(house, tmp_path, bad={"plan_type"}):
        plan_id = await make(house, "ping_llm")
        await until(house, plan_id, "waiting", seconds=30)
        found = await sections_of(house, plan_id)
        assert found["plan_type"].state == "failed"
        assert found["plan_type"].output is None
        assert "no usable answer: what was wrong with it: too short" in (found["plan_type"].reason or "")
        assert found["report"].state == "pending"
        assert found["identify_purpose"].state == "completed"


async def test_a_plan_waits_for_the_budget_of_the_next_day(house: House, tmp_path: Path) -> None:
    async with writing(house, tmp_path, Limits(day_calls=1)):
        plan_id = await make(house, "ping_llm")
        plan = await until(house, plan_id, "waiting", "failed", "completed")
        purpose = (await sections_of(house, plan_id))["identify_purpose"]
        task = await functions.get_task(house.caller, purpose.task_id)
        assert (plan.state, task.execution_status, task.blocked_on) == ("waiting", "blocked", "bounds")
        assert task.blocked_until is not None  # it goes on by itself


async def test_without_a_model_nothing_is_invented(house: House) -> None:
    async with at_work(house):
        plan_id = await make(house, "balanced_speed_and_detail")
        await until(house, plan_id, "waiting", seconds=30)
        found = await sections_of(house, plan_id)
        filled = {stage_id for stage_id, one in found.items() if one.output is not None}
        assert {"start_time", "setup"} <= filled
        assert all(stages()[stage_id].fill for stage_id in filled)
        waiting = [one for one in found.values() if one.state == "blocked"]
        assert waiting
        assert all("needs a language model" in (one.reason or "") for one in waiting)


async def test_a_worker_that_is_killed_half_way_redoes_nothing(house: House, tmp_path: Path) -> None:
    fixtures = write_fixtures(tmp_path / "answers.json", latency_ms=20)
    with running_model_server(fixtures, log=tmp_path / "model.log") as server:
        environment = {
            **os.environ,
            "STEWARD_HOME": str(house.settings.home),
            "STEWARD_DATABASE_URL": postgres(house.database).url,
            "OPENAI_API_KEY": "not-a-key",
            "OPENAI_BASE_URL": server.base_url,
            "STEWARD_LOG_LEVEL": "error",
        }

        def worker() -> forked.Forked:
            return forked.start(["worker"], environment, tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        plan_id = await make(house)
        first = worker()

        try:
            async with asyncio.timeout(60):
                while (await plan_of(house, plan_id)).percent < 50:
                    await asyncio.sleep(0.02)
        finally:
            first.kill()
            first.wait(10)
        await let_silence_pass(house.database)
        finished = {
            stage_id: one for stage_id, one in (await sections_of(house, plan_id)).items() if one.state == "completed"
        }
        assert 20 < len(finished) < 61
        second = worker()
        try:
            await until(house, plan_id, "completed", seconds=90)
        finally:
            second.terminate()
            second.wait(20)
    after = await sections_of(house, plan_id)
    for stage_id, one in finished.items():
        assert (after[stage_id].task_id, after[stage_id].completed_at) == (one.task_id, one.completed_at)
    async with await psycopg.AsyncConnection.connect(postgres(house.database).url) as connection:
        rows = await (
            await connection.execute(
                "select key, attempts from public.steps where root_task_id = %s and kind = 'model' and attempts > 1",
                (plan_id,),
            )
        ).fetchall()
    assert len(rows) <= 16  # only what was being asked when the process died was asked again
    assert all(attempts == 2 for _, attempts in rows)
