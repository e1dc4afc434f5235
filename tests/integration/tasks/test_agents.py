"""Outside agents in the database: who they are, what they get, what they report, and what a person says to it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.database import Caller, Database, Identity
from core.errors import Conflict, Forbidden, Invalid, NotFound, StewardError
from tasks import agent_work, agents, functions, metrics, review, runs, trees
from tests.integration.tasks.outside import RULES, Outsider, Yard, event


@pytest.fixture
def yard(database: Database, ana: Caller, service: Caller) -> Yard:
    return Yard(database, ana, service)


def part(title: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "tool": "outside_agent", "execution_type": "fully_automated", **more}


async def broken_down(yard: Yard, agent: Outsider, *parts: dict[str, Any], **data: Any) -> tuple[UUID, list[UUID]]:
    """A task that an agent has broken down; its parts."""
    task_id = await yard.offer("Win Carol", whom=agent.name)
    work = await agent.take()
    answer = await agent.report(work, "subtask_created", {"confidence": 0.9, "parts": parts, **data})
    assert answer.outcome == "applied", answer
    return task_id, [one.task_id for one in answer.parts or []]


# ---------------------------------------------------------------- who they are


async def test_an_agent_is_registered_gets_a_new_token_and_goes(
    yard: Yard, mallory: Caller, nobody: Caller, database: Database
) -> None:
    made = await agents.register_agent(yard.ana, {"name": "Larry", "capabilities": [" Cold  Mail", "cold mail"]})
    house = database.acting_as(Identity.service())
    assert made.details.capabilities == ["cold mail"]
    assert made.token not in str(await yard.sql("select row_to_json(a) from public.agents a"))
    assert (await agents.resolve_agent_token(house, made.token)).id == made.details.id  # pyright: ignore[reportOptionalMemberAccess]
    for wrong in (made.token[:-1], made.token + "x", "sta_" + "a" * 43, "", "🗝"):
        assert await agents.resolve_agent_token(house, wrong) is None
    for name in ("larry", "", " Larry", "a\nb", "x" * 201, str(uuid4()), None):
        with pytest.raises((Conflict, Invalid)):
            await agents.register_agent(yard.ana, {"name": name})
    again = await agents.rotate_agent_token(yard.ana, made.details.id)
    assert await agents.resolve_agent_token(house, made.token) is None
    for stranger in (mallory, nobody, yard.service):
        for act in (agents.rotate_agent_token, agents.revoke_agent_token, agents.remove_agent):
            with pytest.raises((NotFound, Forbidden)):
                await act(stranger, made.details.id)
    with pytest.raises(Invalid):
        await agents.update_agent(yard.ana, made.details.id, {"name": None})
    assert (await agents.update_agent(yard.ana, made.details.id, {"is_paused": True})).paused_at
    gone = await agents.remove_agent(yard.ana, made.details.id)
    assert (gone.has_token, await agents.resolve_agent_token(house, again.token)) == (False, None)
    with pytest.raises(Conflict, match="removed"):
        await agents.rotate_agent_token(yard.ana, made.details.id)
    await agents.register_agent(yard.ana, {"name": "LARRY"})  # the name is free again
    assert [one.name for one in await agents.list_agents(yard.ana) if not one.is_internal] == ["LARRY"]
    assert len([one for one in await agents.list_agents(yard.ana, with_removed=True) if not one.is_internal]) == 2
    assert [one.name for one in await agents.list_agents(mallory) if not one.is_internal] == []


async def test_what_a_removed_or_revoked_agent_held_is_offered_to_others(yard: Yard) -> None:
    larry, bob = await yard.register("Larry"), await yard.register("Bob")
    task_id = await yard.offer()
    work = await larry.take()
    assert (await agents.revoke_agent_token(yard.ana, larry.id)).working_on == []
    for attempt in (larry.claim(), larry.beat(), larry.report(work, "task_complete", {"output": 1})):
        with pytest.raises(Forbidden, match="revoked"):
            await attempt
    await yard.offer_queued(task_id)
    await agents.remove_agent(yard.ana, larry.id)
    with pytest.raises(NotFound):
        await larry.claim()
    taken = await bob.take()
    assert (taken.task.id, taken.earlier.attempts) == (task_id, 0)  # it has not failed
    assert taken.earlier.failure_reason == "The agent Larry may not work any more; its work is offered to others"


async def test_an_agent_is_no_worker_and_nobody_else(yard: Yard, mallory: Caller) -> None:
    larry, bob = await yard.register("Larry"), await yard.register("Bob")
    foreign = await yard.register("Eve", by=mallory)
    task_id = await yard.offer()
    with pytest.raises(NotFound):
        await agent_work.claim_work(larry.caller, bob.id, RULES)
    assert await foreign.claim() is None
    work = await larry.take()
    wrong: list[tuple[Outsider, UUID, dict[str, Any]]] = [
        (bob, work.execution.id, {}),  # never had it
        (bob, work.execution.id, {"lease_id": str(work.lease.id)}),
        (larry, work.execution.id, {"lease_id": str(uuid4())}),
        (larry, await yard.offer("Other"), {}),  # of another execution
    ]
    for agent, execution_id, more in wrong:
        for kind in ("task_complete", "heartbeat", "subtask_started"):
            (answer,) = await agent_work.report_events(
                agent.caller, execution_id, [event(kind, task_id, **more)], RULES
            )
            assert (answer.outcome, answer.status) == ("refused", 404)
    for execution_id in (work.execution.id, uuid4()):
        with pytest.raises(NotFound, match="no such execution"):
            await agent_work.report_events(foreign.caller, execution_id, [event("task_complete", task_id)], RULES)
    with pytest.raises(Forbidden, match="Only the worker"):
        await agent_work.sweep_agents(larry.caller, RULES)
    assert await larry.caller.call("list_sealed") == []
    with pytest.raises(Forbidden, match="Only a person"):
        await agent_work.break_down_task(larry.caller, task_id, [{"title": "Mine"}])
    with pytest.raises(Forbidden):
        await agents.register_agent(larry.caller, {"name": "A friend"})
    assert (await yard.task(task_id)).execution_status == "in_progress"


# ---------------------------------------------------------------- claims


async def test_the_most_urgent_work_that_fits_and_never_twice(yard: Yard) -> None:
    larry, bob = await yard.register("Larry", "mail", max_concurrent=50), await yard.register("Bob", max_concurrent=50)
    low = await yard.offer("Low", priority="low", capabilities=["mail"])
    other = await yard.offer("Other", priority="critical", capabilities=["mail", "phone"])
    top = await yard.offer("Top", priority="high")
    assert [(await larry.take()).task.id for _ in range(2)] == [top, low]
    assert await larry.claim() is None
    await functions.cancel_task(yard.ana, other)
    paused = await yard.offer("Paused")
    await functions.pause_task(yard.ana, paused)
    assert await bob.claim() is None
    await agents.update_agent(yard.ana, larry.id, {"is_paused": True})
    await functions.resume_task(yard.ana, paused)
    assert await larry.claim() is None
    await agents.update_agent(yard.ana, larry.id, {"is_paused": False})
    assert (await larry.take()).task.id == paused
    for number in range(40):
        await yard.offer(f"Work {number}")
    got = await asyncio.gather(*(agent.claim() for _ in range(30) for agent in (larry, bob)))
    ids = [work.task.id for work in got if work]
    assert len(ids) == len(set(ids)) == 40
    one = await yard.register("One")
    await yard.offer()
    await yard.offer()
    assert [bool(work) for work in await asyncio.gather(*(one.claim() for _ in range(4)))].count(True) == 1


async def test_work_that_is_held_can_be_read_again_by_its_agent_alone(yard: Yard, mallory: Caller) -> None:
    larry, bob = await yard.register("Larry", max_concurrent=2), await yard.register("Bob")
    foreign = await yard.register("Eve", by=mallory)
    task_id = await yard.offer("Work", input={"city": "Ghent"}, whom=str(larry.id).upper())
    assert (await yard.task(task_id)).blocked_reason == "Waits for the agent Larry"
    work = await larry.take()
    await yard.pass_time(minutes=29)
    again = await agent_work.get_work(larry.caller, larry.id, work.lease.id, RULES)
    same = {"task", "execution", "input", "parts", "earlier"}
    assert again.model_dump(include=same) == work.model_dump(include=same)
    assert again.lease.expires_at - again.lease.heard_at == work.lease.expires_at - work.lease.heard_at
    assert again.lease.heard_at - again.lease.claimed_at >= timedelta(minutes=29)
    await yard.sweep(minutes=29)  # it was heard of meanwhile
    assert (await yard.task(task_id)).execution_status == "in_progress"
    for agent, lease_id in ((bob, work.lease.id), (foreign, work.lease.id), (larry, uuid4())):
        with pytest.raises(NotFound, match="no such work of yours"):
            await agent_work.get_work(agent.caller, agent.id, lease_id, RULES)
    for caller in (bob.caller, yard.service):
        with pytest.raises(NotFound, match="no such agent"):
            await agent_work.get_work(caller, larry.id, work.lease.id, RULES)
    await functions.pause_task(yard.ana, task_id)
    assert (await agent_work.get_work(larry.caller, larry.id, work.lease.id, RULES)).lease.id == work.lease.id
    await functions.cancel_task(yard.ana, task_id)
    with pytest.raises(NotFound, match="no such work of yours"):
        await agent_work.get_work(larry.caller, larry.id, work.lease.id, RULES)


async def test_a_claim_and_a_removal_at_once_leave_no_lease(yard: Yard) -> None:
    for number in range(5):
        agent = await yard.register(f"Agent {number}")
        task_id = await yard.offer()
        await asyncio.gather(agent.claim(), agents.remove_agent(yard.ana, agent.id), return_exceptions=True)
        assert (await yard.task(task_id)).execution_status in {"blocked", "queued"}
    assert await yard.sql("select 1 from public.agent_leases where ended_at is null") == []


# ---------------------------------------------------------------- reports


async def test_each_event_counts_once_in_whatever_order(yard: Yard) -> None:
    larry = await yard.register("Larry")
    await yard.offer()
    work = await larry.take()
    batch = [
        event("task_started", work.task.id, at="2026-03-04T10:00:00Z"),
        event("task_progress", work.task.id, {"percent": 60}, event_id="p", at="2026-03-04T10:02:00Z"),
        event("task_progress", work.task.id, {"percent": 60}, event_id="p", at="2026-03-04T10:02:00Z"),
        event("task_progress", work.task.id, {"percent": 20}, at="2026-03-04T11:01:00+01:00"),  # older
        event("task_progress", work.task.id, {"percent": 99}, event_id="p"),
        event("task_progress", work.task.id, {"percent": 70}, at="9999-01-01T00:00:00Z"),  # a clock ahead
        event("task_progress", work.task.id, {"percent": 71}),
        event("heartbeat", work.task.id),
    ]
    answers = await agent_work.report_events(larry.caller, work.execution.id, batch, RULES)
    said = ["applied", "applied", "duplicate", "recorded", "refused", "applied", "applied", "applied"]
    assert [answer.outcome for answer in answers] == said
    assert (answers[4].status, answers[2].first_outcome) == (409, "applied")
    (held,) = (await agents.get_agent(yard.ana, larry.id)).working_on
    assert held.percent == 71
    # The same end from many connections at once: it ends once.
    end = event("task_complete", work.task.id, {"output": {"n": 1}})
    words = event("task_progress", work.task.id, {"percent": 80})
    sent = await asyncio.gather(*(agent_work.report_events(larry.caller, work.execution.id, [one], RULES) for _ in range(4) for one in (end, words)))  # fmt: skip
    outcomes = [answer.outcome for (answer,) in sent if answer.event_id == end["event_id"]]
    assert sorted(outcomes) == ["applied", "duplicate", "duplicate", "duplicate"]
    assert {answer.outcome for (answer,) in sent if answer.event_id != end["event_id"]} <= {"applied", "late", "duplicate"}  # fmt: skip
    assert (await larry.report(work, "task_error", {"error": "no"})).outcome == "late"
    task = await yard.task(work.task.id)
    assert (task.execution_status, task.verification, task.result["output"]) == ("completed", "claimed", {"n": 1})  # pyright: ignore[reportOptionalSubscript]
    kept = await agent_work.list_agent_reports(yard.ana, work.execution.id)
    assert len({(one.event_id) for one in kept}) == len(kept) == 8


async def test_what_has_no_effect_is_kept_short_and_only_so_much(yard: Yard) -> None:
    larry = await yard.register("Larry")
    await yard.offer()
    work = await larry.take()
    long = {"message": "x" * 10_000}
    await larry.report(work, "task_progress", long, event_id="long")
    await yard.sql("update public.agent_leases set words = 9999")
    answers = [await larry.report(work, "task_progress", {"percent": n}) for n in (5, 6)]
    assert [(one.outcome, one.reason) for one in answers] == [
        ("applied", None),
        ("applied", "heard, and not kept: 10000 words about this lease are"),
    ]
    assert (await agents.get_agent(yard.ana, larry.id)).working_on[0].percent == 6
    output = {"output": "y" * 10_000}
    await larry.report(work, "task_complete", output, event_id="end")  # what ends it is kept whole
    late = event("task_complete", work.task.id, {"output": "z" * 10_000})
    other = {**late, "data": {"output": "z" * 9_999 + "a"}}
    said = [
        (await agent_work.report_events(larry.caller, work.execution.id, [one], RULES))[0]
        for one in (late, late, other)
    ]
    assert [one.outcome for one in said] == ["late", "duplicate", "refused"]  # told apart by its digest
    again = await larry.report(work, "task_progress", long, event_id="long")
    assert again.outcome == "duplicate"
    kept = {one.event_id: one.data for one in await agent_work.list_agent_reports(yard.ana, work.execution.id)}
    assert kept["end"] == output
    assert kept[late["event_id"]].keys() == kept["long"].keys() == {"cut", "start", "digest"}
    assert len(kept["long"]["start"]) == 2000
    count = "select (select count(*) from public.agent_reports), (select count(*) from public.task_events)"
    before = await yard.sql(count)
    await yard.sql("update public.agent_leases set without_effect = 1000")
    answer = await larry.report(work, "task_complete", {"output": 1})
    assert (answer.outcome, answer.next) == ("late", "stop")
    assert "not kept: 1000 events" in (answer.reason or "")
    assert await yard.sql(count) == before


async def test_a_subtask_is_begun_by_the_word_that_it_has_begun(yard: Yard) -> None:
    larry, bob = await yard.register("Larry"), await yard.register("Bob")
    task_id, (first,) = await broken_down(yard, larry, part("Look", tool_input={"whom": "Larry"}), continues=True)
    await yard.offer_queued(first)
    (none,) = await agent_work.report_events(bob.caller, task_id, [event("subtask_started", first)], RULES)
    assert none.status == 404  # it is Larry's
    begin = event("subtask_started", first)
    (begun,) = await agent_work.report_events(larry.caller, task_id, [begin], RULES)
    assert (begun.outcome, begun.next) == ("applied", "continue")
    await yard.pass_time(minutes=31)
    await yard.sweep()
    await yard.pass_time(minutes=6)
    (again,) = await agent_work.report_events(larry.caller, task_id, [begin], RULES)
    assert (again.outcome, again.next) == ("duplicate", "poll")  # it claims nothing a second time
    assert (await yard.task(first)).execution_status == "blocked"
    work = await larry.take()
    assert (await larry.report(work, "subtask_complete", {"output": 7})).outcome == "applied"
    await yard.offer_queued(task_id)
    assert await bob.claim() is None  # kept for a while for whoever broke it down
    back = await larry.take()
    assert [(one.title, one.status, one.output) for one in back.parts] == [("Look", "completed", 7)]
    assert (await larry.report(back, "task_complete", {"output": "won"})).outcome == "applied"


ODD: list[tuple[str, dict[str, Any], str]] = [
    ("task_progress", {"percent": "NaN"}, "data.percent"),
    ("task_progress", {"percent": -1}, "data.percent"),
    ("task_progress", {"percent": 1e300}, "data.percent"),
    ("task_progress", {"message": ["x"]}, "data.message"),
    ("task_progress", {"message": "x" * 20_001}, "data.message"),
    ("task_error", {}, "data.error"),
    ("task_error", {"error": "x", "is_retryable": "maybe"}, "data.is_retryable"),
    ("task_error", {"error": "x", "retry_after_seconds": -5}, "data.retry_after_seconds"),
    ("task_blocked", {"reason": "x", "on": "the moon"}, "data.on"),
    ("task_blocked", {"reason": "", "on": "person"}, "data.reason"),
    ("task_complete", {"output": 1, "confidence": 7}, "data.confidence"),
    ("task_complete", {"output": 1, "evidence": "trust me"}, "data.evidence"),
    ("subtask_created", {"parts": []}, "data.parts"),
    ("subtask_created", {"parts": [{"title": "x"}]}, "data.confidence"),
    ("task_won", {}, "type"),
]
PARTS: list[tuple[list[Any], str]] = [
    ([1], r"parts[0]"),
    ([{"title": ""}], "tasks_title_check"),
    ([{"title": "x", "tool_input": 1}], "parts[0].tool_input"),
    ([{"title": "x", "depends_on": [0]}], "depends_on"),
    ([{"title": "x", "depends_on": [-1]}, {"title": "y"}], "depends_on"),
    ([{"title": "x", "depends_on": ["a"]}], "depends_on"),
    ([{"title": "x", "depends_on": [1]}, {"title": "y", "depends_on": [0]}], "cycle"),
    ([{"title": "x", "priority": "now"}], "priority"),
    ([part("x", tool_input={"input": "{{ secret.output }}"})], "secret"),
    ([part("x", tool="email_send", tool_input={"draft_id": str(uuid4())})], "not for parts of an agent"),
    ([part("x", tool="approval_gate", tool_input={"given": True})], "not for parts of an agent"),
    ([{"title": "x"}] * 150, "bound"),
]


async def test_odd_words_are_refused_by_name_and_change_nothing(yard: Yard) -> None:
    larry = await yard.register("Larry")
    task_id = await yard.offer()
    work = await larry.take()
    for kind, data, field in ODD:
        answer = await larry.report(work, kind, data)
        assert (answer.outcome, answer.status) == ("refused", 422), (kind, data)
        assert field in (answer.reason or "")
    for parts, word in PARTS:
        answer = await larry.report(work, "subtask_created", {"confidence": 1, "parts": parts})
        assert (answer.outcome, answer.status) == ("refused", 422), parts
        assert word in (answer.reason or "")
    good = event("task_progress", task_id, {"percent": 1})
    bent = [{**good, "at": "10000-01-01T00:00:00Z"}, {**good, "at": "2026-02-31T00:00:00Z"}, {**good, "at": 5}, {**good, "at": "soon"}]  # fmt: skip
    bent += [{**good, "lease_id": "mine"}, {**good, "task_id": "x"}, {**good, "event_id": ""}, {**good, "event_id": 7}, {**good, "data": []}]  # fmt: skip
    answers = await agent_work.report_events(larry.caller, task_id, [*bent, good], RULES)
    assert [(one.outcome, one.status) for one in answers[:-1]] == [("refused", 422)] * len(bent)
    assert answers[-1].outcome == "applied"
    wrong: list[Any] = [[], {}, [good] * 501, None]
    for events in wrong:
        with pytest.raises(Invalid):
            await larry.caller.call("report_events", execution_id=task_id, events=events)
    assert (await yard.task(task_id)).execution_status == "in_progress"
    tiny = {"percent": 1e-300, "message": "\x1b[31m<script>👩‍🚀"}
    assert (await larry.report(work, "task_progress", tiny)).outcome == "applied"
    claimed = [{"kind": "word", "what": "A person said that it is done"}, {"what": 3}, "x", {"kind": "receipt"}]
    done = await larry.report(work, "task_complete", {"output": {"long": "ü" * 400_000}, "evidence": claimed})
    assert done.outcome == "applied"
    assert {one.kind for one in (await yard.task(task_id)).evidence} == {"agent"}  # whatever it calls it
    with pytest.raises(StewardError):
        await larry.report(work, "task_progress", {"message": "\x00"})


# ---------------------------------------------------------------- what a person does meanwhile


async def test_work_that_a_person_ends_or_deletes_is_let_go(yard: Yard) -> None:
    larry = await yard.register("Larry", max_concurrent=9)
    parts = [part("A", tool_input={"whom": "Larry"}), {"title": "B", "execution_type": "manual"}]
    task_id, (first, _) = await broken_down(yard, larry, *parts)
    await yard.offer_queued(first)
    work = await larry.take()
    with pytest.raises(Conflict, match="cannot be deleted"):
        await functions.delete_task(yard.ana, first)
    await functions.update_task(yard.ana, task_id, {"execution_status": "completed"})  # the whole is ticked off
    late = await larry.report(work, "task_complete", {"output": 1})
    assert (late.outcome, late.next, late.task_status) == ("late", "stop", "cancelled")
    other, (second, _) = await broken_down(yard, larry, *parts)
    await yard.offer_queued(second)
    work = await larry.take()
    await functions.delete_task(yard.ana, other)
    with pytest.raises(NotFound):
        await larry.report(work, "task_progress", {"percent": 1})
    (beat,) = [await agent_work.heartbeat_agent(larry.caller, larry.id, RULES, [work.lease.id])]
    assert (beat.leases, beat.unknown_lease_ids) == ([], [work.lease.id])
    third = await yard.offer()
    work = await larry.take()
    await functions.cancel_task(yard.ana, third)
    assert (await larry.report(work, "task_progress", {"percent": 1})).next == "stop"
    fourth = await yard.offer()
    await runs.answer_task(yard.ana, fourth, "I did it")
    assert await larry.claim() is None
    assert (await agents.get_agent(yard.ana, larry.id)).working_on == []
    fifth = await yard.offer()
    work = await larry.take()
    await functions.create_subtask(yard.ana, fifth, "And this")
    refused = await larry.report(work, "task_complete", {"output": 1})
    assert (refused.status, refused.reason) == (409, "Not all its parts are done: And this")


async def test_a_person_who_does_not_agree_to_parts_says_why(yard: Yard) -> None:
    larry = await yard.register("Larry")
    task_id, (guess,) = await broken_down(
        yard, larry, part("{{ guess }}", tool_input={"whom": "Larry"}), confidence=0.5
    )
    tree = await functions.get_task_tree(yard.ana, task_id)
    gate = next(one for one in tree.children if one.tool == "approval_gate")
    assert (await yard.task(guess)).execution_status == "pending"
    run = await runs.start_task_execution(yard.service, gate.id, uuid4())
    assert run
    assert [part["part"] for part in gate.tool_input["parts"]] == ["{ { guess }}"]
    await review.request_approval(yard.service, gate.id, "Agree?", {"task": "x"})
    asked = (await review.list_approvals(yard.ana, states=["open"])).items[0]
    with pytest.raises(Forbidden):
        await review.decide_approval(larry.caller, asked.id, approved=True)
    await review.decide_approval(yard.ana, asked.id, approved=False, notes="call her, {{ no }} mail")
    task = await yard.task(task_id)
    assert (task.blocked_on, task.blocked_reason) == ("person", "You did not agree to how it was broken down")
    assert (await yard.task(guess)).execution_status == "cancelled"
    await functions.queue_task_execution(yard.ana, task_id)
    await yard.offer_queued(task_id)
    assert (await larry.take()).earlier.feedback == "call her, {{ no }} mail"


async def test_nothing_is_done_behind_a_gate_that_nobody_has_decided(yard: Yard) -> None:
    larry = await yard.register("Larry")
    children = [part("Work", key="work"), {"title": "Gate", "key": "gate", "tool": "approval_gate", "execution_type": "fully_automated"}]  # fmt: skip
    tree = await trees.create_task_tree(yard.ana, {"title": "Plan", "execution_type": "fully_automated", "children": children})  # fmt: skip
    await functions.queue_task_execution(yard.ana, tree.id)
    await runs.start_task_execution(yard.service, tree.id, uuid4())
    await trees.open_subtasks(yard.service, tree.id)
    await yard.offer_queued(tree.keys["work"])
    work = await larry.take()
    edge = "insert into public.task_dependencies (organization_id, task_id, depends_on_task_id) values (%s, %s, %s)"
    with pytest.raises(Conflict):
        await trees.add_dependency(yard.ana, work.task.id, tree.keys["gate"])
    await yard.sql(edge, yard.service.identity.organization_id, work.task.id, tree.keys["gate"])
    refused = await larry.report(work, "task_complete", {"output": 1})
    assert (refused.outcome, refused.status) == ("refused", 403)
    assert (await yard.task(work.task.id)).execution_status == "in_progress"


async def test_a_failed_part_of_an_agent_is_for_the_agent_or_a_person_and_waits_for_no_plan(yard: Yard) -> None:
    larry = await yard.register("Larry", max_concurrent=3)
    for continues, status in ((True, "queued"), (False, "blocked")):
        task_id, (first,) = await broken_down(yard, larry, part("Try", tool_input={"whom": "Larry"}, max_retries=0), continues=continues)  # fmt: skip
        await yard.offer_queued(first)
        await larry.report(await larry.take(), "subtask_error", {"error": "no", "is_retryable": False})
        task = await yard.task(task_id)
        assert (task.execution_status, (await yard.task(first)).execution_status) == (status, "failed")
        assert task.blocked_reason == (None if continues else "0 of 1 subtasks done; one failed and needs you")
        assert {one.kind for one in task.tainted_by} == {"agent"}


async def test_parts_come_first_when_the_whole_is_executed_again(yard: Yard) -> None:
    larry = await yard.register("Larry")
    task_id, (first,) = await broken_down(yard, larry, part("Try", tool_input={"whom": "Larry"}))
    own, kinds = (await yard.sql("select private.is_own_word(t), t.tainted_by #>> '{0,kind}' from public.tasks t where t.id = %s", first))[0]  # fmt: skip
    assert (own, kinds) == (False, "agent")  # never a person's own word
    await yard.offer_queued(first)
    await larry.take()
    await yard.sql("update public.agent_offers set deadline_at = now() where task_id = %s", task_id)
    assert await yard.sweep() == 1  # the whole fails by its deadline, and what is below ends with it
    assert (await yard.task(first)).execution_status == "cancelled"
    await functions.retry_task(yard.ana, task_id)
    await yard.offer_queued(task_id)
    task = await yard.task(task_id)
    assert (task.blocked_on, task.blocked_reason) == ("subtasks", "0 of 1 subtasks done")
    again = next(one for one in (await functions.get_task_tree(yard.ana, task_id)).children if one.id != first)
    await yard.offer_queued(again.id)
    await larry.report(await larry.take(), "subtask_complete", {"output": 1})
    assert (await yard.task(task_id)).execution_status == "completed"
    (other,) = await functions.create_tasks(yard.ana, [part("Other")])
    mine = await functions.create_subtask(yard.ana, other.id, "Mine")
    await functions.queue_task_execution(yard.ana, other.id)
    await yard.offer_queued(other.id)
    assert await larry.claim() is None
    await functions.update_task(yard.ana, mine.id, {"execution_status": "completed"})
    await yard.offer_queued(other.id)
    assert [one.title for one in (await larry.take()).parts] == ["Mine"]


# ---------------------------------------------------------------- what is kept


async def test_reports_and_leases_go_after_their_time_and_nothing_comes_alive_again(
    yard: Yard, database: Database
) -> None:
    whole = database.acting_as(Identity.service())
    larry = await yard.register("Larry", max_concurrent=3)
    task_id = await yard.offer()
    work = await larry.take()
    end = event("task_complete", task_id, {"output": 1})
    await agent_work.report_events(larry.caller, task_id, [event("task_progress", task_id, {"percent": 1}), end], RULES)
    await yard.offer("Open")
    held = await larry.take()
    await yard.pass_time(days=89)
    for what in ("agent_reports", "agent_leases"):
        assert await metrics.clean_up(whole, what, 90) == 0
    await yard.pass_time(days=2)
    assert await metrics.clean_up(whole, "agent_leases", 90) == 0  # outlives what was said under it
    assert await metrics.clean_up(whole, "agent_reports", 90, dry_run=True) == 2
    assert await metrics.clean_up(whole, "agent_reports", 90, batch_size=1) == 1
    assert await metrics.clean_up(whole, "agent_reports", 90) == 1
    (late,) = await agent_work.report_events(larry.caller, task_id, [end], RULES)
    assert (late.outcome, late.next) == ("late", "stop")
    await yard.sql("delete from public.agent_reports")
    assert await metrics.clean_up(whole, "agent_leases", 90) == 1
    (gone,) = await agent_work.report_events(larry.caller, task_id, [end], RULES)
    assert (gone.outcome, gone.status) == ("refused", 404)
    assert [lease.id for lease in await agent_work.list_leases(yard.ana)] == [held.lease.id]
    assert work.lease.id != held.lease.id
