"""Interrupts of outside agents: asked as they are, answered once by a person, in the ways that their config allows."""

import asyncio
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from agents.executor import carry_out, start_task
from app.house import House
from core.database import Caller, Database, Identity
from core.errors import Conflict, Forbidden, Invalid, NotFound, StewardError
from tasks import agent_work, agents, functions, interrupts, review, trees
from tasks.agent_work import AgentRules
from tasks.drafts import Approval
from tasks.interrupts import AnswerType, HumanInterrupt, NewInterrupt

RULES = AgentRules()
MAIL = {"action": "send_mail", "args": {"to": "carol@example.org", "copies": 2, "deep": {"list": [1, {"a": None}]}}}
ALL = {"allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": True}
EDITED = {"action": "send_mail", "args": {"to": "dana@example.org", "copies": 3}}
ANSWERS: dict[AnswerType, tuple[str, Any]] = {
    "accept": ("allow_accept", None),
    "edit": ("allow_edit", EDITED),
    "response": ("allow_respond", "Call her first"),
    "ignore": ("allow_ignore", None),
}


def asked(config: dict[str, bool] | None = None, **more: Any) -> NewInterrupt:
    return NewInterrupt.model_validate({"action_request": MAIL, "config": config or ALL, **more})


async def agent_of(caller: Caller, name: str = "Larry") -> tuple[Caller, UUID]:
    made = await agents.register_agent(caller, {"name": name})
    profile = (await functions.create_tasks(caller, [{"title": f"Of {name}", "execution_type": "manual"}]))[0]
    return caller.database.acting_as(Identity.agent(made.details.id, profile.organization_id)), made.details.id


async def ask(larry: Caller, larry_id: UUID, one: NewInterrupt | None = None, **more: Any) -> UUID:
    return (await interrupts.open_interrupts(larry, larry_id, [one or asked(**more)]))[0].id


async def approval_of(ana: Caller, interrupt_id: UUID) -> Approval:
    page = await review.list_approvals(ana, limit=200)
    return next(one for one in page.items if one.task_id == interrupt_id)


async def test_each_answer_is_taken_where_the_config_allows_it_alone(ana: Caller) -> None:
    larry, larry_id = await agent_of(ana)
    for given, (flag, args) in ANSWERS.items():
        for allowed in (flag, next(other for other, _ in ANSWERS.values() if other != flag)):
            found = await ask(larry, larry_id, asked({allowed: True}, description="*Why*"))
            shown = await approval_of(ana, found)
            assert shown.payload == {
                "action_request": MAIL,
                "config": {name: name == allowed for name in ALL},
                "description": "*Why*",
            }
            assert shown.title == "Larry asks: send_mail"
            assert shown.asked_by is not None
            assert shown.asked_by.name == "Larry"
            if allowed != flag:
                with pytest.raises(Invalid, match="does not take this answer") as refused:
                    await interrupts.answer_interrupt(ana, shown.id, shown.digest, given, args)
                only = next(answer for answer, (name, _) in ANSWERS.items() if name == allowed)
                assert refused.value.detail == f"allowed: {only}"
                continue
            decided = await interrupts.answer_interrupt(ana, shown.id, shown.digest, given, args)
            assert decided.state == ("used" if given in {"accept", "edit"} else "rejected")
            answer = await interrupts.get_interrupt(larry, larry_id, found)
            assert answer.status == "answered"
            assert answer.response is not None
            expected = MAIL if given == "accept" else args
            assert (answer.response.type, answer.response.args) == (given, expected)
            task = await functions.get_task(ana, found)
            assert (task.execution_status, task.verification) == ("completed", "verified")
            assert task.result["output"] == {"type": given, "args": expected}
            assert [one.kind for one in task.tainted_by] == ["agent"]


async def test_what_is_asked_again_under_its_key_is_the_same_question(ana: Caller) -> None:
    larry, larry_id = await agent_of(ana)
    bob, bob_id = await agent_of(ana, "Bob")
    first = asked(key="🗝 of larry", expires_in_seconds=60)
    at_once = await asyncio.gather(*(interrupts.open_interrupts(larry, larry_id, [first, first]) for _ in "1234"))
    (found,) = {one.id for made in at_once for one in made}
    assert {one.status for made in at_once for one in made} == {"waiting"}
    assert await ask(bob, bob_id, first) != found
    assert await ask(larry, larry_id) != found
    for other in (asked({"allow_ignore": True}, key=first.key), asked(key=first.key)):
        with pytest.raises(Conflict, match="asked something else"):
            await interrupts.open_interrupts(larry, larry_id, [asked(key="new"), other])
    shown = await approval_of(ana, found)
    await interrupts.answer_interrupt(ana, shown.id, shown.digest, "ignore")
    (again,) = await interrupts.open_interrupts(larry, larry_id, [first])
    assert (again.id, again.status) == (found, "answered")
    theirs = {"title": "Mine", "execution_type": "manual", "source_key": f"agent:{larry_id}:of a person"}
    await functions.create_tasks(ana, [theirs])
    with pytest.raises(Conflict, match="asked something else"):
        await ask(larry, larry_id, key="of a person")
    page = await review.list_approvals(ana, states=["open"], limit=200)
    assert len(page.items) == 2
    # What is asked again needs no place among the 200.
    for _ in range(3):
        await interrupts.open_interrupts(larry, larry_id, [asked() for _ in range(50)])
    full = [asked(key=str(number)) for number in range(49)]
    for _ in "12":
        await interrupts.open_interrupts(larry, larry_id, full)
    with pytest.raises(Conflict, match="200"):
        await ask(larry, larry_id)


