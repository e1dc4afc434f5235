"""Nothing leaves without leave, whoever writes the rows: approvals, drafts and steps at an SQL console, and in time."""

from typing import Any, LiteralString

import psycopg
import pytest

from agents.tools.built_in import BUILT_IN_TOOLS
from core.database import Caller, Database
from core.errors import Conflict, Forbidden
from core.postgres import IDENTITY, pool_of
from tasks import functions, review, runs, steps
from tests.integration.tasks.permitting import (
    CONTENT,
    acting,
    allowed_by,
    approval_of,
    delivered,
    over,
    permitted,
    running,
    sender_of,
    write,
)


async def refused(database: Database, who: Caller | None, query: LiteralString, *params: Any) -> str:
    """The SQLSTATE of the refusal of one transaction, as somebody or at the console."""

    async def attempt() -> None:
        async with pool_of(database).connection() as connection, connection.transaction():
            if who is not None:
                await connection.execute(IDENTITY, (who.identity.role, who.identity.claims_setting()))
            await connection.execute(query, params)
            await connection.execute("set constraints all immediate")

    with pytest.raises(psycopg.Error) as error:
        await attempt()
    return error.value.sqlstate or ""


async def test_no_row_is_approved_but_by_a_person_or_a_permission_that_covers_it(
    ana: Caller, service: Caller, database: Database
) -> None:
    saved = await permitted(ana)
    draft = await delivered(ana, service, None)
    elsewhere = await delivered(ana, service, allowed_by(saved), to_recipients=["eve@example.net"])
    covered = await delivered(ana, service, allowed_by(saved))
    for who in (service, None):
        for approval in (await approval_of(ana, draft), await approval_of(ana, elsewhere)):
            for assignments in (
                "state = 'approved'",
                "state = 'approved', decided_how = 'own'",
                "state = 'approved', decided_how = 'person', decided_by = gen_random_uuid()",
                "state = 'approved', decided_how = 'permission'",
                f"state = 'approved', policy_id = '{saved.id}'",
                "state = 'approved', policy_id = gen_random_uuid()",
                "state = 'used'",
                f"policy_id = '{saved.id}'",
                """decision = '{"verdict": "allow"}'""",
                "origin = '{}'",
            ):
                query: Any = f"update public.approvals set {assignments} where id = %s"
                assert await refused(database, who, query, approval.id) in {"PT403", "PT409"}, assignments
        held = await approval_of(ana, covered)
        for assignments in (
            "hold_until = now()",
            "good_until = '2100-01-01'",
            "state = 'used'",
            "decided_how = 'person'",
        ):
            query = f"update public.approvals set {assignments} where id = %s"
            assert await refused(database, who, query, held.id) == "PT409", assignments
        for row in (draft, elsewhere, covered):
            send = "update public.drafts set state = 'sending' where id = %s"
            assert await refused(database, who, send, row.id) in {"PT403", "PT409"}
        assert (
            await refused(database, who, "update public.drafts set state = 'approved' where id = %s", draft.id)
            == "PT403"
        )
        assert (
            await refused(database, who, """update public.drafts set provenance = '{"x": 1}' where id = %s""", draft.id)
            == "PT409"
        )
        for state, how, tool in (
            ("approved", "own", "file"),
            ("used", "own", "file"),
            ("used", "person", "calendar_event"),
        ):
            assert await refused(
                database, who, "insert into public.approvals (organization_id, task_id, title, digest, state, decided_how, tool)"
                " values (%s, %s, 'x', 'x', %s, %s, %s)", draft.organization_id, draft.task_id, state, how, tool,
            ) in {"PT403", "PT409"}  # fmt: skip
    assert (await review.get_draft(ana, covered.id)).state == "approved"


async def test_an_act_step_is_only_begun_with_leave(
    ana: Caller, mallory: Caller, service: Caller, database: Database
) -> None:
    act = await acting(ana, service, None)
    draft = await delivered(ana, service, None)
    await review.approve_draft(ana, draft.id, draft.digest)
    insert = (
        "insert into public.steps (organization_id, task_id, root_task_id, key, kind, name, state)"
        " values (%s, %s, %s, %s, 'act', %s, %s)"
    )
    for who in (service, None):
        for key in ("calendar_event/0", f"send draft {draft.id}/0", "browser_by_hand 1/0", "send draft x/0", "file/0"):
            for state in ("started", "finished"):
                place = (act.organization_id, act.task_id, act.task_id, key, key.partition("/")[0], state)
                assert await refused(database, who, insert, *place) == "PT403", key
    for who in (ana, mallory):
        assert await refused(database, who, insert, *place) == "42501"
    command = "insert into public.browser_commands (organization_id, task_id, sealed) values (%s, %s, 'x')"
    assert await refused(database, service, command, act.organization_id, act.task_id) == "PT403"
    async with pool_of(database).connection() as connection:  # a step that reads does not become an act
        await connection.execute(
            "insert into public.steps (organization_id, task_id, root_task_id, key, kind, name) values (%s, %s, %s, 'r/0', 'read', 'r')",
            (act.organization_id, act.task_id, act.task_id),
        )
    for assignments in ("kind = 'act'", "name = 'send'", "key = 'x'"):
        query: Any = f"update public.steps set {assignments} where key = 'r/0'"
        assert await refused(database, service, query) == "PT409"
    task = await running(ana, service, tool="calendar_event")
    with pytest.raises(Forbidden, match="without leave"):
        await steps.begin_step(service, task.id, "calendar_event/0", "act", "calendar_event", own={"input": {}})
    with pytest.raises(Conflict):
        await steps.begin_step(service, task.id, "calendar_event/0", "act", "calendar_event", act.id)


