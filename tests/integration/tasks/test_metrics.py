"""Numbers of tenants and of the installation, and the clean-up: what it takes, and what it must never touch."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.database import Caller, Database, Identity
from core.errors import Forbidden, Invalid
from core.postgres import pool_of
from tasks import functions, metrics, review
from tasks.metrics import InstallationMetrics
from tasks.models import Task


@pytest.fixture
def whole(database: Database) -> Caller:
    """The worker, for all tenants."""
    return database.acting_as(Identity.service())


async def sql(database: Database, text: str, *values: object) -> list[tuple[Any, ...]]:
    """Around triggers and policies, as nobody can from outside."""
    async with pool_of(database).connection() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        cursor = await connection.execute(text.encode(), values)
        return await cursor.fetchall() if cursor.description else []


async def made(caller: Caller, title: str = "x", **more: object) -> Task:
    item = {"title": title, "execution_type": "fully_automated", **more}
    return (await functions.create_tasks(caller, [item]))[0]


async def ended(caller: Caller, service: Caller, status: str, **more: object) -> Task:
    """A task of the caller's that is completed, failed or cancelled."""
    task = await made(caller, status, **more)
    if status == "cancelled":
        return await functions.cancel_task(caller, task.id)
    await functions.queue_task_execution(caller, task.id)
    await service.call("start_task_execution", task_id=task.id)
    if status == "completed":
        await service.call("complete_task_execution", task_id=task.id, result_data={"output": "done"})
    else:
        await service.call("fail_task_execution", task_id=task.id, error="it broke", should_retry=False)
    return await functions.get_task(caller, task.id)


async def age(database: Database, days: int) -> None:
    """Everything that is there happened so many days earlier."""
    back = timedelta(days=days)
    for table, columns in {
        "tasks": ("created_at", "updated_at", "completed_at", "failed_at", "cancelled_at"),
        "task_events": ("created_at",),
        "idempotency_keys": ("created_at",),
    }.items():
        changes = ", ".join(f"{column} = {column} - %s" for column in columns)
        await sql(database, f"update public.{table} set {changes}", *[back for _ in columns])


async def titles(database: Database) -> set[str]:
    return {str(row[0]) for row in await sql(database, "select title from public.tasks")}


def totals(numbers: InstallationMetrics) -> dict[tuple[str, str], float]:
    return {(total.name, total.label): total.value for total in numbers.totals}


# ---------------------------------------------------------------- snapshots


async def test_an_empty_database_has_numbers_and_no_snapshot(whole: Caller, ana: Caller) -> None:
    assert await metrics.take_metrics_snapshot(whole) == 0
    numbers = await metrics.get_metrics(ana)
    assert (numbers.tasks, numbers.latest, numbers.history, numbers.drafts_to_review) == ({}, None, [], 0)
    installation = await metrics.get_installation_metrics(whole)
    assert (installation.tasks, installation.queues, installation.workers.alive) == ({}, {}, 0)


async def test_a_snapshot_counts_tasks_and_plans_by_state(
    database: Database, ana: Caller, service: Caller, whole: Caller
) -> None:
    plan = await made(ana, "plan")
    await functions.create_subtask(ana, plan.id, "part")
    await ended(ana, service, "completed")
    await ended(ana, service, "failed")
    await ended(ana, service, "cancelled")
    assert await metrics.take_metrics_snapshot(whole) == 1
    latest = (await metrics.get_metrics(ana)).latest
    assert latest
    assert latest.tasks == {"pending": 2, "completed": 1, "failed": 1, "cancelled": 1}
    assert latest.plans == {"pending": 1}
    assert (latest.created_last_hour, latest.created_last_day) == (5, 5)
    assert (latest.completed_last_hour, latest.completed_last_day, latest.failed_last_day) == (1, 1, 1)
    assert latest.success_rate == 0.5
    assert latest.average_seconds is not None
    assert latest.average_seconds > 0


async def test_hours_and_days_are_told_apart_and_ticking_off_takes_no_time(
    database: Database, ana: Caller, whole: Caller
) -> None:
    task = await made(ana, execution_type="manual")
    await functions.update_task(ana, task.id, {"execution_status": "completed"})
    back = timedelta(hours=2)
    await sql(database, "update public.tasks set created_at = created_at - %s, completed_at = completed_at - %s, started_at = started_at - %s", back, back, back)  # fmt: skip
    await metrics.take_metrics_snapshot(whole)
    latest = (await metrics.get_metrics(ana)).latest
    assert latest
    assert (latest.created_last_hour, latest.created_last_day) == (0, 1)
    assert (latest.completed_last_hour, latest.completed_last_day) == (0, 1)
    assert (latest.average_seconds, latest.success_rate) == (None, 1.0)


