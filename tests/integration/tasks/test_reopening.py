"""Not done after all: what a person ticked off is open again in a new row, and the old one stays as it is."""

from datetime import timedelta

import pytest

from core.clock import Clock
from core.database import Caller, Database
from core.errors import Conflict
from tasks import commitments, day_plans, functions, reminders, trees
from tasks.models import Task
from tasks.repeating import continue_ended
from tests.conftest import NOW


async def ticked_off(caller: Caller, **fields: object) -> Task:
    (task,) = await functions.create_tasks(caller, [{"title": "Buy milk", **fields}])
    return await functions.update_task(caller, task.id, {"execution_status": "completed"})


async def test_a_wrong_tick_is_taken_back_with_all_that_was_known(ana: Caller) -> None:
    mail = {"source": "mail", "source_ref": {"message_id": "<1@x>"}, "source_key": "mail:1"}
    old = await ticked_off(ana, due_at=NOW.isoformat(), labels=["home"], priority="high", **mail)
    assert (old.may_be_reopened, bool(old.tainted_by)) == (True, True)
    new = await functions.reopen_task(ana, old.id)
    for name in ("title", "due_at", "labels", "priority", "source", "source_ref", "tainted_by", "created_by"):
        assert getattr(new, name) == getattr(old, name), name
    assert (new.execution_status, new.supersedes_task_id) == ("pending", old.id)
    after = await functions.get_task(ana, old.id)
    assert (after.execution_status, after.superseded_by_id, after.may_be_reopened) == ("completed", new.id, False)
    with pytest.raises(Conflict, match="took this one's place"):
        await functions.reopen_task(ana, old.id)
    done = await functions.update_task(ana, new.id, {"execution_status": "completed"})
    assert (await functions.reopen_task(ana, done.id)).supersedes_task_id == new.id


async def test_what_was_replaced_stays_as_it_was(ana: Caller) -> None:
    old = await ticked_off(ana)
    new = await functions.reopen_task(ana, old.id)
    for changes in ({"title": "Buy oat milk"}, {"priority": "high"}, {"execution_status": "cancelled"}, {}):
        with pytest.raises(Conflict, match="took this one's place") as refused:
            await functions.update_task(ana, old.id, changes)
        assert (refused.value.detail, refused.value.hint) == (
            f"The newer one is {new.id}",
            "Change the newer one; this one stays as it was.",
        )
    with pytest.raises(Conflict, match="took this one's place"):
        await day_plans.save_time_spent(ana, old.id, 20)
    with pytest.raises(Conflict, match="took this one's place"):
        await functions.bulk_update_tasks(ana, [new.id, old.id], "priority", "high")
    kept = await functions.get_task(ana, old.id)
    assert (kept.title, kept.priority, kept.actual_duration_minutes) == (old.title, old.priority, None)
    await functions.bulk_update_tasks(ana, [old.id], "archive")
    assert (await functions.get_task(ana, old.id)).archived_at is not None


async def test_its_reminders_and_its_promise_are_open_with_it(ana: Caller) -> None:
    (task,) = await functions.create_tasks(ana, [{"title": "Send the figures"}])
    await reminders.set_reminder(ana, task.id, NOW + timedelta(days=1), "early", now=NOW)
    given = {"quote": "I will send the figures", "is_mine": True, "said_at": NOW, "task_id": task.id}
    (promise,) = await commitments.record_commitments(ana, [commitments.NewCommitment.model_validate(given)])
    await functions.update_task(ana, task.id, {"execution_status": "completed"})
    assert (await commitments.get_commitment(ana, promise.id)).state == "kept"
    new = await functions.reopen_task(ana, task.id)
    again = await commitments.get_commitment(ana, promise.id)
    assert (again.state, again.task_id) == ("open", new.id)
    assert [one.note for one in await reminders.list_reminders(ana, new.id)] == ["early"]


async def test_what_has_not_begun_waits_for_it_again_and_what_began_goes_on(ana: Caller) -> None:
    parts = [
        {"title": "Buy", "key": "buy", "source": "manual"},
        {"title": "Cook", "key": "cook", "depends_on": ["buy"], "source": "manual"},
        {"title": "Serve", "key": "serve", "depends_on": ["buy"], "source": "manual"},
    ]
    made = await trees.create_task_tree(
        ana, {"title": "Dinner", "key": "dinner", "source": "manual", "children": parts}
    )
    buy, cook, serve = (made.keys[key] for key in ("buy", "cook", "serve"))
    await functions.update_task(ana, buy, {"execution_status": "completed"})
    await functions.update_task(ana, cook, {"execution_status": "completed"})
    new = await functions.reopen_task(ana, buy)
    assert new.parent_task_id == made.id
    assert [one.id for one in (await trees.list_dependencies(ana, serve)).depends_on] == [new.id]
    assert [one.id for one in (await trees.list_dependencies(ana, cook)).depends_on] == [buy]


async def test_a_series_that_went_on_is_not_begun_twice(database: Database, ana: Caller) -> None:
    weekly = {"recurrence": "FREQ=WEEKLY", "due_at": NOW.isoformat()}
    old = await ticked_off(ana, **weekly)
    assert (await functions.reopen_task(ana, old.id)).repeats  # nothing came after it yet
    gone_on = await ticked_off(ana, **weekly)
    clock = Clock(NOW.tzinfo, NOW)  # pyright: ignore[reportArgumentType]
    (following,) = await continue_ended(database, clock, [gone_on.id])
    new = await functions.reopen_task(ana, gone_on.id)
    assert (new.recurrence, new.due_at) == (None, gone_on.due_at)
    assert (await functions.get_task(ana, following.id)).recurrence == "FREQ=WEEKLY"


async def test_a_rule_does_not_start_what_a_person_opened_again(ana: Caller) -> None:
    old = await ticked_off(ana, execution_type="fully_automated")
    await ana.call("update_task", task_id=old.id, changes={"automation_rules": {"run_by_itself": True}})
    new = await functions.reopen_task(ana, old.id)
    assert (new.execution_status, new.execution_log[-1].event) == ("pending", "unqueued")


async def test_nothing_else_is_opened_again(ana: Caller) -> None:
    (open_one,) = await functions.create_tasks(ana, [{"title": "Open"}])
    made = await trees.create_task_tree(
        ana,
        {
            "title": "Whole",
            "key": "whole",
            "source": "manual",
            "children": [{"title": "Part", "key": "part", "source": "manual"}],
        },
    )
    await functions.update_task(ana, made.keys["part"], {"execution_status": "completed"})
    await functions.update_task(ana, made.id, {"execution_status": "completed"})
    for task_id, why in (
        (open_one.id, "Only what a person ticked off"),
        (made.id, "with parts or a draft"),
        (made.keys["part"], "part of is over"),
    ):
        with pytest.raises(Conflict, match=why) as refused:
            await functions.reopen_task(ana, task_id)
        assert refused.value.detail not in {"pending", "completed"}