async def test_a_draft_that_is_being_sent_is_leave_and_stays_it(ana: Caller, service: Caller) -> None:
    draft = await delivered(ana, service, None)
    await review.approve_draft(ana, draft.id, draft.digest)
    task = await runs.start_task_execution(service, (await sender_of(ana, draft)).id, None)
    name = f"send draft {draft.id}"
    with pytest.raises(Forbidden, match="without leave"):
        await steps.begin_step(service, task.id, f"{name}/0", "act", name)
    await review.begin_sending(service, draft.id, "<1@example.com>")
    step = await steps.begin_step(service, task.id, f"{name}/0", "act", name)
    assert step.step_id
    await steps.fail_step(service, step.step_id, "the line broke")
    again = await steps.begin_step(service, task.id, f"{name}/0", "act", name)
    assert (again.state, again.step_id) == ("new", step.step_id)
    await steps.fail_step(service, step.step_id, "the line broke again", is_uncertain=True)
    assert (await steps.resolve_step(ana, step.step_id, happened=False)).state == "failed"
    await review.finish_sending(service, draft.id, "uncertain", reason="no answer")
    assert (await steps.begin_step(service, task.id, f"{name}/0", "act", name)).state == "new"
    await steps.finish_step(service, step.step_id, {"output": 1})
    assert (await steps.begin_step(service, task.id, f"{name}/0", "act", name)).state == "finished"


async def test_own_acts_are_those_of_the_tools_and_keep_what_they_did(
    ana: Caller, service: Caller, database: Database
) -> None:
    own = sorted(tool.name for tool in BUILT_IN_TOOLS.values() if tool.is_own)
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            "select coalesce(array_agg(t order by t), '{}') from unnest(%s::text[]) t where private.is_own_act(t)",
            (sorted(BUILT_IN_TOOLS),),
        )
        assert await cursor.fetchone() == (own,)
    (task,) = await functions.create_tasks(ana, [{"title": "Note it", "tool": "file", "tool_input": {"name": "a.txt"}}])
    await functions.queue_task_execution(ana, task.id)
    begun = await runs.start_task_execution(service, task.id, None)
    step = await steps.begin_step(service, begun.id, "file/0", "act", "file", own={"input": {"name": "b.txt"}})
    again = await steps.begin_step(service, begun.id, "file/0", "act", "file")
    assert (again.step_id, again.state) == (step.step_id, "new")
    (kept,) = (await review.list_approvals(ana, decided_how=["own"])).items
    assert (kept.state, kept.policy_id, kept.decided_by, kept.tool) == ("used", None, None, "file")
    assert kept.payload == {"input": {"name": "b.txt"}}
    assert (await review.list_approvals(ana)).items == []
    assert await review.get_act(service, task.id) is None
    with pytest.raises(Forbidden, match="without leave"):
        await steps.begin_step(service, begun.id, "other/0", "act", "other")


