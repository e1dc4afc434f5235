"""Nudges and digests: each key once, within the budget and the quiet hours, mutable, measured, and told in the open."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, time, timedelta
from typing import Any
from uuid import uuid4

import pytest

from core.database import Caller, Database
from core.errors import Conflict, Forbidden, Invalid, NotFound
from tasks import functions, model_calls, nudges, review, runs
from tasks.digests import list_digests, make_digest, read_digest
from tasks.models import Task
from tasks.nudges import Finding, decide_nudge, mute_nudges, offer_nudges, release_nudges
from tests.integration.tasks.nudging import LATER, NOW, RULES, an_agenda, at, found, offered, rules, states
from tests.integration.tasks.permitting import allowed_by, delivered, over, permitted, sender_of


async def test_a_key_is_brought_up_once_however_many_look(ana: Caller, mallory: Caller, nobody: Caller) -> None:
    one = found("a", task=an_agenda(), executes=True, person="Priya@Vega.example")
    many = await asyncio.gather(*(offer_nudges(ana, [one, one], NOW, RULES) for _ in range(5)))
    (made,) = [nudge for answer in many for nudge in answer.made]
    assert (made.state, made.told_at, made.person, made.why) == ("told", NOW, "priya@vega.example", "It has none.")
    assert made.task
    assert (made.task.source, made.task.execution_status) == ("proactive", "queued")
    assert made.task.source_ref["nudge_id"] == str(made.id)
    await decide_nudge(ana, made.id, "dismissed", NOW)
    assert await offered(ana, one, when=NOW + timedelta(days=90)) == []
    with pytest.raises(NotFound, match="no such nudge"):
        await nudges.get_nudge(mallory, made.id)
    with pytest.raises(NotFound):
        await decide_nudge(mallory, made.id, "acted", NOW)
    assert await states(mallory) == {}
    assert [other.state for other in await offered(mallory, one)] == ["told"]  # a key is a tenant's own
    with pytest.raises(Forbidden):
        await nudges.list_nudges(nobody)


async def test_the_days_budget_is_counted_by_the_local_day(ana: Caller) -> None:
    two = rules(daily_nudges=2, digest_at=time(7))
    evening = at("2026-03-28T19:00")  # the night in which the clock is put forward
    urgent = found("urgent", is_urgent=True)
    made = await offered(ana, found("a"), found("b"), urgent, found("r", kind="reminder"), when=evening, by=two)
    assert [(one.key, one.state, one.held_because) for one in made] == [
        ("urgent", "told", None), ("a", "told", None), ("b", "held", "budget"), ("r", "told", None),
    ]  # fmt: skip
    assert await release_nudges(ana, at("2026-03-28T19:59"), two) == []
    assert await release_nudges(ana, at("2026-03-29T07:29"), two) == []  # a new day, but quiet
    told = await release_nudges(ana, at("2026-03-29T07:30"), two)
    assert [(one.key, one.state, one.told_at) for one in told] == [("b", "told", at("2026-03-29T07:30"))]
    more = await offered(ana, found("c"), found("d"), when=at("2026-03-29T19:59"), by=two)
    assert [one.held_because for one in more] == [None, "budget"]
    assert (await nudges.get_attention(ana, at("2026-03-29T19:59"), two)).told_today == 2
    assert await offered(ana, found("e"), when=at("2026-03-31T12:00"), by=rules(daily_nudges=0))
    assert (await states(ana, states=["held"])).keys() == {"d", "e"}


async def test_quiet_hours_go_over_midnight_and_days_are_quiet_as_a_whole(ana: Caller) -> None:
    moments = {"19:59": False, "20:00": True, "23:59": True, "00:00": True, "07:29": True, "07:30": False}
    for clock, is_quiet in moments.items():
        assert (await nudges.get_attention(ana, at(f"2026-03-04T{clock}"), RULES)).is_quiet is is_quiet, clock
    by_day = rules(quiet_from=time(12), quiet_until=time(13), quiet_days=[5, 6])
    for text, is_quiet in {
        "04T12:30": True,
        "04T13:00": False,
        "07T18:00": True,
        "08T23:59": True,
        "09T00:00": False,
    }.items():
        assert (await nudges.get_attention(ana, at(f"2026-03-{text}"), by_day)).is_quiet is is_quiet, text
    off = rules(quiet_from=time(0), quiet_until=time(0))
    assert [one.state for one in await offered(ana, found("a"), when=at("2026-03-04T03:00"), by=off)] == ["told"]
    night = at("2026-03-04T22:00")
    low = rules(told_from={"brief": 0.9})
    made = await offered(
        ana,
        found("b"),
        found("c", tell_at=NOW + timedelta(days=2)),
        found("d", kind="brief"),
        found("r", kind="reminder"),
        when=night,
        by=low,
    )
    assert [one.held_because for one in made] == ["quiet", "early", "confidence", None]
    assert [one.key for one in await release_nudges(ana, NOW + timedelta(days=1), low)] == ["b"]
    assert [one.key for one in await release_nudges(ana, NOW + timedelta(days=2), low)] == ["c"]


async def test_what_is_over_lapses_and_what_lost_its_reason_is_settled(ana: Caller, service: Caller) -> None:
    soon = NOW + timedelta(hours=1)
    made = await offered(
        ana,
        found("over", expires_at=soon),
        found("stays"),
        found("gone", task=an_agenda(), executes=True, expires_at=None),
        found("other", kind="brief"),
    )
    gone = made[2]
    assert gone.task_id
    await runs.start_task_execution(service, gone.task_id, None)
    draft = await review.deliver_draft(
        service, gone.task_id, {"to_recipients": ["p@vega.example"], "subject": "Agenda", "body": "1."}, {"output": "x"}
    )
    assert await release_nudges(ana, soon, RULES) == []
    answer = await offer_nudges(ana, [found("stays")], soon, RULES, looked_at=["agenda"])
    assert (answer.made, answer.settled) == ([], 1)
    assert await states(ana) == {"over": "lapsed", "stays": "told", "gone": "settled", "other": "told"}
    assert (await review.get_draft(ana, draft.id)).state == "superseded"
    late = await decide_nudge(ana, made[0].id, "acted", soon, "Late, but of use")
    assert (late.state, late.decided_because) == ("acted", "Late, but of use")


async def test_a_message_that_is_on_its_way_is_not_undone(ana: Caller, service: Caller) -> None:
    (made,) = await offered(ana, found("a", task=an_agenda(execution_type="semi_automated"), executes=True))
    assert made.task_id
    await runs.start_task_execution(service, made.task_id, None)
    draft = await review.deliver_draft(
        service, made.task_id, {"to_recipients": ["p@vega.example"], "subject": "A", "body": "1."}, {"output": "x"}
    )
    await review.approve_draft(ana, draft.id, draft.digest)
    assert (await nudges.get_nudge(ana, made.id)).state == "acted"
    await review.begin_sending(service, draft.id, "<1@vega.example>")
    answer = await offer_nudges(ana, [], NOW, RULES, looked_at=["agenda"])
    assert answer.settled == 0
    with pytest.raises(Conflict, match="acted already"):
        await decide_nudge(ana, made.id, "dismissed", NOW)
    assert (await review.get_draft(ana, draft.id)).state == "sending"


async def test_what_a_person_does_with_the_task_or_its_draft_says_of_what_use_it_was(
    ana: Caller, service: Caller
) -> None:
    keys = ["cancelled", "ticked", "rejected", "reviewed", "deleted", "worker"]
    made = {
        one.key: one
        for one in await offered(
            ana,
            *(found(key, task=an_agenda(execution_type="semi_automated")) for key in keys),
            by=rules(daily_nudges=6),
        )
    }

    def task(key: str) -> Task:
        task = made[key].task
        assert task
        return task

    await functions.cancel_task(ana, task("cancelled").id)
    await functions.update_task(ana, task("ticked").id, {"execution_status": "completed"})
    for key in ("rejected", "reviewed", "worker"):
        await functions.queue_task_execution(ana, task(key).id)
        await runs.start_task_execution(service, task(key).id, None)
    draft = await review.deliver_draft(
        service,
        task("rejected").id,
        {"to_recipients": ["p@vega.example"], "subject": "A", "body": "1."},
        {"output": "x"},
    )
    await review.reject_draft(ana, draft.id)
    await review.request_review(service, task("reviewed").id, "The brief", {"output": "Who comes"})
    (approval,) = (await review.list_approvals(ana, states=["open"])).items
    await review.decide_approval(ana, approval.id, approved=True)
    await functions.delete_task(ana, task("deleted").id)
    await runs.complete_task_execution(service, task("worker").id, {"output": "x"})
    assert await states(ana) == {
        "cancelled": "dismissed", "ticked": "acted", "rejected": "dismissed", "reviewed": "acted", "deleted": "dismissed",
        "worker": "told",
    }  # fmt: skip
    assert (await nudges.get_attention(ana, NOW, RULES)).told_today == 6
    dismissed = await decide_nudge(ana, made["worker"].id, "dismissed", NOW, "x" * 900)
    assert dismissed.decided_because == "x" * 500
    with pytest.raises(Conflict, match="dismissed already"):
        await decide_nudge(ana, made["worker"].id, "acted", NOW)
    assert (await decide_nudge(ana, made["worker"].id, "dismissed", NOW)).state == "dismissed"
    with pytest.raises(Invalid, match="acted on or dismissed"):
        await decide_nudge(ana, made["worker"].id, "perhaps", NOW)  # pyright: ignore[reportArgumentType]


async def test_of_what_is_done_nobody_is_reminded(ana: Caller, service: Caller) -> None:
    done, dropped, still = await functions.create_tasks(
        ana, [{"title": title} for title in ("done", "dropped", "still")]
    )
    await offered(
        ana,
        *(found(task.title, kind="reminder", source_ref={"task_id": str(task.id)}) for task in (done, dropped, still)),
    )
    await functions.update_task(ana, done.id, {"execution_status": "completed"})
    await functions.cancel_task(ana, dropped.id)
    assert await states(ana) == {"done": "acted", "dropped": "settled", "still": "told"}


async def test_what_a_person_chose_goes_before_the_settings(ana: Caller, mallory: Caller) -> None:
    await nudges.save_attention(
        ana, {"daily_nudges": 1, "quiet_from": "21:00", "quiet_until": "06:00", "proactive": "suggest"}
    )
    (made, _) = await offered(ana, found("a", task=an_agenda(), executes=True), found("b"))
    assert made.task
    assert made.task.execution_status == "pending"
    known = await nudges.get_attention(ana, NOW, RULES)
    assert (known.rules.daily_nudges, str(known.rules.quiet_from), known.rules.digest_at, known.held) == (
        1,
        "21:00:00",
        RULES.digest_at,
        1,
    )
    await nudges.save_attention(ana, {"daily_nudges": None, "proactive": "off"})
    assert [one.key for one in await offered(ana, found("c"), found("r", kind="reminder"))] == ["r"]
    assert (await offer_nudges(ana, [], NOW, RULES, looked_at=["agenda"])).settled == 0
    assert await release_nudges(ana, NOW + timedelta(days=1), RULES) == []
    silent = await make_digest(ana, NOW, RULES)
    assert silent
    assert silent.content.nudges == 0
    assert (await states(ana))["b"] == "held"
    assert (await nudges.get_attention(mallory, NOW, RULES)).chosen is None
    for wrong in (
        {"daily_nudges": -1},
        {"daily_nudges": 10**12},
        {"quiet_from": "25:00"},
        {"quiet_until": None},
        {"quiet_days": [7]},
        {"quiet_days": "x"},
        {"proactive": "loud"},
        {"mute_below": 2},
        {"colour": "red"},
    ):
        with pytest.raises(Invalid):
            await nudges.save_attention(ana, wrong)
    program = ana.database.acting_as(replace(ana.identity, token_id=uuid4(), scopes=("tasks:read", "tasks:write")))
    for refused in (nudges.save_attention(program, {"daily_nudges": 9}), mute_nudges(program, NOW, kind="brief")):
        with pytest.raises(Forbidden):
            await refused
    assert (await nudges.get_attention(ana, NOW, RULES)).rules.daily_nudges == 5


async def test_the_digest_is_made_once_a_day_and_tells_what_was_held(
    ana: Caller, service: Caller, database: Database, mallory: Caller
) -> None:
    by = rules(daily_nudges=0)
    await offered(ana, found("told", task=an_agenda(), executes=True), when=at("2026-03-03T15:00"))
    await offered(
        ana,
        found("a", task=an_agenda(), executes=True),
        found("b"),
        found("early", tell_at=LATER),
        found("over", expires_at=NOW),
        by=by,
        when=NOW - timedelta(hours=3),
    )
    assert await make_digest(ana, at("2026-03-04T07:59"), by) is None
    permission = await permitted(ana)
    await permitted_mail(ana, service, database, permission)
    (task,) = (await functions.list_tasks(ana, functions.TaskFilter(source="proactive"))).items
    await runs.start_task_execution(service, task.id, None)
    call = {"purpose": "strategy", "model": "a model", "provider": "openai", "cost_usd": 0.012, "input_tokens": 10}
    await model_calls.record_llm_interaction(service, task.id, call)
    both = await asyncio.gather(make_digest(ana, NOW, by), make_digest(ana, NOW, by))
    (made,) = [one for one in both if one]
    (line,) = made.content.by_itself
    assert (made.day, made.content.nudges, made.content.waiting) == (date(2026, 3, 4), 2, 1)
    assert (line.action, line.to, line.subject, line.draft_id is not None) == (
        "mail",
        ["john@example.com"],
        "Thank you",
        True,
    )
    assert (made.content.silent.runs, made.content.silent.cost_usd, made.content.silent.model_calls) == (1, 0.012, 1)
    assert await states(ana, digest_id=made.id) == {"a": "told", "b": "told"}
    assert (await nudges.get_attention(ana, NOW, by)).told_today == 0
    assert await make_digest(ana, NOW.astimezone(UTC), by) is None
    assert await list_digests(mallory) == []
    with pytest.raises(NotFound):
        await read_digest(mallory, made.id, NOW)
    read = await read_digest(ana, made.id, NOW)
    assert (read.read_at, (await read_digest(ana, made.id, LATER)).read_at) == (NOW, NOW)
    quiet = rules(daily_nudges=0, quiet_days=[3])
    assert await make_digest(ana, NOW + timedelta(days=1), quiet) is None
    await model_calls.record_llm_interaction(service, task.id, call)  # a run that went on
    second = await make_digest(ana, NOW + timedelta(days=2), by)
    assert second
    assert (second.content.nudges, second.content.waiting, second.content.by_itself) == (0, 3, [])
    assert (second.content.silent.runs, second.content.silent.cost_usd) == (1, 0.012)
    assert [one.day for one in await list_digests(ana)] == [date(2026, 3, 6), date(2026, 3, 4)]


async def permitted_mail(ana: Caller, service: Caller, database: Database, permission: Any) -> None:
    """A mail that a standing permission lets go."""
    draft = await delivered(ana, service, allowed_by(permission))
    (approval,) = (await review.list_approvals(ana, states=["approved"])).items
    await over(database, approval.id)
    sender = await sender_of(ana, draft)
    await runs.start_task_execution(service, sender.id, None)
    await review.begin_sending(service, draft.id, "<1@vega.example>")
    await review.finish_sending(service, draft.id, "sent", {"location": "x.eml"})


async def test_a_thousand_findings_and_tasks_that_are_there_already(ana: Caller) -> None:
    (known,) = await functions.create_tasks(ana, [an_agenda(source="proactive", source_key="proactive:same")])
    assert [one.task_id for one in await offered(ana, found("same", task=an_agenda()))] == [known.id]
    made = await offered(ana, *(found(f"n{n}", title="ß" * 300) for n in range(1000)), when=NOW + timedelta(days=1))
    assert [sum(one.state == state for one in made) for state in ("told", "held")] == [5, 995]
    page = await nudges.list_nudges(ana, kinds=["agenda"], limit=200)
    rest = await nudges.list_nudges(ana, kinds=["agenda"], limit=200, after=page.after)
    assert len({one.id for one in [*page.items, *rest.items]}) == 400
    with pytest.raises(Invalid, match="at most 1000"):
        await offered(ana, *(found(f"m{n}") for n in range(1001)))
    with pytest.raises(Invalid):
        await nudges.list_nudges(ana, limit=201)
    with pytest.raises(Invalid):
        await nudges.list_nudges(ana, after=["soon", "x"])


async def test_what_is_held_has_no_task_and_what_is_over_is_withdrawn(ana: Caller, service: Caller) -> None:
    async def tasks() -> list[tuple[str, str]]:
        found_tasks = (await functions.list_tasks(ana, functions.TaskFilter(source="proactive"))).items
        return sorted((one.title, one.execution_status) for one in found_tasks)

    soon = at("2026-03-04T11:00")

    def wanted(key: str, **more: Any) -> Finding:
        return found(key, task=an_agenda(title=key), **more)

    night = at("2026-03-04T03:00")
    later = wanted("later", kind="follow_up", expires_at=soon)
    await offered(ana, wanted("now", expires_at=soon), later, when=at("2026-03-03T19:00"))
    await offered(ana, wanted("night"), wanted("urgent", is_urgent=True), when=night)
    assert await tasks() == [("later", "pending"), ("now", "pending")]
    morning = at("2026-03-04T07:45")
    assert [one.key for one in await release_nudges(ana, morning, RULES)] == ["urgent"]
    assert (await states(ana, states=["held"])) == {"night": "held"}
    assert (await nudges.list_nudges(ana, states=["held"])).items[0].held_because == "digest"
    assert await make_digest(ana, at("2026-03-04T08:00"), RULES)
    assert ("night", "pending") in await tasks()
    await release_nudges(ana, soon, RULES)
    assert dict(await tasks()) == {
        "later": "pending",  # may still be of use
        "night": "pending",
        "now": "cancelled",
        "urgent": "pending",
    }
    assert (await states(ana))["now"] == "lapsed"  # and not dismissed: nobody said so