async def test_nobody_sees_the_numbers_of_another_tenant(
    ana: Caller, mallory: Caller, nobody: Caller, whole: Caller, database: Database
) -> None:
    await made(ana)
    await metrics.take_metrics_snapshot(whole)
    numbers = await metrics.get_metrics(mallory)
    assert (numbers.tasks, numbers.latest, numbers.history) == ({}, None, [])
    for call in (metrics.get_metrics(nobody), metrics.take_metrics_snapshot(nobody)):
        with pytest.raises(Forbidden):
            await call
    stranger = database.acting_as(Identity(uuid4()))
    assert (await metrics.get_metrics(stranger)).tasks == {}


async def test_people_take_no_snapshot_read_no_installation_and_clean_nothing_up(ana: Caller) -> None:
    for call in (
        metrics.take_metrics_snapshot(ana),
        metrics.get_installation_metrics(ana),
        metrics.clean_up(ana, "failed_tasks", 1),
        ana.call("fold_totals"),
    ):
        with pytest.raises(Exception, match=r"permission denied|no function"):
            await call


async def test_two_snapshots_of_one_time_are_one(ana: Caller, whole: Caller) -> None:
    await made(ana)
    at = datetime(2026, 3, 4, 8, 30, tzinfo=UTC)
    answers = await asyncio.gather(*(metrics.take_metrics_snapshot(whole, at) for _ in range(5)))
    assert sorted(answers) == [0, 0, 0, 0, 1]
    latest = (await metrics.get_metrics(ana)).latest
    assert latest
    assert latest.taken_at == at


@pytest.mark.parametrize("hours", [0, -1, 2161])
async def test_a_history_of_no_hours_or_too_many_is_refused(ana: Caller, hours: int) -> None:
    with pytest.raises(Invalid, match="hours is between 1 and 2160"):
        await metrics.get_metrics(ana, hours)


async def test_a_long_history_is_thinned_to_about_300_points_oldest_first(
    database: Database, ana: Caller, whole: Caller
) -> None:
    await made(ana)
    await sql(
        database,
        "insert into public.metrics_snapshots (organization_id, taken_at) select o.id, now() - n * interval '5 minutes'"
        " from public.organizations o cross join generate_series(1, 2000) n",
    )
    history = (await metrics.get_metrics(ana, 2160)).history
    assert 10 <= len(history) <= 310
    assert [point.taken_at for point in history] == sorted(point.taken_at for point in history)
    assert len((await metrics.get_metrics(ana, 1)).history) in {11, 12}


# ---------------------------------------------------------------- the installation


async def test_runs_are_counted_once_by_how_they_ended_and_how_long_they_took(
    ana: Caller, service: Caller, whole: Caller
) -> None:
    await ended(ana, service, "completed")
    await ended(ana, service, "failed")
    ticked = await made(ana, execution_type="manual")
    await functions.update_task(ana, ticked.id, {"execution_status": "completed"})  # a person's word is no run
    for _ in range(2):
        counted = totals(await metrics.get_installation_metrics(whole))
        assert counted["runs_started", ""] == 2
        assert (counted["runs_ended", "completed"], counted["runs_ended", "failed"]) == (1, 1)
        assert sum(value for (name, _), value in counted.items() if name == "run_seconds") == 2
        assert counted["run_seconds_sum", ""] > 0
    await ended(ana, service, "completed")
    assert totals(await metrics.get_installation_metrics(whole))["runs_started", ""] == 3


async def test_a_house_that_was_asked_before_anything_happened_counts_all_that_happens(
    ana: Caller, service: Caller, whole: Caller
) -> None:
    for _ in range(2):
        assert totals(await metrics.get_installation_metrics(whole)) == {}
    await ended(ana, service, "completed")
    assert totals(await metrics.get_installation_metrics(whole))["runs_started", ""] == 1


async def test_totals_never_go_back_whatever_is_deleted_and_whoever_asks_at_once(
    ana: Caller, service: Caller, whole: Caller
) -> None:
    tasks = [await ended(ana, service, "completed") for _ in range(3)]
    answers = await asyncio.gather(*(metrics.get_installation_metrics(whole) for _ in range(5)))
    assert {totals(answer)["runs_started", ""] for answer in answers} == {3}
    for task in tasks:
        await functions.delete_task(ana, task.id)
    assert totals(await metrics.get_installation_metrics(whole))["runs_started", ""] == 3


