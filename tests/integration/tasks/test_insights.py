"""Outcomes, calibration, thresholds and insights on a seeded database with known answers."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from core.clock import Clock
from core.database import Caller, Database
from core.errors import Forbidden, Invalid
from core.postgres import pool_of
from jobs.calibrating import calibrate, calibrate_all
from tasks import functions, insights, model_calls, review, runs, thresholds
from tasks.digests import make_digest
from tasks.drafts import Draft
from tasks.models import Task
from tasks.nudges import AttentionRules

CONTENT = {"to_recipients": ["john@example.com"], "subject": "Thank you", "body": "Hello John"}


def ahead(**more: float) -> datetime:
    return datetime.now(UTC) + timedelta(**more)


async def sql(database: Database, text: str, *values: object) -> list[tuple[Any, ...]]:
    """Around triggers and policies, as nobody can from outside."""
    async with pool_of(database).connection() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        cursor = await connection.execute(text.encode(), values)
        return await cursor.fetchall() if cursor.description else []


async def drafted(ana: Caller, service: Caller, confidence: float, **more: object) -> tuple[Task, Draft]:
    item = {"title": "Mail John", "execution_type": "semi_automated", "kind": "email", **more}
    task = (await functions.create_tasks(ana, [item]))[0]
    await functions.queue_task_execution(ana, task.id)
    await runs.start_task_execution(service, task.id, None)
    result = {"strategy": "immediate", "output": "x", "confidence": confidence}
    return task, await review.deliver_draft(service, task.id, CONTENT, result)


async def outcomes_of(caller: Caller) -> list[tuple[str, float, float]]:
    found = await thresholds.list_outcomes(caller, ahead(days=-1), ahead(days=1))
    return sorted((one.stream, round(one.confidence, 3), one.share) for one in found)


async def test_drafts_have_outcomes(ana: Caller, service: Caller, mallory: Caller) -> None:
    _, kept = await drafted(ana, service, 0.9)
    await review.approve_draft(ana, kept.id, kept.digest)
    _, bad = await drafted(ana, service, 0.7)
    await review.reject_draft(ana, bad.id, None)
    _, first = await drafted(ana, service, 0.8)
    mine = await review.revise_draft(ana, first.id, {"body": "Hello Jon"})
    assert [one for one in await outcomes_of(ana) if one[1] == 0.8] == []  # not decided yet
    await review.approve_draft(ana, mine.id, mine.digest)
    rated, good = await drafted(ana, service, 0.6)
    await review.approve_draft(ana, good.id, good.digest)
    await functions.add_feedback(ana, rated.id, 1, "not like this")
    assert await outcomes_of(ana) == [("draft", 0.6, 0), ("draft", 0.7, 0), ("draft", 0.8, 0.5), ("draft", 0.9, 1)]
    assert await outcomes_of(mallory) == []


async def test_tasks_found_in_words_have_outcomes(database: Database, ana: Caller) -> None:
    made = await functions.create_tasks(
        ana,
        [
            {"title": title, "execution_type": "manual", "source": "chat", "ai_confidence": confidence}
            for title, confidence in (("done", 0.9), ("cancelled", 0.7), ("deleted", 0.6), ("open", 0.5))
        ],
    )
    await functions.update_task(ana, made[0].id, {"execution_status": "completed"})
    await functions.cancel_task(ana, made[1].id)
    await ana.call("delete_task", task_id=made[2].id)
    found = [("extraction", 0.6, 0), ("extraction", 0.7, 0), ("extraction", 0.9, 1)]
    assert await outcomes_of(ana) == found
    item = {"title": "reply", "execution_type": "manual", "source": "mail", "ai_confidence": 0.8}
    (task,) = await functions.create_tasks(ana, [{**item, "source_ref": {"message_id": "a@example.org"}}])
    [(mail_id,)] = await sql(
        database,
        "insert into public.mail_messages (organization_id, message_id, thread_key, category) "
        "select organization_id, 'a@example.org', 'x', 'needs_reply' from public.tasks where id = %s returning id",
        task.id,
    )
    await ana.call("correct_mail", mail_id=mail_id, category="noise", at=ahead())
    assert await outcomes_of(ana) == sorted([*found, ("extraction", 0.8, 0)])


async def seeded(database: Database, ana: Caller, confidence: float, acted: int, dismissed: int) -> None:
    """Decided nudges of one kind."""
    organization = UUID((await ana.call("get_profile"))["organization"]["id"])
    for state, count in (("acted", acted), ("dismissed", dismissed)):
        await sql(
            database,
            "insert into public.nudges (organization_id, user_id, key, kind, title, why, confidence, state, told_at, found_at, decided_at) "
            "select m.organization_id, m.user_id, %s || n, 'travel', 'x', 'y', %s, %s, now(), now(), now() "
            "from public.members m, generate_series(1, %s) n where m.organization_id = %s",
            f"{confidence}{state}",
            confidence,
            state,
            count,
            organization,
        )


async def test_a_threshold_moves_with_its_outcomes_and_a_person_holds_it(
    database: Database, ana: Caller, service: Caller, mallory: Caller
) -> None:
    await seeded(database, ana, 0.65, 2, 20)
    await seeded(database, ana, 0.9, 20, 2)
    assert (
        await calibrate_all(database, Clock(ZoneInfo("UTC"), ahead(days=-300))) == 0
    )  # no task changed in that tenant
    assert await calibrate(service, ahead(hours=1)) == 1
    found = (await thresholds.list_calibrations(ana))[0]
    assert (found.stream, found.cases, found.threshold, found.previous_threshold) == ("nudge:travel", 44, 0.9, 0.6)
    assert "From 90% on, at least 50% are right" in found.reason
    assert [round(one.right, 2) for one in found.bins] == [0.09, 0.91]
    rules = await ana.call("get_attention", at=ahead())
    assert rules["rules"]["told_from"] == {"travel": 0.9}
    audit = await sql(database, "select action, reason from public.audit_events where action like 'threshold.%%'")
    assert audit == [("threshold.moved", found.reason)]

    held = await thresholds.pin_threshold(ana, "nudge:travel", 0.7, 0.6, ahead(hours=2))
    assert (held.threshold, held.is_pinned, held.learned, held.cases) == (0.7, True, 0.9, 44)
    await calibrate(service, ahead(hours=3))
    assert await thresholds.threshold_of(ana, "nudge:travel", 0.6) == 0.7
    free = await thresholds.pin_threshold(ana, "nudge:travel", None, 0.6, ahead(hours=4))
    assert (free.threshold, free.is_pinned) == (0.9, False)
    await calibrate(service, ahead(hours=5), learns=False)
    assert await thresholds.threshold_of(ana, "nudge:travel", 0.6) == 0.6
    assert [one.threshold for one in (await thresholds.list_calibrations(ana))[0].history] == [0.9, 0.7, 0.7, 0.9, 0.6]
    assert (await thresholds.list_calibrations(mallory), await thresholds.threshold_of(mallory, "draft", 0.8)) == (
        [],
        0.8,
    )


@pytest.mark.parametrize(("stream", "threshold"), [("draft", 0.59), ("draft", 0.96), ("weather", 0.8)])
async def test_what_cannot_be_pinned(ana: Caller, service: Caller, stream: str, threshold: float) -> None:
    with pytest.raises(Invalid):
        await thresholds.pin_threshold(ana, stream, threshold, 0.8, ahead())
    with pytest.raises(Forbidden):
        await thresholds.pin_threshold(service, stream, 0.8, 0.8, ahead())


async def test_insights_of_a_seeded_month(database: Database, ana: Caller, service: Caller, mallory: Caller) -> None:
    by_hand = [{"title": "x", "kind": "email", "execution_type": "manual"}] * 3
    for number, task in enumerate(await functions.create_tasks(ana, by_hand)):
        await functions.update_task(ana, task.id, {"execution_status": "completed"})
        await sql(
            database, "update public.tasks set actual_duration_minutes = %s where id = %s", 10 * number + 10, task.id
        )
    sent, draft = await drafted(ana, service, 0.9)
    await review.approve_draft(ana, draft.id, draft.digest)
    await review.begin_sending(service, draft.id, "<1@example.com>")
    await review.finish_sending(service, draft.id, "sent", {"location": "x.eml"})
    _, bad = await drafted(ana, service, 0.7, source="proactive")
    await review.reject_draft(ana, bad.id, None)
    silent = (await functions.create_tasks(ana, [{"title": "y", "execution_type": "fully_automated", "source": "proactive", "estimated_duration_minutes": 30}]))[0]  # fmt: skip
    await functions.queue_task_execution(ana, silent.id)
    await runs.start_task_execution(service, silent.id, None)
    call = {"purpose": "strategy", "provider": "openai", "model": "m", "cost_usd": 0.25}
    await model_calls.record_llm_interaction(service, silent.id, call)
    await model_calls.record_llm_interaction(service, sent.id, {**call, "cost_usd": 0.5})
    await model_calls.record_llm_interaction(service, None, {**call, "provider": "steward", "cost_usd": None})
    await service.call(
        "complete_task_execution", task_id=silent.id, result_data={"strategy": "immediate", "output": "z"}
    )
    await seeded(database, ana, 0.9, 3, 1)
    found = await insights.get_insights(ana, ahead(days=-30), ahead(hours=1), "Europe/Berlin")

    assert (found.done.tasks, found.done.minutes_saved, found.done.drafts_sent) == (2, 18 + 29, 1)
    assert {one.kind: (one.minutes_each, one.basis, one.minutes_saved) for one in found.done.by_kind} == {
        "email": (20, "learned", 18),
        "errand": (30, "estimated", 29),
    }
    assert (found.cost.usd, found.cost.calls, found.cost.by_rules) == (0.75, 2, 1)
    assert (found.cost.silent.usd, found.cost.silent.calls, found.cost.silent.tasks) == (0.25, 1, 1)
    assert [(one.usd, one.silent_usd) for one in found.cost.by_day] == [(0.75, 0.25)]
    assert (found.accuracy.unchanged, found.accuracy.edited, found.accuracy.rejected) == (1, 0, 1)
    assert [(one.drafts, one.edits) for one in found.accuracy.by_week] == [(2, 0)]
    assert found.speed.cases == 2
    assert {one.name: (one.runs, one.finished) for one in found.workers.models} == {
        "m": (2, 2),
        "built-in rules": (1, 1),
    }
    assert [(one.kind, one.told, one.acted, one.precision) for one in found.nudges.by_kind] == [("travel", 4, 3, 0.75)]
    assert (await insights.get_insights(mallory, ahead(days=-30), ahead(), "UTC")).is_empty
    for since, zone in ((ahead(days=1), "UTC"), (ahead(days=-1), "Atlantis")):
        with pytest.raises(Invalid):
            await insights.get_insights(ana, since, ahead(), zone)


async def test_silent_work_waits_for_tomorrow_at_its_cap(ana: Caller, service: Caller) -> None:
    asked, silent = await functions.create_tasks(
        ana, [{"title": "x", "execution_type": "fully_automated", "source": source} for source in ("chat", "proactive")]
    )
    call = {"purpose": "strategy", "provider": "openai", "model": "m", "cost_usd": 0.9}
    await model_calls.record_llm_interaction(service, silent.id, call)
    limits = {"day_usd": 20, "proactive_day_usd": 1, "timezone": "Europe/Berlin"}
    assert (await model_calls.reserve_model_call(service, asked.id, None, 0.2, limits)).refused is None
    refused = await model_calls.reserve_model_call(service, silent.id, None, 0.2, limits)
    assert "$0.9000 of $1 for work that nobody asked for are spent today" in (refused.refused or "")
    assert (refused.is_silent, refused.is_held, refused.until and refused.until > ahead()) == (True, False, True)
    assert (await model_calls.reserve_model_call(service, silent.id, None, 0.05, limits)).refused is None
    held = await model_calls.reserve_model_call(service, silent.id, None, 0.06, limits)
    assert held.is_held
    tomorrow = {**limits, "at": ahead(days=1).isoformat()}
    assert (await model_calls.reserve_model_call(service, silent.id, None, 0.2, tomorrow)).refused is None
    await functions.queue_task_execution(ana, silent.id)
    await runs.start_task_execution(service, silent.id, None)
    await runs.block_task_execution(service, silent.id, "no money", blocked_on="bounds", until=refused.until)
    digest = await make_digest(ana, ahead(), AttentionRules(digest_at=time(0)))
    assert digest
    assert (digest.content.silent.waiting, digest.content.silent.cost_usd) == (1, 0.9)
    assert [one.reason for one in (await insights.get_silent_spending(ana, ahead(days=-1), ahead())).waiting] == [
        "no money"
    ]
    await ana.call("delete_task", task_id=silent.id)
    spent = await insights.get_silent_spending(ana, ahead(days=-1), ahead())
    assert (spent.cost_usd, spent.model_calls, spent.waiting) == (0.9, 1, [])
