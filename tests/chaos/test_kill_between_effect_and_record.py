"""A worker process is killed after an effect took place and before that was recorded, for every kind of step.

The other end does the killing where it can (the mail server, the proxy before the model server), else the tool itself.
A second process takes over. What counts is the other end's own count, never our rows alone.
"""

from uuid import UUID

import pytest

from tasks import functions, review, steps, trees
from tasks.drafts import Draft
from tests.chaos.dying_worker import AFTER, BEFORE, NEVER
from tests.chaos.model_faults import ModelFaults, running_faults
from tests.chaos.others import Others, approved_draft, tree_with
from tests.chaos.smtp_sink import SmtpSink, running_sink
from tests.emulators.model_server import ModelServer


async def killed_in(others: Others, tool: str, dies: str) -> trees.MadeTree:
    """A tree of two parts, whose second killed its worker around its effect."""
    made = await trees.create_task_tree(others.house.caller, tree_with(tool))
    await others.until_a_worker_dies(dies, lambda: functions.queue_task_execution(others.house.caller, made.id))
    return made


@pytest.mark.parametrize("dies", [BEFORE, AFTER])
async def test_an_act_that_can_be_looked_up_takes_effect_once(others: Others, dies: str) -> None:
    made = await killed_in(others, "note", dies)
    async with others.worker():
        await others.until(made.id, "completed")
    later = made.keys["later"]
    assert others.effects("note", later) == 1
    assert others.effects("note", made.keys["earlier"]) == 1
    (step,) = await steps.list_steps(others.house.caller, later)
    assert (step.state, step.attempts) == ("finished", 2)


@pytest.mark.parametrize("dies", [BEFORE, AFTER])
async def test_an_act_that_nobody_can_look_up_is_asked_about(others: Others, dies: str) -> None:
    made = await killed_in(others, "shout", dies)
    later, caller = made.keys["later"], others.house.caller
    happened = dies == AFTER
    async with others.worker():
        task = await others.until(later, "blocked", "completed", "failed")
        assert (task.execution_status, task.blocked_on) == ("blocked", "person")
        (step,) = await steps.list_steps(caller, later)
        assert step.state == "uncertain"
        assert others.effects("shout", later) == (1 if happened else 0)
        # The person looks, and says what is so; then the tree goes on.
        await steps.resolve_step(caller, step.id, happened=happened)
        await others.until(made.id, "completed", "failed")
        assert (await functions.get_task(caller, later)).execution_status == "completed", others.log
    assert others.effects("shout", later) == 1
    assert others.effects("note", made.keys["earlier"]) == 1


async def test_a_reading_tool_reads_again_and_nothing_before_it_is_done_again(others: Others) -> None:
    made = await killed_in(others, "look", AFTER)
    async with others.worker():
        await others.until(made.id, "completed")
    assert others.effects("look", made.keys["later"]) == 2
    assert others.effects("note", made.keys["earlier"]) == 1


async def test_a_mail_leaves_once_through_the_outbox(others: Others) -> None:
    house = others.house
    outbox = house.settings.home / "outbox"
    sent: list[tuple[Draft, UUID]] = []

    async def begin() -> None:
        sent.append(await approved_draft(house))

    await others.until_a_worker_dies(AFTER, begin)
    ((draft, send_task),) = sent
    assert len(list(outbox.glob("*.eml"))) == 1, "the effect took place before the worker died"
    async with others.worker():
        task = await others.until(send_task, "completed", "failed", "blocked")
    assert (task.execution_status, task.verification) == ("completed", "verified")
    assert (await review.get_draft(house.caller, draft.id)).state == "sent"
    assert len(list(outbox.glob("*.eml"))) == 1


async def test_a_mail_leaves_at_most_once_by_smtp_and_a_person_is_asked(others: Others) -> None:
    house = others.house
    sink = SmtpSink(refuse_for_now=0, drop_taken=0, drop_untaken=0, on_taken=others.kill)
    sent: list[tuple[Draft, UUID]] = []

    async def begin() -> None:
        sent.append(await approved_draft(house))

    async with running_sink(sink):
        others.environment["STEWARD_SMTP_URL"] = sink.url
        await others.until_a_worker_dies(NEVER, begin)
        ((draft, send_task),) = sent
        async with others.worker():
            task = await others.until(send_task, "completed", "failed", "blocked")
    assert (task.execution_status, task.blocked_on) == ("blocked", "person")
    found = await review.get_draft(house.caller, draft.id)
    assert found.state == "uncertain"
    assert sink.taken == {found.message_id: 1}
    # The person found it, and says so.
    await review.resolve_draft(house.caller, draft.id, was_sent=True)
    assert (await functions.get_task(house.caller, send_task)).execution_status == "completed"


@pytest.mark.parametrize("interrupted", ["strategy", "check"])
async def test_a_model_is_asked_again_only_for_the_answer_that_did_not_arrive(
    others: Others, model_server: ModelServer, interrupted: str
) -> None:
    caller = others.house.caller
    marker = f"marker-invitation-{['strategy', 'check'].index(interrupted)}"
    last = 1 if interrupted == "strategy" else 2
    item = {
        "title": f"Write the invitation {marker}",
        "kind": "document",
        "execution_type": "fully_automated",
        "acceptance_criteria": ["says when"],
    }

    def answered(_: str) -> None:
        if faults.answered(marker) == last:
            others.kill()

    faults = ModelFaults(
        model_server.base_url.removesuffix("/v1"),
        limited=0,
        broken=0,
        malformed=0,
        cut=0,
        on_answered=answered,
    )
    async with running_faults(faults):
        others.environment |= {"OPENAI_BASE_URL": faults.base_url, "OPENAI_API_KEY": "not-a-key"}
        (task,) = await functions.create_tasks(caller, [item])
        await others.until_a_worker_dies(NEVER, lambda: functions.queue_task_execution(caller, task.id))
        async with others.worker():
            done = await others.until(task.id, "completed", "failed", "blocked")
    assert done.execution_status == "completed"
    assert done.result["output"] == "You are invited on 14 May at six."
    assert faults.answered(marker) == 3, "two answers are needed, and one did not arrive"
    found = {step.name: (step.state, step.attempts) for step in await steps.list_steps(caller, task.id)}
    other = "check" if interrupted == "strategy" else "strategy"
    assert found == {interrupted: ("finished", 2), other: ("finished", 1)}