async def test_model_calls_tokens_and_cost_are_counted_when_a_minute_old(
    database: Database, ana: Caller, whole: Caller
) -> None:
    await made(ana)
    rows = "(organization_id, purpose, model, input_tokens, output_tokens, cost_usd, error, created_at)"
    for minutes, error in ((5, None), (5, "429"), (0, None)):
        await sql(database, f"insert into public.llm_interactions {rows} select o.id, 'p', 'm', 100, 20, 0.25, %s, now() - make_interval(mins => %s) from public.organizations o", error, minutes)  # fmt: skip
    counted = totals(await metrics.get_installation_metrics(whole))
    assert (counted["model_calls", "answered"], counted["model_calls", "failed"]) == (1, 1)
    assert (counted["tokens", "input"], counted["tokens", "output"], counted["cost_usd", ""]) == (200, 40, 0.5)
    assert totals(await metrics.get_installation_metrics(whole)) == counted
    await metrics.take_metrics_snapshot(whole)
    latest = (await metrics.get_metrics(ana)).latest
    assert latest
    assert (latest.model_calls_last_day, latest.tokens_last_day, latest.cost_usd_last_day) == (3, 360, 0.75)


async def test_queued_tasks_and_jobs_are_counted_live_beside_an_old_snapshot(ana: Caller, whole: Caller) -> None:
    await made(ana)
    await metrics.take_metrics_snapshot(whole)
    for _ in range(2):
        await functions.queue_task_execution(ana, (await made(ana)).id)
    await functions.queue_task_execution(ana, (await made(ana, tool="email_send")).id)
    numbers = await metrics.get_installation_metrics(whole)
    assert numbers.tasks == {"pending": 1, "queued": 3}
    thinking, tools = numbers.queues["thinking"], numbers.queues["tools"]
    assert (thinking.ready, thinking.scheduled, thinking.doing, tools.ready) == (2, 0, 0, 1)
    assert thinking.oldest_seconds is not None
    assert thinking.oldest_seconds >= 0


async def test_a_job_that_waits_for_its_time_is_not_late(database: Database, ana: Caller, whole: Caller) -> None:
    await functions.queue_task_execution(ana, (await made(ana)).id)
    await sql(database, "update jobs.procrastinate_jobs set scheduled_at = now() + interval '1 hour'")
    queue = (await metrics.get_installation_metrics(whole)).queues["thinking"]
    assert (queue.ready, queue.scheduled, queue.oldest_seconds) == (0, 1, None)
    await sql(database, "update jobs.procrastinate_jobs set scheduled_at = now() - interval '1 minute'")
    await sql(database, "update jobs.procrastinate_events set at = now() - interval '1 hour'")
    queue = (await metrics.get_installation_metrics(whole)).queues["thinking"]
    assert queue.ready == 1
    assert queue.oldest_seconds is not None
    assert 60 <= queue.oldest_seconds < 120


# ---------------------------------------------------------------- the clean-up


async def cleaned(whole: Caller, **more: Any) -> dict[str, int]:
    days = {"completed_tasks": 7, "failed_tasks": 30, "task_events": 30}
    return {what: await metrics.clean_up(whole, what, days.get(what, 1), **more) for what in metrics.CLEAN_UPS}


async def test_nothing_there_nothing_cleaned(whole: Caller) -> None:
    assert set((await cleaned(whole)).values()) == {0}


async def test_ages_decide_and_a_dry_run_touches_nothing(
    database: Database, ana: Caller, service: Caller, whole: Caller
) -> None:
    for status in ("completed", "failed", "cancelled"):
        await ended(ana, service, status)
    assert set((await cleaned(whole)).values()) == {0}
    await age(database, 8)
    dry = await cleaned(whole, dry_run=True)
    assert (dry["completed_tasks"], dry["failed_tasks"]) == (1, 0)
    assert (await functions.list_tasks(ana)).items[0].archived_at is None
    assert (await cleaned(whole))["completed_tasks"] == 1
    assert {task.title for task in (await functions.list_tasks(ana)).items} == {"failed", "cancelled"}
    await age(database, 23)
    assert (await cleaned(whole, dry_run=True))["failed_tasks"] == 2
    assert (await cleaned(whole))["failed_tasks"] == 2
    assert await titles(database) == {"completed"}
    assert (await cleaned(whole))["completed_tasks"] == 0