async def test_a_yes_or_no_of_every_other_door_is_the_answer_that_it_means(ana: Caller) -> None:
    larry, larry_id = await agent_of(ana)
    cases = [(True, None, "accept", MAIL), (False, " Not now ", "response", "Not now"), (False, None, "ignore", None)]
    for approved, notes, meant, args in cases:
        found = await ask(larry, larry_id)
        await review.decide_approval(ana, (await approval_of(ana, found)).id, approved=approved, notes=notes)
        answer = (await interrupts.get_interrupt(larry, larry_id, found)).response
        assert answer is not None
        assert (answer.type, answer.args) == (meant, args)
        held_back = await approval_of(ana, await ask(larry, larry_id, asked({"allow_edit": True})))
        with pytest.raises(Invalid) as refused:
            await review.decide_approval(ana, held_back.id, approved=approved, notes=notes)
        assert refused.value.detail == "allowed: edit"


async def test_an_answer_is_for_what_was_shown_once_and_of_the_right_form(ana: Caller) -> None:
    larry, larry_id = await agent_of(ana)
    found = await ask(larry, larry_id)
    shown = await approval_of(ana, found)
    wrong: list[tuple[AnswerType, Any]] = [
        ("accept", EDITED),
        ("ignore", "because"),
        ("response", "  \n"),
        ("response", None),
        ("response", "x" * 10_001),
        ("edit", None),
        ("edit", {"action": "delete_all", "args": {}}),
        ("edit", {"action": "send_mail", "args": [1]}),
        ("edit", {**EDITED, "more": 1}),
        (cast("AnswerType", "approve"), None),
    ]
    for given, args in wrong:
        with pytest.raises(Invalid):
            await interrupts.answer_interrupt(ana, shown.id, shown.digest, given, args)
    with pytest.raises(Conflict, match="not what was shown"):
        await interrupts.answer_interrupt(ana, shown.id, "0" * 64, "accept")
    results = await asyncio.gather(
        *(interrupts.answer_interrupt(ana, shown.id, shown.digest, one) for one in ("accept", "ignore", "accept")),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in results) == ["Approval", "Conflict", "Conflict"]
    with pytest.raises(Conflict, match="answered already"):
        await review.decide_approval(ana, shown.id, approved=True)
    assert (await interrupts.get_interrupt(larry, larry_id, found)).status == "answered"
    with pytest.raises(Conflict, match="answered already"):
        await interrupts.withdraw_interrupt(larry, larry_id, found)


async def test_only_a_person_or_a_token_that_may_decide_answers(
    database: Database, ana: Caller, mallory: Caller, nobody: Caller, service: Caller
) -> None:
    larry, larry_id = await agent_of(ana)
    other, other_id = await agent_of(ana, "Moe")
    found = await ask(larry, larry_id)
    shown = await approval_of(ana, found)
    token, writer = (
        database.acting_as(Identity(ana.identity.user_id, organization_id=service.identity.organization_id, scopes=one))
        for one in (("tasks:write", "review:read"), ("review:read", "review:write"))
    )
    refusals: list[tuple[Caller, type[StewardError]]] = [
        (larry, Forbidden), (other, Forbidden), (service, Forbidden), (token, Forbidden), (mallory, NotFound), (nobody, Forbidden)
    ]  # fmt: skip
    for caller, kind in refusals:
        with pytest.raises(kind):
            await interrupts.answer_interrupt(caller, shown.id, shown.digest, "accept")
        with pytest.raises(StewardError):
            await review.decide_approval(caller, shown.id, approved=False)
    for caller in (token, ana):
        await functions.pause_task(caller, found)
        await functions.resume_task(caller, found)
        with pytest.raises(StewardError):  # ticking it off is no answer
            await functions.update_task(caller, found, {"execution_status": "completed"})
        with pytest.raises(StewardError):
            await functions.bulk_update_tasks(caller, [found], "complete")
    for caller, of, one in ((other, other_id, found), (other, larry_id, found), (larry, larry_id, uuid4())):
        for act in (interrupts.get_interrupt, interrupts.withdraw_interrupt):
            with pytest.raises(NotFound):
                await act(caller, of, one)
    for caller in (ana, service, mallory):
        with pytest.raises((Forbidden, NotFound)):
            await interrupts.open_interrupts(caller, larry_id, [asked()])
    with pytest.raises(NotFound, match="no such work"):
        await ask(larry, larry_id, task_id=found)
    assert (await interrupts.answer_interrupt(writer, shown.id, shown.digest, "ignore")).state == "rejected"