async def test_questions_and_answers_come_to_an_end_and_nothing_is_lost(
    ana: Caller, service: Caller, database: Database
) -> None:
    asked = await delivered(ana, service, None)
    first = await approval_of(ana, asked)
    assert first.expires_at
    assert 13 < (first.expires_at - first.created_at).total_seconds() / 86400 <= 14
    await write(database, "approvals", first.id, expires_at="now() - interval '1 second'")
    with pytest.raises(Conflict, match="expired"):
        await review.approve_draft(ana, asked.id, asked.digest)
    approved = await delivered(ana, service, None, body="Bye John")
    await review.approve_draft(ana, approved.id, approved.digest)
    second = await approval_of(ana, approved)
    assert second.good_until
    assert second.decided_at
    assert round((second.good_until - second.decided_at).total_seconds() / 3600) == 24
    act = await acting(ana, service, None)
    await review.decide_approval(ana, act.id, approved=True)
    for approval_id in (second.id, act.id):
        await write(database, "approvals", approval_id, good_until="now() - interval '1 second'")
    with pytest.raises(Conflict, match="not used in time"):
        await review.begin_sending(service, approved.id, "<1@example.com>")
    await runs.start_task_execution(service, act.task_id, None)
    assert await review.get_act(service, act.task_id) is None
    with pytest.raises(Conflict, match="not used in time"):
        await steps.begin_step(service, act.task_id, "calendar_event/0", "act", "calendar_event", act.id)
    review_task = await running(ana, service, title="Read it", kind="summary")
    await review.request_review(service, review_task.id, "Read it", {"output": "x"})
    (result,) = (one for one in (await review.list_approvals(ana)).items if one.task_id == review_task.id)
    await write(database, "approvals", result.id, expires_at="now() - interval '1 second'")

    for _ in range(2):
        await service.call("wake_waiting_tasks")
    states = {one: (await review.get_approval(ana, one)).state for one in (first.id, second.id, act.id, result.id)}
    assert set(states.values()) == {"expired"}
    asking = (await review.list_approvals(ana, states=["open"])).items
    assert {one.task_id for one in asking} == {asked.task_id, approved.task_id, review_task.id}
    assert len(asking) == 3
    renewed = await review.get_draft(ana, asked.id)
    assert renewed.state == "draft"
    await review.approve_draft(ana, asked.id, asked.digest)
    newer = next(one for one in asking if one.task_id == approved.task_id)
    assert newer.draft_id
    draft = await review.get_draft(ana, newer.draft_id)
    assert (draft.body, draft.version, draft.state) == ("Bye John", 2, "draft")
    assert (await sender_of(ana, approved)).execution_status == "cancelled"


async def test_a_gate_without_an_end_of_its_own_ends_after_two_weeks(ana: Caller, service: Caller) -> None:
    task = await running(ana, service)
    gate = await review.request_approval(service, task.id, "Go on?", {"amount": 1})
    waiting = await functions.get_task(ana, task.id)
    assert gate.expires_at
    assert waiting.blocked_until == gate.expires_at


async def test_a_yes_is_used_once_and_an_edit_takes_the_held_one_along(
    ana: Caller, service: Caller, database: Database
) -> None:
    saved = await permitted(ana)
    held = await delivered(ana, service, allowed_by(saved), provenance={"note": 1})
    edited = await review.revise_draft(ana, held.id, {"body": "Hi"})
    assert (edited.state, edited.provenance.get("note"), edited.author_type) == ("draft", 1, "user")
    assert (await sender_of(ana, held)).execution_status == "cancelled"
    assert held.approval
    await write(database, "approvals", held.approval.id, hold_until="now() - interval '1 second'")
    with pytest.raises(Conflict):
        await review.begin_sending(service, held.id, "<1@example.com>")
    rewritten = await delivered(ana, service, allowed_by(saved))
    (task,) = [await functions.get_task(ana, rewritten.task_id)]
    await review.create_draft(ana, task.id, CONTENT | {"body": "Another"})
    assert (await sender_of(ana, rewritten)).execution_status == "cancelled"
    sent = await delivered(ana, service, allowed_by(saved))
    assert sent.approval
    await over(database, sent.approval.id)
    await review.begin_sending(service, sent.id, "<3@example.com>")
    for state in ("approved", "open"):
        query: Any = f"update public.approvals set state = '{state}' where id = %s"
        assert await refused(database, service, query, sent.approval.id) == "PT409"


async def test_a_yes_is_for_one_step_of_one_thing(ana: Caller, service: Caller) -> None:
    """The yes to an act begins no step of another name, and a draft that is sent gives leave to nothing else."""
    asked = await acting(ana, service, None)
    await review.decide_approval(ana, asked.id, approved=True)
    await runs.start_task_execution(service, asked.task_id, None)
    for key, name in (("browser/0", "browser"), ("calendar_event/0", "http_request")):
        with pytest.raises(Conflict, match="unused approval"):
            await steps.begin_step(service, asked.task_id, key, "act", name, asked.id)
    draft = await delivered(ana, service, None)
    await review.approve_draft(ana, draft.id, draft.digest)
    await review.begin_sending(service, draft.id, f"<{draft.id}@vega.example>")
    for key, name in (
        (f"send draft {draft.id}/0", "calendar_event"),
        (f"send draft {draft.id}/1", f"send draft {draft.id}"),
    ):
        with pytest.raises(Forbidden, match="without leave"):
            await steps.begin_step(service, asked.task_id, key, "act", name)
    await steps.begin_step(service, asked.task_id, "calendar_event/0", "act", "calendar_event", asked.id)
