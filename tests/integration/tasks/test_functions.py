"""Tasks over the typed calls: lists, changes, trees, the state machine, tenants."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from core.database import Caller, Database, Identity
from core.errors import Conflict, Forbidden, Invalid, NotFound, StewardError
from core.postgres import pool_of
from tasks import functions, runs
from tasks.events import add_task_event, list_task_events
from tasks.functions import TaskFilter
from tasks.models import Task

STATES = ["pending", "queued", "in_progress", "paused", "blocked", "completed", "failed", "cancelled"]
ALLOWED: dict[str, set[str]] = {
    "pending": {"queued", "in_progress", "cancelled"},
    "queued": {"in_progress", "pending", "cancelled"},
    "in_progress": {"completed", "failed", "paused", "blocked", "cancelled", "queued"},
    "paused": {"in_progress", "queued", "completed", "failed", "cancelled"},
    "blocked": {"in_progress", "queued", "failed", "cancelled"},
    "failed": {"queued"},
    "completed": set(),
    "cancelled": set(),
}
ROADS = {
    "pending": [],
    "queued": ["queued"],
    "in_progress": ["in_progress"],
    "paused": ["in_progress", "paused"],
    "blocked": ["in_progress", "blocked"],
    "completed": ["in_progress", "completed"],
    "failed": ["in_progress", "failed"],
    "cancelled": ["cancelled"],
}


async def make(caller: Caller, title: str = "Call Ana", **fields: object) -> Task:
    return (await functions.create_tasks(caller, [{"title": title, **fields}]))[0]


async def set_state(database: Database, task_id: UUID, state: str) -> None:
    """Write the state directly, as an SQL console would."""
    async with pool_of(database).connection() as connection:
        await connection.execute(
            "update public.tasks set execution_status = %s, blocked_reason = 'r', failure_reason = 'f' where id = %s",
            (state, task_id),
        )


@pytest.mark.parametrize("before", STATES)
async def test_the_trigger_allows_exactly_the_documented_transitions(
    database: Database, ana: Caller, before: str
) -> None:
    for after in STATES:
        if after == before:
            continue
        task = await make(ana)
        for step in ROADS[before]:
            await set_state(database, task.id, step)
        if after in ALLOWED[before]:
            await set_state(database, task.id, after)
            assert (await functions.get_task(ana, task.id)).execution_log[-1].event
        else:
            with pytest.raises(psycopg.Error) as refused:
                await set_state(database, task.id, after)
            assert refused.value.sqlstate == "PT409"


async def test_every_state_change_is_logged_with_time_and_actor(ana: Caller) -> None:
    task = await make(ana)
    task = await functions.update_task(ana, task.id, {"execution_status": "completed"})
    assert [entry.event for entry in task.execution_log] == ["created", "started", "completed"]
    assert all(
        entry.actor_type == "user" and entry.actor_id == str(ana.identity.user_id) for entry in task.execution_log
    )


async def test_the_log_cannot_be_rewritten_even_by_an_sql_console(database: Database, ana: Caller) -> None:
    task = await make(ana)
    async with pool_of(database).connection() as connection:
        with pytest.raises(psycopg.Error, match="append-only"):
            await connection.execute("update public.tasks set execution_log = '[]' where id = %s", (task.id,))


async def test_audit_events_refuse_change_and_deletion(database: Database, ana: Caller) -> None:
    await make(ana)
    async with pool_of(database).connection() as connection:
        for statement in (
            "update public.audit_events set reason = 'x'",
            "delete from public.audit_events",
            "truncate public.audit_events",
        ):
            with pytest.raises(psycopg.Error, match="append-only"):
                await connection.execute(statement)


async def test_executing_twice_makes_one_job(database: Database, ana: Caller) -> None:
    task = await make(ana, execution_type="fully_automated")
    await asyncio.gather(*(functions.queue_task_execution(ana, task.id) for _ in range(8)))
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            "select count(*) from jobs.procrastinate_jobs where args ->> 'task_id' = %s", (str(task.id),)
        )
        assert await cursor.fetchone() == (1,)


async def test_a_refused_change_queues_nothing(database: Database, ana: Caller) -> None:
    first, second = await make(ana), await make(ana)
    await functions.update_task(ana, second.id, {"execution_status": "completed"})
    with pytest.raises(Conflict):
        await functions.bulk_update_tasks(ana, [first.id, second.id], "execute")
    assert (await functions.get_task(ana, first.id)).execution_status == "pending"
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute("select count(*) from jobs.procrastinate_jobs")
        assert await cursor.fetchone() == (0,)


async def test_what_is_not_yours_does_not_exist(ana: Caller, mallory: Caller) -> None:
    task = await make(ana)
    for call in (
        functions.get_task(mallory, task.id),
        functions.update_task(mallory, task.id, {"title": "mine"}),
        functions.delete_task(mallory, task.id),
        functions.queue_task_execution(mallory, task.id),
        functions.cancel_task(mallory, task.id),
        functions.create_subtask(mallory, task.id, "below"),
        functions.add_feedback(mallory, task.id, 5, ""),
        functions.get_task_tree(mallory, task.id),
        add_task_event(mallory, task.id, "step"),
    ):
        with pytest.raises(NotFound):
            await call
    assert (await functions.list_tasks(mallory)).items == []
    assert await list_task_events(mallory, task.id) == []


async def test_the_worker_never_crosses_organizations(database: Database, ana: Caller, mallory: Caller) -> None:
    task = await make(ana)
    theirs = UUID((await mallory.call("get_profile"))["organization"]["id"])
    worker = database.acting_as(Identity.service(theirs))
    with pytest.raises(NotFound):
        await functions.get_task(worker, task.id)
    with pytest.raises(NotFound):
        await runs.start_task_execution(worker, task.id, None)
    nameless = database.acting_as(Identity.service())
    with pytest.raises(NotFound):
        await functions.get_task(nameless, task.id)


async def test_anonymous_callers_get_nothing(nobody: Caller) -> None:
    for function in ("list_tasks", "count_tasks", "list_drafts", "get_profile"):
        with pytest.raises(Forbidden):
            await nobody.call(function)


async def test_paging_shows_every_task_once_in_every_order(ana: Caller) -> None:
    due = datetime(2026, 3, 5, tzinfo=UTC)
    items = [
        {
            "title": f"T{n % 5}",
            "priority": ["critical", "high", "medium", "low"][n % 4],
            "due_at": (due + timedelta(days=n % 3)).isoformat() if n % 2 else None,
        }
        for n in range(23)
    ]
    await functions.create_tasks(ana, items)
    for sort in ("urgency", "due", "created", "updated", "title", "position"):
        seen: list[UUID] = []
        after = None
        while True:
            page = await functions.list_tasks(ana, sort=sort, after=after, limit=5)
            seen += [task.id for task in page.items]
            after = page.after
            if after is None:
                break
        assert len(seen) == len(set(seen)) == 23, sort


async def test_filters_narrow(ana: Caller) -> None:
    await functions.create_tasks(
        ana,
        [
            {"title": "Buy milk 100%", "labels": ["home"], "priority": "high", "source": "chat"},
            {"title": "Grüße an Jürgen", "execution_type": "fully_automated", "due_at": "2026-03-05T12:00:00Z"},
        ],
    )

    async def titles(**where: object) -> list[str]:
        return [t.title for t in (await functions.list_tasks(ana, TaskFilter.model_validate(where))).items]

    assert await titles(label="home") == ["Buy milk 100%"]
    assert await titles(text="jürgen") == ["Grüße an Jürgen"]
    assert await titles(text="100%") == ["Buy milk 100%"]
    assert await titles(text="_") == []
    assert await titles(text="'; drop table x --") == []
    assert await titles(priority="high", source="chat") == ["Buy milk 100%"]
    assert await titles(execution_type="fully_automated") == ["Grüße an Jürgen"]
    assert await titles(due_before="2026-03-06T00:00:00Z") == ["Grüße an Jürgen"]
    assert await titles(status=["completed"]) == []


@pytest.mark.parametrize(
    "after", [["x"], [1, "x", "y", "z"], [1, "infinity", "2026-01-01", "no-uuid"], {"a": 1}, "text", []]
)
async def test_a_foreign_cursor_is_refused(ana: Caller, after: object) -> None:
    await make(ana)
    with pytest.raises(Invalid):
        await ana.call("list_tasks", filter={}, sort="urgency", after=after, page_size=10)


async def test_wrong_values_name_what_is_wrong(ana: Caller) -> None:
    for changes in (
        {"priority": "p9"},
        {"title": ""},
        {"title": None},
        {"execution_type": "robot"},
        {"recurrence": "FREQ=DAILY"},
        {"id": str(uuid4())},
        {"due_at": "soon"},
    ):
        task = await make(ana)
        with pytest.raises(Invalid) as refused:
            await functions.update_task(ana, task.id, changes)
        assert refused.value.message


async def test_a_decomposed_task_waits_for_its_parts_and_completes_with_the_last(ana: Caller, service: Caller) -> None:
    task = await make(ana, "Plan Q4 marketing campaign", execution_type="semi_automated")
    await functions.queue_task_execution(ana, task.id)
    await runs.start_task_execution(service, task.id, None)
    tree = await runs.decompose_task_execution(
        service,
        task.id,
        [
            {"title": "Research", "execution_type": "manual"},
            {"title": "Outline", "execution_type": "fully_automated", "kind": "outline"},
            {"title": "Budget", "execution_type": "semi_automated", "depends_on": [0]},
        ],
        "three parts",
        0.7,
    )
    assert tree.execution_status == "blocked"
    states = {child.title: child.execution_status for child in tree.children}
    assert states == {"Research": "pending", "Outline": "queued", "Budget": "pending"}
    research, outline, budget = tree.children
    await functions.update_task(ana, research.id, {"execution_status": "completed"})
    assert (await functions.get_task(ana, budget.id)).execution_status == "queued"  # released by what it waited for
    for child in (outline, budget):
        await runs.start_task_execution(service, child.id, None)
        await runs.complete_task_execution(service, child.id, {"strategy": "immediate", "output": "x"})
    done = await functions.get_task(ana, task.id)
    assert done.execution_status == "completed"
    assert [e.event for e in done.execution_log][-2:] == ["resumed", "completed"]


async def test_two_last_children_at_once_complete_the_parent_once(ana: Caller, service: Caller) -> None:
    for _ in range(5):
        task = await make(ana, "Parent", execution_type="semi_automated")
        await functions.queue_task_execution(ana, task.id)
        await runs.start_task_execution(service, task.id, None)
        tree = await runs.decompose_task_execution(
            service,
            task.id,
            [{"title": "A", "execution_type": "manual"}, {"title": "B", "execution_type": "manual"}],
            "",
            None,
        )
        await asyncio.gather(
            *(functions.update_task(ana, c.id, {"execution_status": "completed"}) for c in tree.children)
        )
        done = await functions.get_task(ana, task.id)
        assert done.execution_status == "completed"
        assert [e.event for e in done.execution_log].count("completed") == 1


async def test_a_cycle_of_dependencies_is_refused_and_named(database: Database, ana: Caller) -> None:
    root = await make(ana, "Root")
    a, b, c = [await functions.create_subtask(ana, root.id, title) for title in ("A", "B", "C")]
    async with pool_of(database).connection() as connection:

        async def edge(task: Task, needs: Task) -> None:
            await connection.execute(
                "insert into public.task_dependencies (organization_id, task_id, depends_on_task_id) values (%s, %s, %s)",
                (task.organization_id, task.id, needs.id),
            )

        await edge(b, a)
        await edge(c, b)
        with pytest.raises(psycopg.Error) as refused:
            await edge(a, c)
        assert "A -> C -> B -> A" in str(refused.value)
        stranger = await make(ana, "Elsewhere")
        with pytest.raises(psycopg.Error, match="one tree"):
            await edge(a, stranger)


async def test_pause_stops_the_tree_and_resume_goes_on(ana: Caller, service: Caller) -> None:
    task = await make(ana, "Parent", execution_type="semi_automated")
    await functions.queue_task_execution(ana, task.id)
    await runs.start_task_execution(service, task.id, None)
    tree = await runs.decompose_task_execution(
        service,
        task.id,
        [
            {"title": "A", "execution_type": "fully_automated"},
            {"title": "B", "execution_type": "fully_automated", "depends_on": [0]},
        ],
        "",
        None,
    )
    first = tree.children[0]
    await functions.pause_task(ana, task.id)
    with pytest.raises(Conflict, match="paused"):
        await runs.start_task_execution(service, first.id, None)
    with pytest.raises(Conflict, match="paused"):
        await functions.queue_task_execution(ana, first.id)
    await functions.resume_task(ana, task.id)
    assert (await functions.get_task(ana, first.id)).execution_status == "queued"
    with pytest.raises(Conflict, match="not paused"):
        await functions.resume_task(ana, task.id)


async def test_cancel_ends_everything_below_and_keeps_what_is_done(ana: Caller) -> None:
    root = await make(ana, "Root")
    done = await functions.create_subtask(ana, root.id, "Done")
    await functions.update_task(ana, done.id, {"execution_status": "completed"})
    open_ = await functions.create_subtask(ana, root.id, "Open")
    await functions.cancel_task(ana, root.id)
    assert (await functions.get_task(ana, done.id)).execution_status == "completed"
    assert (await functions.get_task(ana, open_.id)).execution_status == "cancelled"
    with pytest.raises(Conflict):
        await functions.create_subtask(ana, root.id, "Too late")


async def test_failing_retries_with_growing_pauses_then_fails(ana: Caller, service: Caller) -> None:
    task = await make(ana, max_retries=2, execution_type="fully_automated")
    await functions.queue_task_execution(ana, task.id)
    for attempt in (1, 2):
        await runs.start_task_execution(service, task.id, None)
        task = await runs.fail_task_execution(service, task.id, "no answer", should_retry=True)
        assert (task.execution_status, task.retry_count) == ("queued", attempt)
        assert task.run_after is not None
    await runs.start_task_execution(service, task.id, None)
    task = await runs.fail_task_execution(service, task.id, "no answer", should_retry=True)
    assert (task.execution_status, task.failure_reason) == ("failed", "no answer")
    assert (await functions.retry_task(ana, task.id)).execution_status == "queued"


async def test_importing_the_same_twice_makes_one_task(ana: Caller) -> None:
    item = {"title": "Once", "source_key": "csv:1"}
    assert len(await functions.create_tasks(ana, [item, item])) == 1
    assert await functions.create_tasks(ana, [item]) == []


async def test_unicode_and_long_texts_come_back_as_they_were(ana: Caller) -> None:
    title = "🚀 Ünïcödé \u202e אבג \t\\ ' \" %s {x} " + "x" * 400
    task = await make(ana, title, description="𝕬\n" * 1000)
    again = await functions.get_task(ana, task.id)
    assert (again.title, again.description) == (title, "𝕬\n" * 1000)


async def test_an_unknown_function_is_told_plainly(ana: Caller) -> None:
    with pytest.raises(StewardError, match="no function"):
        await ana.call("drop_everything")