async def test_a_question_ends_by_itself_or_is_withdrawn(database: Database, ana: Caller, service: Caller) -> None:
    larry, larry_id = await agent_of(ana)
    late = await ask(larry, larry_id, expires_in_seconds=0.01)
    shown = await approval_of(ana, late)
    with pytest.raises(Conflict, match="time to answer"):
        await interrupts.answer_interrupt(ana, shown.id, shown.digest, "accept")
    assert (await interrupts.get_interrupt(larry, larry_id, late)).status == "expired"
    await database.acting_as(Identity.service()).call("wake_waiting_tasks")
    assert (await interrupts.get_interrupt(larry, larry_id, late)).status == "expired"
    with pytest.raises(Conflict, match="time to answer"):
        await interrupts.answer_interrupt(ana, shown.id, shown.digest, "accept")
    taken_back = await ask(larry, larry_id)
    shown = await approval_of(ana, taken_back)
    for _ in range(2):
        assert (await interrupts.withdraw_interrupt(larry, larry_id, taken_back)).status == "withdrawn"
    task = await functions.get_task(ana, taken_back)
    assert (task.execution_status, task.failure_reason) == ("cancelled", "The agent withdrew its question")
    with pytest.raises(Conflict, match="withdrawn"):
        await interrupts.answer_interrupt(ana, shown.id, shown.digest, "accept")
    dropped = await ask(larry, larry_id)
    await functions.cancel_task(ana, dropped)
    assert (await interrupts.get_interrupt(larry, larry_id, dropped)).status == "withdrawn"
    many = [asked({"allow_ignore": True})] * 50
    for _ in range(4):
        await interrupts.open_interrupts(larry, larry_id, many)
    with pytest.raises(Conflict, match="200 open questions"):
        await ask(larry, larry_id)


async def test_a_part_of_the_agents_own_work_asks_and_the_agent_goes_on_with_the_answer(
    house: House, ana: Caller, service: Caller
) -> None:
    larry, larry_id = await agent_of(ana)
    root = (await trees.create_task_tree(
        ana, {"title": "Win Carol", "execution_type": "fully_automated", "tool": "outside_agent", "tool_input": {"whom": "Larry"}}
    )).id  # fmt: skip
    await functions.queue_task_execution(ana, root)
    await _run(house, service, root)
    work = await agent_work.claim_work(larry, larry_id, RULES)
    assert work is not None
    part = {"key": "ask", "title": "Ask", "tool": "agent_interrupt", "execution_type": "fully_automated"}
    event = {"event_id": "1", "type": "subtask_created", "task_id": str(root)}
    data = {"confidence": 0.9, "continues": True, "parts": [{**part, "tool_input": asked().as_asked()}]}
    said = (await agent_work.report_events(larry, root, [{**event, "data": data}], RULES))[0]
    assert said.parts, said
    found = said.parts[0].task_id
    assert (await interrupts.get_interrupt(larry, larry_id, found)).status == "waiting"
    await _run(house, service, found)
    task = await functions.get_task(ana, found)
    assert (task.blocked_on, [(one.kind, one.title) for one in task.tainted_by]) == ("approval", [("agent", "Larry")])
    shown = await approval_of(ana, found)
    assert shown.asked_by is not None
    assert shown.asked_by.name == "Larry"
    await interrupts.answer_interrupt(ana, shown.id, shown.digest, "edit", EDITED)
    await _run(house, service, root)
    work = await agent_work.claim_work(larry, larry_id, RULES)
    assert work is not None
    assert work.parts[0].output == {"type": "edit", "args": EDITED}
    await ask(larry, larry_id, task_id=root)


async def _run(house: House, service: Caller, task_id: UUID) -> None:
    task = await start_task(service, task_id, house.equipment, uuid4())
    assert task is not None
    await carry_out(service, task, house.equipment)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"action_request": {"action": " ", "args": {}}}, "action"),
        ({"action_request": {"action": "x" * 2001, "args": {}}}, "action"),
        ({"action_request": {"action": "x\0", "args": {}}}, "NUL"),
        ({"action_request": {"action": "x", "args": {"a": "\ud800"}}}, "surrogate"),
        ({"action_request": {"action": "x", "args": {"a": float("nan")}}}, "NaN"),
        ({"action_request": {"action": "x", "args": [1]}}, "dictionary"),
        ({"action_request": {"action": "x", "args": {"a": "x" * 100_000}}}, "100,000 are allowed"),
        ({"config": {}}, "nothing is allowed"),
        ({"config": {"allow_all": True}}, "allow_all"),
        ({"description": "x" * 20_001}, "20000"),
        ({"more": 1}, "more"),
        ({"key": "k"}, "key"),
    ],
    ids=["empty", "long", "nul", "surrogate", "nan", "list", "huge", "nothing", "unknown", "wordy", "extra", "key"],
)
def test_what_is_no_interrupt_is_refused_in_words(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        HumanInterrupt.model_validate({"action_request": MAIL, "config": ALL, **wrong})
    deep: Any = {}
    for _ in range(50):
        deep = {"a": deep}
    with pytest.raises(ValueError, match="deeper"):
        HumanInterrupt.model_validate({"action_request": {"action": "x", "args": deep}, "config": ALL})