async def test_a_tree_goes_whole_with_all_that_hangs_on_it_and_the_audit_stays(
    database: Database, ana: Caller, service: Caller, whole: Caller
) -> None:
    root = await made(ana, "root")
    part = await functions.create_subtask(ana, root.id, "part")
    await sql(database, "insert into public.artifacts (organization_id, task_id, name, size_bytes, sha256, content) select organization_id, id, 'a', 1, 'x', 'a' from public.tasks where id = %s", part.id)  # fmt: skip
    await functions.cancel_task(ana, root.id)
    await age(database, 31)
    assert (await cleaned(whole))["failed_tasks"] == 1
    for table in ("tasks", "artifacts", "drafts", "steps", "task_dependencies"):
        assert await sql(database, f"select count(*) from public.{table}") == [(0,)]
    kept = await sql(database, "select action, actor_type, data ->> 'tasks' from public.audit_events where action in ('tree.removed', 'task.deleted') order by 1")  # fmt: skip
    assert kept == [("task.deleted", "agent", None), ("task.deleted", "agent", None), ("tree.removed", "agent", "2")]


async def test_a_tree_with_anything_open_is_left_alone(
    database: Database, ana: Caller, service: Caller, whole: Caller
) -> None:
    failed = await ended(ana, service, "failed")
    await functions.create_subtask(ana, failed.id, "still open", execution_type="manual")
    done = await made(ana, "completed")
    await functions.create_subtask(ana, done.id, "open as well", execution_type="manual")
    await functions.queue_task_execution(ana, done.id)
    await service.call("start_task_execution", task_id=done.id)
    await service.call("complete_task_execution", task_id=done.id, result_data={"output": "done"})
    await age(database, 400)
    done_now = await cleaned(whole)
    assert (done_now["completed_tasks"], done_now["failed_tasks"]) == (0, 0)
    assert len(await titles(database)) == 4
    assert all(task.archived_at is None for task in (await functions.list_tasks(ana)).items)


@pytest.mark.parametrize("state", ["draft", "approved", "sending", "uncertain"])
async def test_a_draft_that_is_not_settled_holds_its_tree(
    database: Database, ana: Caller, service: Caller, whole: Caller, state: str
) -> None:
    for status in ("completed", "failed"):
        task = await ended(ana, service, status)
        await sql(database, "insert into public.drafts (organization_id, task_id, channel, digest, author_type, state, failure_reason) values (%s, %s, 'mail', 'x', 'agent', %s, 'nobody knows')", task.organization_id, task.id, state)  # fmt: skip
    await age(database, 400)
    done = await cleaned(whole)
    assert (done["completed_tasks"], done["failed_tasks"]) == (0, 0)
    assert await titles(database) == {"completed", "failed"}
    await sql(database, "update public.drafts set state = 'sent'")
    done = await cleaned(whole)
    assert (done["completed_tasks"], done["failed_tasks"]) == (1, 1)


async def test_a_step_that_nobody_knows_the_end_of_holds_its_tree(
    database: Database, ana: Caller, service: Caller, whole: Caller
) -> None:
    task = await ended(ana, service, "failed")
    await sql(database, "insert into public.steps (organization_id, task_id, root_task_id, key, kind, name, state, error) values (%s, %s, %s, 'k', 'act', 'send', 'uncertain', 'x')", task.organization_id, task.id, task.id)  # fmt: skip
    await age(database, 400)
    assert (await cleaned(whole))["failed_tasks"] == 0


async def test_a_real_draft_in_review_is_never_cleaned_away(
    database: Database, ana: Caller, service: Caller, whole: Caller
) -> None:
    task = await made(ana)
    await functions.queue_task_execution(ana, task.id)
    await service.call("start_task_execution", task_id=task.id)
    content: dict[str, Any] = {
        "channel": "mail",
        "to_recipients": ["a@example.com"],
        "cc_recipients": [],
        "subject": "s",
        "body": "b",
        "target": {},
        "why": "",
    }
    await review.deliver_draft(service, task.id, content, {"strategy": "immediate", "output": "b"})
    await age(database, 400)
    assert (await cleaned(whole))["completed_tasks"] == 0


async def test_two_clean_ups_at_once_do_everything_once(
    database: Database, ana: Caller, mallory: Caller, service: Caller, whole: Caller
) -> None:
    for _ in range(12):
        await ended(ana, service, "cancelled")
        await ended(ana, service, "completed")
    for _ in range(3):
        await functions.cancel_task(mallory, (await made(mallory)).id)
    await age(database, 31)

    async def all_of(what: metrics.CleanUp) -> int:
        total = 0
        while count := await metrics.clean_up(whole, what, 7, batch_size=2):
            total += count
        return total

    removed = await asyncio.gather(*(all_of("failed_tasks") for _ in range(3)))
    archived = await asyncio.gather(*(all_of("completed_tasks") for _ in range(3)))
    assert (sum(removed), sum(archived)) == (15, 12)
    assert await sql(database, "select count(*) from public.audit_events where action = 'tree.removed'") == [(15,)]
    assert await sql(database, "select count(*), count(archived_at) from public.tasks") == [(12, 12)]


