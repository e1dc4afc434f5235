"""Outcomes, calibration, thresholds and insights on a seeded database with known answers."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.database import Caller, Database
from core.errors import Forbidden, Invalid
from jobs.calibrating import calibrate, calibrate_all
from tasks import functions, insights, review
from tasks.models import Draft, Task

CONTENT = {"to_recipients": ["john@example.com"], "subject": "Thank you", "body": "Hello John"}


def ahead(**more: float) -> datetime:
    return datetime.now(UTC) + timedelta(**more)


async def sql(database: Database, text: str, *values: object) -> list[tuple[Any, ...]]:
    """Around triggers and policies, as nobody can from outside."""
    async with database.pool.connection() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        cursor = await connection.execute(text.encode(), values)
        return await cursor.fetchall() if cursor.description else []


async def drafted(ana: Caller, service: Caller, confidence: float, **more: object) -> tuple[Task, Draft]:
    item = {"title": "Mail John", "execution_type": "semi_automated", "kind": "email", **more}
    task = (await functions.create_tasks(ana, [item]))[0]
    await functions.queue_task_execution(ana, task.id)
    await functions.start_task_execution(service, task.id, None)
    result = {"strategy": "immediate", "output": "x", "confidence": confidence}
    return task, await review.deliver_draft(service, task.id, CONTENT, result)


async def outcomes_of(caller: Caller) -> list[tuple[str, float, float]]:
    found = await insights.list_outcomes(caller, ahead(days=-1), ahead(days=1))
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


async def test_tasks_found_in_words_have_outcomes(ana: Caller, service: Caller) -> None:
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
    assert await outcomes_of(ana) == [("extraction", 0.6, 0), ("extraction", 0.7, 0), ("extraction", 0.9, 1)]


async def seeded(database: Database, ana: Caller, confidence: float, acted: int, dismissed: int) -> None:
    """Decided nudges of one kind."""
    organization = UUID((await ana.call("get_profile"))["organization"]["id"])
    for state, count in (("acted", acted), ("dismissed", dismissed)):
        await sql(
            database,
            "insert into public.nudges (organization_id, key, kind, title, why, confidence, state, told_at, found_at, decided_at) "
            "select %s, %s || n, 'travel', 'x', 'y', %s, %s, now(), now(), now() from generate_series(1, %s) n",
            organization,
            f"{confidence}{state}",
            confidence,
            state,
            count,
        )


async def test_a_threshold_moves_with_its_outcomes_and_a_person_holds_it(
    database: Database, ana: Caller, service: Caller, mallory: Caller
) -> None:
    await seeded(database, ana, 0.65, 2, 20)
    await seeded(database, ana, 0.9, 20, 2)
    assert await calibrate_all(database, ahead(hours=1)) == 0  # no task changed in that tenant
    assert await calibrate(service, ahead(hours=1)) == 1
    found = (await insights.list_calibrations(ana))[0]
    assert (found.stream, found.cases, found.threshold, found.previous_threshold) == ("nudge:travel", 44, 0.9, 0.6)
    assert "From 90% on, at least 50% are right" in found.reason
    assert [round(one.right, 2) for one in found.bins] == [0.09, 0.91]
    rules = await ana.call("get_attention", at=ahead())
    assert rules["rules"]["told_from"] == {"travel": 0.9}
    audit = await sql(database, "select action, reason from public.audit_events where action like 'threshold.%%'")
    assert audit == [("threshold.moved", found.reason)]

    held = await insights.pin_threshold(ana, "nudge:travel", 0.7, 0.6, ahead(hours=2))
    assert (held.threshold, held.is_pinned, held.learned, held.cases) == (0.7, True, 0.9, 44)
    await calibrate(service, ahead(hours=3))
    assert await insights.threshold_of(ana, "nudge:travel", 0.6) == 0.7
    free = await insights.pin_threshold(ana, "nudge:travel", None, 0.6, ahead(hours=4))
    assert (free.threshold, free.is_pinned) == (0.9, False)
    await calibrate(service, ahead(hours=5), learns=False)
    assert await insights.threshold_of(ana, "nudge:travel", 0.6) == 0.6
    assert [one.threshold for one in (await insights.list_calibrations(ana))[0].history] == [0.9, 0.7, 0.7, 0.9, 0.6]
    assert (await insights.list_calibrations(mallory), await insights.threshold_of(mallory, "draft", 0.8)) == ([], 0.8)


@pytest.mark.parametrize(("stream", "threshold"), [("draft", 0.59), ("draft", 0.96), ("weather", 0.8)])
async def test_what_cannot_be_pinned(ana: Caller, service: Caller, stream: str, threshold: float) -> None:
    with pytest.raises(Invalid):
        await insights.pin_threshold(ana, stream, threshold, 0.8, ahead())
    with pytest.raises(Forbidden):
        await insights.pin_threshold(service, stream, 0.8, 0.8, ahead())
