"""What is muted, of what use a kind was, and that neither a stranger nor a program says so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.database import Caller
from core.errors import Conflict, Forbidden, NotFound, StewardError
from tasks import functions, nudges
from tasks.digests import make_digest
from tasks.nudges import Finding, decide_nudge, mute_nudges, offer_nudges, release_nudges
from tests.integration.tasks.nudging import LATER, NOW, RULES, an_agenda, found, offered, rules, states


async def test_mutes_are_of_all_that_they_name_and_may_end(ana: Caller, mallory: Caller) -> None:
    (open_one, *_) = await offered(
        ana,
        found("open", thread_key="t2"),
        found("later", thread_key="t2", tell_at=LATER),
        found("r", kind="reminder", thread_key="t2"),
    )
    kind = await mute_nudges(ana, NOW, kind="brief", until=NOW + timedelta(days=1))
    both = await mute_nudges(ana, NOW, kind="agenda", person="Priya@vega.example", because="Not hers")
    thread = await mute_nudges(ana, NOW, thread_key="t2")
    assert await states(ana) == {"open": "muted", "later": "muted", "r": "told"}
    made = await offered(
        ana, found("a", kind="brief"), found("b", person="priya@vega.example"), found("c", person="omar@vega.example"),
        found("d", kind="follow_up", thread_key="t2", task=an_agenda()), found("e", kind="follow_up", person="priya@vega.example"),
    )  # fmt: skip
    assert [(one.key, one.state) for one in made] == [
        ("a", "muted"),
        ("b", "muted"),
        ("c", "told"),
        ("d", "muted"),
        ("e", "told"),
    ]
    assert made[3].task_id is None
    assert [one.state for one in await offered(ana, found("f", kind="brief"), when=NOW + timedelta(days=1))] == ["told"]
    again = await mute_nudges(ana, NOW, thread_key="t2", until=NOW + timedelta(days=1))
    assert (again.id, again.until) == (thread.id, NOW + timedelta(days=1))
    shown = (await nudges.get_attention(ana, NOW, RULES)).mutes
    assert {mute.id for mute in shown} == {kind.id, both.id, thread.id}
    with pytest.raises(NotFound):
        await nudges.unmute_nudges(mallory, both.id, NOW)
    await nudges.unmute_nudges(ana, both.id, NOW)
    await nudges.unmute_nudges(ana, kind.id, NOW)
    assert {mute.id for mute in (await nudges.get_attention(ana, NOW, RULES)).mutes} == {thread.id}
    assert [one.state for one in await offered(ana, found("g", person="priya@vega.example"))] == ["told"]
    wrongs: list[dict[str, Any]] = [{}, {"kind": "reminder"}, {"kind": "brief", "until": NOW}, {"kind": "x" * 51}]
    for wrong in wrongs:
        with pytest.raises(StewardError):
            await mute_nudges(ana, NOW, **wrong)
    with pytest.raises(Conflict, match="muted already"):
        await decide_nudge(ana, open_one.id, "acted", NOW)


async def test_a_kind_of_little_use_mutes_itself_once_and_comes_back(ana: Caller) -> None:
    many = rules(daily_nudges=100)
    month = NOW.astimezone(UTC) + timedelta(days=30)
    made = await offered(ana, *(found(f"k{n}") for n in range(8)), found("waits", tell_at=LATER), by=many)
    for place, one in enumerate(made[:8]):
        await decide_nudge(ana, one.id, "acted" if place < 2 else "dismissed", NOW)
    (kind,) = (await nudges.get_attention(ana, NOW, many)).kinds
    assert (kind.kind, kind.told, kind.acted, kind.dismissed, kind.precision) == ("agenda", 8, 2, 6, 0.25)
    next_one, second = await offered(ana, found("next"), found("second"), by=many)
    assert (next_one.state, second.state) == ("muted", "muted")
    assert (await states(ana))["waits"] == "muted"
    (mute,) = (await nudges.get_attention(ana, NOW, many)).mutes
    assert (mute.kind, mute.muted_by, mute.because, mute.until) == (
        "agenda",
        "precision",
        "2 of the last 8 were of use",
        month,
    )
    after = month
    back = await offered(ana, found("back"), when=after, by=many)
    assert [one.state for one in back] == ["told"]  # counted anew
    assert (await nudges.get_attention(ana, after, many)).mutes == []
    fresh = await offered(
        ana, *(found(f"m{n}", expires_at=None) for n in range(8)), when=after + timedelta(hours=1), by=many
    )
    for one in fresh:
        await decide_nudge(ana, one.id, "dismissed", after + timedelta(hours=1))
    again = after + timedelta(days=1)
    assert [one.state for one in await offered(ana, found("z"), when=again, by=many)] == ["muted"]
    (mute,) = (await nudges.get_attention(ana, again, many)).mutes
    await nudges.unmute_nudges(ana, mute.id, again)
    assert [one.state for one in await offered(ana, found("y"), when=again + timedelta(hours=1), by=many)] == ["told"]


DANA, EVE = "dana@northwind.example", "eve@evil.example"


async def test_nobody_uses_up_the_day_or_mutes_a_kind_by_writing_much(ana: Caller) -> None:
    unsure = [found(f"u{n}", kind="rsvp", person=EVE, confidence=0.4, is_urgent=True) for n in range(9)]
    sure = [found(f"s{n}", kind="rsvp", person=DANA) for n in range(9)]
    made = await offered(ana, *unsure, *sure, found("urgent", kind="rsvp", person=DANA, is_urgent=True), found("own"))
    assert {one.held_because for one in made if one.person == EVE} == {"confidence"}
    about_dana = [(one.key, one.state, one.held_because) for one in made if one.person == DANA]
    assert about_dana[:4] == [
        ("urgent", "told", None), ("s0", "told", None), ("s1", "held", "person"), ("s2", "held", "person"),
    ]  # fmt: skip
    assert made[-1].state == "told"
    next_day = NOW + timedelta(days=1)
    assert await release_nudges(ana, next_day, RULES) == []  # they wait for the digest
    assert await make_digest(ana, next_day, RULES)
    assert await release_nudges(ana, LATER, RULES) == []
    (kind,) = [
        one for one in (await nudges.get_attention(ana, LATER - timedelta(days=2), RULES)).kinds if one.kind == "rsvp"
    ]
    assert (kind.told, kind.lapsed) == (19, 2)  # two of Dana's, none of a stranger's
    assert [one.state for one in await offered(ana, found("next", kind="rsvp", expires_at=None), when=LATER)] == [
        "told"
    ]


async def test_what_a_program_does_says_nothing_of_use(ana: Caller) -> None:
    home = UUID((await ana.call("get_profile"))["organization"]["id"])
    program = ana.database.acting_as(
        replace(ana.identity, organization_id=home, token_id=uuid4(), scopes=("tasks:read", "tasks:write"))
    )
    made = await offered(ana, *(found(f"p{n}", task=an_agenda(execution_type="manual")) for n in range(4)))
    with pytest.raises(Forbidden):
        await decide_nudge(program, made[0].id, "dismissed", NOW)
    tasks = [one.task_id for one in made if one.task_id]
    await functions.cancel_task(program, tasks[0])
    await functions.update_task(program, tasks[1], {"execution_status": "completed"})
    await functions.delete_task(program, tasks[2])
    await functions.cancel_task(ana, tasks[3])
    assert await states(ana) == {"p0": "settled", "p1": "settled", "p2": "settled", "p3": "dismissed"}
    (kind,) = (await nudges.get_attention(ana, NOW, RULES)).kinds
    assert (kind.acted, kind.dismissed, kind.lapsed) == (0, 1, 0)
    assert await offered(ana, found("p0"), found("p3")) == []  # ended is ended


async def test_what_settled_comes_back_with_its_reason_once_a_day(ana: Caller) -> None:
    async def look(*seen: Finding, when: datetime) -> list[tuple[str, str | None]]:
        made = (await offer_nudges(ana, seen, when, RULES, looked_at=["agenda"])).made
        return [(one.state, one.held_because) for one in made]

    one = found("a", task=an_agenda(), executes=True)
    (first,) = await offered(ana, one)
    day = timedelta(days=1)
    assert await look(when=NOW) == []
    assert await look(one, when=NOW) == [("held", "budget")]  # it was told today
    (again,) = (await nudges.list_nudges(ana)).items
    assert (again.id, again.decided_at, again.task_id) == (first.id, None, first.task_id)  # held: no new task yet
    assert (await nudges.get_attention(ana, NOW, RULES)).told_today == 1
    assert await look(when=NOW) == []
    assert await look(one, when=NOW) == []  # once a day
    assert await look(one.model_copy(update={"why": "Again."}), when=NOW + day) == [("told", None)]
    told = (await nudges.list_nudges(ana)).items[0]
    assert told.task
    assert (told.why, told.task.execution_status, told.task_id != first.task_id) == ("Again.", "queued", True)
    await decide_nudge(ana, first.id, "dismissed", NOW + day)
    assert await look(when=NOW + day) == []
    assert await look(one, when=NOW + 2 * day) == []  # a person's word is final
    about = found("b", person=DANA)
    assert await look(about, when=NOW + day) == [("told", None)]
    assert await look(when=NOW + day) == []
    assert await look(found("c", person=DANA), when=NOW + day) == [("held", "person")]
