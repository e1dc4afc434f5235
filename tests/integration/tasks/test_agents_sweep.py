"""What goes wrong with outside agents, by a clock that is moved: silence, time, obstacles, work that nobody does."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from core.database import Caller, Database
from core.errors import Conflict
from tasks import agent_work, agents, functions, runs, trees
from tasks.agent_work import AgentRules
from tests.integration.tasks.outside import RULES, Yard, event


@pytest.fixture
def yard(database: Database, ana: Caller, service: Caller) -> Yard:
    return Yard(database, ana, service)


async def test_a_silent_agent_loses_its_work_to_another_and_after_a_day_a_person_is_told(yard: Yard) -> None:
    larry, bob = await yard.register("Larry", "mail"), await yard.register("Bob", "mail", lease_seconds=7200)
    assert await bob.claim() is None  # he lives
    await bob.beat()
    task_id = await yard.offer(capabilities=["mail"])
    work = await larry.take()
    assert await yard.sweep(minutes=29) == 0
    await yard.pass_time(minutes=29)
    assert (await larry.beat()).leases[0].next == "continue"  # a word: half an hour more
    assert await yard.sweep(minutes=29) == 0
    assert await yard.sweep(minutes=31) == 1
    task = await yard.task(task_id)
    assert (task.execution_status, task.blocked_on) == ("blocked", "agent")
    assert task.blocked_reason == "Larry was last heard 31 minutes ago; the work is offered to another"
    assert await larry.claim() is None  # another comes first
    late = await larry.report(work, "task_complete", {"output": 1})
    assert (late.outcome, late.next) == ("late", "poll")
    assert (await larry.beat()).leases == []
    assert await yard.sweep(hours=24) == 0
    assert await yard.sweep(hours=25) == 1  # told, once
    assert await yard.sweep(hours=99) == 0
    assert (await yard.task(task_id)).reminded_at is not None
    told = "select kind from public.task_events where task_id = %s and kind in ('reminder', 'offered') order by id"
    assert await yard.sql(told, task_id) == [("offered",), ("offered",), ("reminder",)]
    again = await bob.take()
    assert (again.task.id, again.earlier.attempts) == (task_id, 1)
    assert (await bob.report(again, "task_complete", {"output": 2})).outcome == "applied"
    assert (await yard.task(task_id)).result["output"] == 2  # pyright: ignore[reportOptionalSubscript]
    outcomes = [lease.outcome for lease in await agent_work.list_leases(yard.ana)]
    assert outcomes == ["completed", "silent"]


async def test_settings_say_how_long_an_agent_may_be_silent_and_who_is_named_gets_it_again(yard: Yard) -> None:
    rules = AgentRules(silent_seconds=60, silences=2, tell_hours=1)
    quick = await yard.register("Quick", lease_seconds=10, max_concurrent=2)
    slow = await yard.register("Slow", max_concurrent=2)
    named = await yard.offer("For Quick", whom="quick")
    await quick.take(rules)
    other = await yard.offer("For anybody")
    await slow.take(rules)
    assert await yard.sweep(rules, seconds=11) == 1  # its own limit is shorter
    assert await yard.sweep(rules, seconds=61) == 1
    assert (await yard.task(other)).blocked_reason == "Slow was last heard 61 seconds ago; the work is offered again"
    assert await yard.sweep(rules, hours=2) == 2  # both are told of
    await yard.pass_time(minutes=7)
    assert (await quick.take(rules)).task.id == named
    assert await yard.sweep(rules, seconds=11) == 1
    failed = await yard.task(named)
    assert (failed.execution_status, failed.failure_reason) == (
        "failed",
        "Its agents went silent 2 times; the last was Quick",
    )
    await functions.retry_task(yard.ana, named)
    await yard.offer_queued(named)
    assert await yard.offered(named, "silences") == 0  # a person began anew


async def test_an_attempt_that_takes_too_long_is_offered_again_and_the_third_fails(yard: Yard) -> None:
    larry = await yard.register("Larry", max_concurrent=3)
    task_id = await yard.offer(timeout_seconds=3600)
    for attempt in (1, 2, 3):
        work = await larry.take()
        assert work.lease.times_out_at is not None
        for _ in range(3):
            await yard.pass_time(minutes=19)
            assert (await larry.report(work, "task_progress", {"percent": 1})).next == "continue"
            assert await yard.sweep() == 0
        await yard.pass_time(minutes=19)
        assert await yard.sweep() == 1  # whatever it says
        reason = f"Larry took longer than it may (attempt {attempt} of 3); it is offered again"
        assert (await yard.task(task_id)).blocked_reason == (reason if attempt < 3 else None)
    task = await yard.task(task_id)
    assert task.failure_reason == "It took longer than it may, 3 times; the last agent was Larry"
    # Its own word about time counts as an attempt as well.
    said = await yard.offer("Mail", max_retries=9)
    for attempt in (1, 2, 3):
        data = {"error": "no answer from the server", "error_type": "timeout", "retry_after_seconds": 5}
        assert (await larry.report(await larry.take(), "task_error", data)).outcome == "applied"
        assert (await yard.task(said)).execution_status == ("queued" if attempt < 3 else "failed")
        if attempt < 3:
            await yard.pass_time(minutes=5)
            await yard.offer_queued(said)


async def test_an_obstacle_is_looked_at_after_twice_the_pause_each_time_until_a_person_is_told(yard: Yard) -> None:
    larry = await yard.register("Larry", "mail")
    task_id = await yard.offer(capabilities=["mail"])
    start = datetime.now(UTC)
    pauses: list[int] = []
    for _ in range(20):
        work = await larry.take()
        assert (await larry.report(work, "task_blocked", {"reason": "Carol has not answered"})).outcome == "applied"
        opens, now = (await yard.sql("select opens_at, now() from public.agent_offers"))[0]
        pauses.append(round((opens - now).total_seconds()))
        await yard.pass_time(seconds=pauses[-1] + 1)
        assert await yard.sweep() == 1
        if (await yard.task(task_id)).blocked_on == "person":
            break
    assert pauses[:9] == [300, 600, 1200, 2400, 4800, 9600, 19200, 21600, 21600]
    assert 47.9 < sum(pauses) / 3600 < 48.1  # the last one ends when the time for it does
    task = await yard.task(task_id)
    assert task.blocked_reason == "It has waited 48 hours for: Carol has not answered"
    assert task.reminded_at is not None
    assert datetime.now(UTC).toordinal() - start.toordinal() <= 1
    await functions.queue_task_execution(yard.ana, task_id)  # a person has cleared it
    await yard.offer_queued(task_id)
    assert await yard.offered(task_id, "row_to_json(agent_offers)::jsonb - 'offered_at' ->> 'obstacle_since'") is None
    assert (await larry.take()).earlier.rechecks == 0


async def test_work_is_kept_for_none_who_puts_it_off_again_and_again(yard: Yard) -> None:
    larry, mona = await yard.register("Larry", max_concurrent=5), await yard.register("Mona")
    task_id = await yard.offer()
    for round_ in range(6):
        work = await larry.take()
        for percent in (3, 1):
            await larry.report(work, "task_progress", {"percent": percent})
        await larry.report(work, "task_blocked", {"reason": "waiting", "recheck_after_seconds": 7})
        await yard.pass_time(seconds=8)
        await yard.sql("update public.agent_offers set obstacle_since = obstacle_since - interval '7 hours'")
        assert await yard.sweep() == 1
        if round_ < 5:
            assert await mona.claim() is None  # Larry knows it
    # Going back and on again is no progress, and what it waited counts together.
    assert await yard.sql("select reached, rounds, rechecks, reserved_for from public.agent_offers") == [
        (3, 6, 6, None)
    ]
    work = await mona.take()
    await mona.report(work, "task_progress", {"percent": 50})
    assert await yard.sql("select round(waited_seconds / 3600), obstacle_since from public.agent_offers") == [
        (42, None)
    ]
    await mona.report(work, "task_blocked", {"reason": "snow", "recheck_after_seconds": 0})
    await larry.beat()  # there are others
    assert await yard.sweep(seconds=2) == 1
    await yard.pass_time(seconds=2)
    await larry.beat()
    assert await mona.claim() is None  # at once: others that live first
    assert await yard.sweep(hours=7) == 1
    assert (await yard.task(task_id)).blocked_reason == "It has waited 49 hours for: snow"
    # Kept for one that goes on with its parts, while that lives.
    task_id = await yard.offer()
    work = await larry.take()
    parts = [{"title": "a", "tool": "noop", "execution_type": "fully_automated"}]
    await larry.report(work, "subtask_created", {"parts": parts, "confidence": 1, "continues": True})
    child = (await yard.sql("select id from public.tasks where parent_task_id = %s", task_id))[0][0]
    await runs.start_task_execution(yard.service, child, uuid4(), worker_id=uuid4())
    await runs.complete_task_execution(yard.service, child, {})
    await yard.offer_queued(task_id)
    assert await mona.claim() is None
    await yard.sql("update public.agents set last_seen_at = now() - interval '31 minutes' where id = %s", larry.id)
    assert await mona.claim()


async def test_an_obstacle_lasts_over_lost_agents_and_ends_with_real_progress(yard: Yard) -> None:
    larry, bob = await yard.register("Larry", max_concurrent=5), await yard.register("Bob")
    task_id = await yard.offer()
    work = await larry.take()
    await larry.report(work, "task_progress", {"percent": 30})
    await larry.report(work, "task_blocked", {"reason": "rain", "recheck_after_seconds": 10})
    assert await bob.claim() is None  # it rests
    await yard.pass_time(seconds=11)
    assert await yard.sweep() == 1
    assert await bob.claim() is None  # Larry knows it
    work = await larry.take()
    assert (work.earlier.obstacle, work.earlier.rechecks) == ("rain", 1)
    await yard.pass_time(minutes=31)
    assert await yard.sweep() == 1  # silent
    work = await bob.take()
    await bob.report(work, "task_progress", {"percent": 30, "message": "still raining"})
    assert await yard.offered(task_id, "obstacle") == "rain"
    await bob.report(work, "task_progress", {"percent": 31})
    assert await yard.offered(task_id, "obstacle_since") is None
    await bob.report(work, "task_blocked", {"reason": "snow", "recheck_after_seconds": 10**6})
    assert (await yard.sql("select opens_at - now() < interval '6 hours 1 minute' from public.agent_offers")) == [
        (True,)
    ]
    # Paused and resumed, it is the same obstacle; nobody is told of a paused one.
    await functions.pause_task(yard.ana, task_id)
    assert await yard.sweep(hours=99) == 0
    await functions.resume_task(yard.ana, task_id)
    assert await yard.sweep(hours=49) == 1
    assert (await yard.task(task_id)).blocked_on == "person"


async def test_a_deadline_is_kept_until_a_person_begins_anew(yard: Yard) -> None:
    larry = await yard.register("Larry", max_concurrent=5)
    task_id = await yard.offer(deadline_seconds=7200)
    first = await yard.offered(task_id, "deadline_at")
    await larry.report(await larry.take(), "task_error", {"error": "crash"})
    await yard.pass_time(minutes=1)
    await yard.offer_queued(task_id)
    assert (first - await yard.offered(task_id, "deadline_at")).total_seconds() == pytest.approx(60)
    await larry.take()
    assert await yard.sweep(minutes=118) == 1  # silent
    assert await yard.sweep(hours=2) == 1
    task = await yard.task(task_id)
    assert (task.execution_status, task.failure_reason) == ("failed", "The agent did not report in time")
    await functions.retry_task(yard.ana, task_id)
    await yard.offer_queued(task_id)
    assert await yard.offered(task_id, "deadline_at") > first
    await larry.take()
    assert await yard.sweep(hours=2, minutes=1) == 1  # under a lease as well
    assert (await yard.task(task_id)).execution_status == "failed"
    lost = (await agents.get_agent(yard.ana, larry.id)).done
    assert (lost.lost, lost.failed) == (2, 1)


async def test_an_execution_that_used_up_its_time_waits_for_a_person(yard: Yard) -> None:
    larry = await yard.register("Larry", max_concurrent=5)
    part = {"tool": "outside_agent", "execution_type": "fully_automated"}
    tree = await trees.create_task_tree(
        yard.ana,
        {
            "title": "Plan",
            "execution_type": "fully_automated",
            "bounds": {"max_wall_seconds": 3600},
            "children": [{"title": "A", "key": "a", **part}, {"title": "B", "key": "b", **part}],
        },
    )
    await functions.queue_task_execution(yard.ana, tree.id)
    run = await runs.start_task_execution(yard.service, tree.id, larry.id)
    assert run
    await trees.open_subtasks(yard.service, tree.id)
    for key in ("a", "b"):
        await yard.offer_queued(tree.keys[key])
    work = await larry.take()
    assert await yard.sweep(minutes=29) == 0
    assert await yard.sweep(minutes=61) == 2
    for key in ("a", "b"):
        task = await yard.task(tree.keys[key])
        assert (task.execution_status, task.blocked_on) == ("blocked", "bounds")
        assert "more than 3600 seconds ago" in (task.blocked_reason or "")
    assert (await larry.report(work, "task_complete", {"output": 1})).outcome == "late"
    assert await yard.sweep(minutes=61) == 0
    await functions.update_task(yard.ana, tree.id, {"bounds": {"max_wall_seconds": 99999}})
    await functions.queue_task_execution(yard.ana, tree.keys["a"])
    await yard.offer_queued(tree.keys["a"])
    assert (await larry.take()).task.id == tree.keys["a"]


async def test_a_paused_agent_is_not_silent_and_takes_its_work_up_again(yard: Yard) -> None:
    larry, bob = await yard.register("Larry"), await yard.register("Bob")
    task_id = await yard.offer(timeout_seconds=3600)
    work = await larry.take()
    await functions.pause_task(yard.ana, task_id)
    assert (await larry.beat()).leases[0].next == "pause"
    assert await yard.sweep(hours=30) == 0
    await functions.resume_task(yard.ana, task_id)
    answer = await larry.report(work, "task_progress", {"percent": 1})
    assert (answer.outcome, answer.next) == ("late", "poll")
    await yard.offer_queued(task_id)
    assert await bob.claim() is None
    work = await larry.take()
    await functions.pause_task(yard.ana, task_id)
    failed = await larry.report(work, "task_error", {"error": "a hiccup"})
    assert (failed.outcome, failed.task_status) == ("applied", "queued")  # it is tried again once it goes on
    await functions.resume_task(yard.ana, task_id)
    await yard.pass_time(minutes=1)
    await yard.offer_queued(task_id)


async def test_parts_that_a_person_refused_are_named_by_the_person(yard: Yard) -> None:
    larry = await yard.register("Larry")
    task_id = await yard.offer("Win Carol")
    made = await larry.report(await larry.take(), "task_error", {"error": "huh?", "error_type": "decomposition_failed"})
    assert made.human_review_required
    task = await yard.task(task_id)
    assert (task.blocked_on, task.blocked_reason) == ("person", "Larry cannot break it down: huh?")
    assert await yard.sweep(days=9) == 0
    await agent_work.break_down_task(
        yard.ana, task_id, [{"title": "Call Carol"}, {"title": "Thank her", "depends_on": [0]}]
    )
    tree = await functions.get_task_tree(yard.ana, task_id)
    assert [(part.title, part.source, part.on_failure) for part in tree.children] == [
        ("Call Carol", "manual", "escalate"),
        ("Thank her", "manual", "escalate"),
    ]
    own, inherited = (await yard.sql("select private.is_own_word(t), t.tainted_by -> 0 ->> 'kind' from public.tasks t where t.parent_task_id = %s limit 1", task_id))[0]  # fmt: skip
    assert (own, inherited) == (True, "agent")  # their words are the person's; what the whole rests on is not
    assert await yard.offered(task_id, "state") == "closed"  # it waits for no agent any more
    with pytest.raises(Conflict):
        await agent_work.break_down_task(yard.ana, task_id, [{"title": "Again"}])
    for part in tree.children:
        await functions.update_task(yard.ana, part.id, {"execution_status": "completed"})
    assert (await yard.task(task_id)).execution_status == "completed"


async def test_two_sweeps_at_once_and_a_sweep_while_the_agent_reports(yard: Yard) -> None:
    agent = await yard.register("Larry", max_concurrent=100)
    for number in range(12):
        await yard.offer(f"Work {number}")
    held = [await agent.take() for _ in range(12)]
    await yard.pass_time(minutes=31)

    async def say(number: int) -> str:
        work = held[number]
        kind = ("task_complete", "task_progress", "heartbeat")[number % 3]
        one = event(kind, work.task.id, {"output": 1} if number % 3 == 0 else {"percent": 5})
        return (await agent_work.report_events(agent.caller, work.execution.id, [one], RULES))[0].outcome

    swept = await asyncio.gather(*(yard.sweep() for _ in range(3)), *(say(number) for number in range(12)))
    said = swept[3:]
    assert set(said) <= {"applied", "late"}
    ended = {lease.task_id: lease.outcome for lease in await agent_work.list_leases(yard.ana)}
    for work, outcome in zip(held, said, strict=True):
        task = await yard.task(work.task.id)
        if outcome == "late":
            assert (ended[work.task.id], task.blocked_on) == ("silent", "agent")
        else:
            assert ended[work.task.id] in {None, "completed"}
            assert task.execution_status == ("completed" if ended[work.task.id] else "in_progress")
    assert sum(int(n) for n in swept[:3]) == said.count("late")
    assert await yard.sweep() == 0


async def test_a_task_that_cannot_be_moved_holds_up_nobody_else(yard: Yard) -> None:
    larry = await yard.register("Larry", max_concurrent=9)
    stuck, other = await yard.offer("Stuck", deadline_seconds=60), await yard.offer("Other", deadline_seconds=60)
    await larry.take()
    await yard.sql(
        """create function private.hold() returns trigger language plpgsql as $$ begin perform private.refuse(409, 'No'); end $$;
           create trigger tasks_99_hold before update of execution_status, reminded_at on public.tasks for each row
           when (old.title = 'Stuck') execute function private.hold()"""
    )
    assert await yard.sweep(RULES, minutes=31) == 1
    assert (await yard.task(other)).execution_status == "failed"
    assert (await yard.task(stuck)).execution_status == "in_progress"
    assert len([lease for lease in await agent_work.list_leases(yard.ana) if lease.ended_at is None]) == 1


async def test_work_is_kept_from_a_silent_agent_only_while_another_lives(yard: Yard) -> None:
    larry, bob = await yard.register("Larry", "mail"), await yard.register("Bob", "mail")
    await yard.register("Rosa", "phone")
    task_id = await yard.offer(capabilities=["mail"])
    await larry.take()
    assert await yard.sweep(minutes=31) == 1
    assert (await yard.task(task_id)).blocked_reason == "Larry was last heard 31 minutes ago; the work is offered again"
    await bob.beat()
    assert await larry.claim() is None  # Bob comes first
    await agents.update_agent(yard.ana, bob.id, {"is_paused": True})
    again = await larry.take()
    assert (again.task.id, again.earlier.attempts) == (task_id, 1)
    assert again.earlier.failure_reason == "Larry was last heard 31 minutes ago; the work is offered again"
    tool = {"tool": "outside_agent", "execution_type": "fully_automated", "tool_input": {"whom": "Larry"}}
    await larry.report(
        again, "subtask_created", {"parts": [{"title": "A part", **tool}], "confidence": 0.9, "continues": True}
    )
    (part,) = (await functions.get_task_tree(yard.ana, task_id)).children
    await yard.offer_queued(part.id)
    await larry.report(await larry.take(), "task_complete", {"output": 1})
    await yard.offer_queued(task_id)
    whole = await larry.take()  # breaking it down was no failure, and the silence lies behind
    assert (whole.earlier.attempts, whole.earlier.failure_reason) == (1, None)


async def test_work_that_is_given_back_has_not_failed(yard: Yard) -> None:
    larry = await yard.register("Larry")
    task_id = await yard.offer(max_retries=1)
    released = {"error": "The agent ends", "error_type": "released"}
    for _ in range(4):
        work = await larry.take()
        said = await larry.report(work, "task_error", released)
        assert (said.outcome, said.next, said.task_status) == ("applied", "poll", "blocked")
    task = await yard.task(task_id)
    assert (task.blocked_on, task.retry_count) == ("agent", 0)
    assert task.blocked_reason == "Larry gave it back: The agent ends"
    work = await larry.take()
    assert (work.earlier.attempts, work.earlier.failure_reason) == (0, None)
    await functions.pause_task(yard.ana, task_id)  # given back while it is paused: it waits for both
    assert (await larry.report(work, "task_error", released)).outcome == "applied"
    assert await larry.claim() is None
    await functions.resume_task(yard.ana, task_id)
    await larry.take()
    larry_now = await agents.get_agent(yard.ana, larry.id)
    assert (larry_now.done.failed, larry_now.done.success) == (0, None)
    outcomes = {lease.outcome for lease in await agent_work.list_leases(yard.ana)}
    assert outcomes == {"taken_back", None}