async def test_a_person_who_tries_again_in_the_same_moment_wins_or_finds_nothing(
    database: Database, ana: Caller, service: Caller, whole: Caller
) -> None:
    tasks = [await ended(ana, service, "failed") for _ in range(10)]
    await age(database, 31)
    answers = await asyncio.gather(
        metrics.clean_up(whole, "failed_tasks", 30),
        *(functions.retry_task(ana, task.id) for task in tasks),
        return_exceptions=True,
    )
    retried = [answer for answer in answers if isinstance(answer, Task)]
    assert isinstance(answers[0], int)
    assert answers[0] + len(retried) == 10
    assert await sql(database, "select count(*) from public.tasks where execution_status = 'queued'") == [
        (len(retried),)
    ]


async def test_old_events_go_once_they_are_counted(
    database: Database, ana: Caller, service: Caller, whole: Caller
) -> None:
    await ended(ana, service, "completed")
    await age(database, 31)
    before = await sql(database, "select count(*) from public.task_events")
    await made(ana)
    assert await metrics.clean_up(whole, "task_events", 30, dry_run=True) == before[0][0]
    assert await metrics.clean_up(whole, "task_events", 30, batch_size=1) == 1
    assert await metrics.clean_up(whole, "task_events", 30) == before[0][0] - 1
    assert await metrics.clean_up(whole, "task_events", 30) == 0
    assert await sql(database, "select count(*) from public.task_events") == [(1,)]
    assert totals(await metrics.get_installation_metrics(whole))["runs_started", ""] == 1


async def test_keys_jobs_and_snapshots_go_when_old(database: Database, ana: Caller, whole: Caller) -> None:
    await sql(database, "insert into public.idempotency_keys (organization_id, user_id, key, fingerprint, created_at) select m.organization_id, m.user_id, k, 'f', now() - d from public.members m, (values ('old', interval '25 hours'), ('new', interval '23 hours')) v (k, d)")  # fmt: skip
    task = await made(ana)
    await functions.queue_task_execution(ana, task.id)
    gone = await made(ana)
    await functions.queue_task_execution(ana, gone.id)
    await sql(database, "delete from public.tasks where id = %s", gone.id)
    await sql(database, "insert into jobs.procrastinate_jobs (queue_name, task_name, status) values ('q', 't', 'succeeded'), ('q', 't', 'doing')")  # fmt: skip
    await sql(database, "insert into public.metrics_snapshots (organization_id, taken_at) select o.id, date_trunc('hour', now()) - d from public.organizations o, (values (interval '91 days'), (interval '5 days'), (interval '5 days' - interval '5 minutes'), (interval '1 hour'), (interval '1 hour' - interval '5 minutes')) v (d)")  # fmt: skip
    expected = {"idempotency_keys": (1, 1), "queue_jobs": (1, 2), "metrics_snapshots": (90, 2)}
    for what, (days, count) in expected.items():
        assert await metrics.clean_up(whole, what, days) == count, what  # pyright: ignore[reportArgumentType]
        assert await metrics.clean_up(whole, what, days) == 0  # pyright: ignore[reportArgumentType]
    assert await sql(database, "select key from public.idempotency_keys") == [("new",)]
    left = await sql(database, "select status::text, queueing_lock from jobs.procrastinate_jobs order by 1")
    assert left == [("doing", None), ("todo", str(task.id))]


@pytest.mark.parametrize(
    ("what", "days", "size", "word"),
    [
        ("everything", 1, 10, "completed_tasks, failed_tasks"),
        ("failed_tasks", 0, 10, "older_than_days is 0"),
        ("failed_tasks", -5, 10, "older_than_days is -5"),
        ("failed_tasks", 1, 0, "batch_size is 0"),
        ("failed_tasks", 1, 10_001, "batch_size is 10001"),
    ],
)
async def test_a_wrong_clean_up_is_refused_with_what_is_allowed(
    whole: Caller, what: Any, days: int, size: int, word: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await metrics.clean_up(whole, what, days, batch_size=size)
    assert word in str(caught.value.detail)


async def test_a_tenant_of_its_own_cannot_be_cleaned_up_by_its_owner(ana: Caller, database: Database) -> None:
    profile = await ana.call("get_profile")
    assert UUID(profile["organization"]["id"])
    with pytest.raises(Forbidden):
        await metrics.clean_up(ana, "completed_tasks", 1)
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            "select has_table_privilege('authenticated', 'public.metrics_snapshots', 'insert, update, delete')"
        )
        assert await cursor.fetchone() == (False,)
