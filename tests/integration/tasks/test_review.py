"""Drafts and approvals: nothing is sent but what a person approved, exactly, once."""

import asyncio
from uuid import UUID

import psycopg
import pytest

from core.database import Caller, Database
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.postgres import pool_of
from tasks import functions, review, runs
from tasks.drafts import Draft
from tasks.models import Task

CONTENT = {"to_recipients": ["john@example.com"], "subject": "Thank you", "body": "Hello John"}


async def drafted(ana: Caller, service: Caller, execution_type: str = "semi_automated") -> tuple[Task, Draft]:
    task = (
        await functions.create_tasks(ana, [{"title": "Mail John", "execution_type": execution_type, "kind": "email"}])
    )[0]
    await functions.queue_task_execution(ana, task.id)
    await runs.start_task_execution(service, task.id, None)
    draft = await review.deliver_draft(service, task.id, CONTENT, {"strategy": "immediate", "output": "x"})
    return await functions.get_task(ana, task.id), draft


async def test_a_semi_automated_task_waits_for_review_and_a_fully_automated_one_is_done(
    ana: Caller, service: Caller
) -> None:
    task, _ = await drafted(ana, service)
    assert (task.execution_status, task.blocked_on) == ("blocked", "review")
    task, draft = await drafted(ana, service, "fully_automated")
    assert task.execution_status == "completed"
    assert task.open_draft_id == draft.id


async def test_approval_sends_exactly_once_and_completes_the_task(ana: Caller, service: Caller) -> None:
    task, draft = await drafted(ana, service)
    approved = await review.approve_draft(ana, draft.id, draft.digest)
    assert approved.state == "approved"
    tree = await functions.get_task_tree(ana, task.id)
    assert [(c.tool, c.execution_status) for c in tree.children] == [("email_send", "queued")]
    begun = await review.begin_sending(service, draft.id, "<1@example.com>")
    assert (begun.was, begun.state, begun.attempt_unknown) == ("approved", "sending", False)
    again = await review.begin_sending(service, draft.id, "<1@example.com>")
    assert (again.was, again.attempt_unknown) == ("sending", True)
    await review.finish_sending(service, draft.id, "sent", {"location": "x.eml"})
    assert (await functions.get_task(ana, task.id)).execution_status == "completed"
    approvals = await review.list_approvals(ana)
    assert [(a.state, a.decided_by) for a in approvals.items] == [("used", ana.identity.user_id)]
    with pytest.raises(Conflict):
        await review.approve_draft(ana, draft.id, draft.digest)


async def test_approving_at_the_same_time_is_approving_once(ana: Caller, service: Caller) -> None:
    _, draft = await drafted(ana, service)
    outcomes = await asyncio.gather(
        *(review.approve_draft(ana, draft.id, draft.digest) for _ in range(6)), return_exceptions=True
    )
    assert sum(isinstance(o, Draft) for o in outcomes) == 1
    assert sum(isinstance(o, Conflict) for o in outcomes) == 5


async def test_another_digest_is_refused(ana: Caller, service: Caller) -> None:
    _, draft = await drafted(ana, service)
    with pytest.raises(Conflict, match="not the draft that was shown"):
        await review.approve_draft(ana, draft.id, "0" * 64)
    with pytest.raises(Conflict):
        await review.approve_draft(ana, draft.id, None)  # pyright: ignore[reportArgumentType]


async def test_an_edit_is_a_new_version_and_voids_the_approval(ana: Caller, service: Caller) -> None:
    task, draft = await drafted(ana, service)
    await review.approve_draft(ana, draft.id, draft.digest)
    edited = await review.revise_draft(ana, draft.id, {"body": "Hi John"})
    assert (edited.version, edited.state, edited.supersedes_id, edited.author_type) == (2, "draft", draft.id, "user")
    assert edited.digest != draft.digest
    with pytest.raises(Conflict):
        await review.begin_sending(service, draft.id, "<1@example.com>")
    history = (await review.get_draft(ana, edited.id)).history
    assert [(h.version, h.state) for h in history] == [(1, "superseded"), (2, "draft")]
    tree = await functions.get_task_tree(ana, task.id)
    assert [c.execution_status for c in tree.children] == ["cancelled"]
    with pytest.raises(Conflict):
        await review.revise_draft(ana, draft.id, {"body": "Too late"})


async def test_rejecting_with_feedback_queues_a_revision(ana: Caller, service: Caller) -> None:
    task, draft = await drafted(ana, service)
    rejected = await review.reject_draft(ana, draft.id, "make it shorter")
    assert rejected.state == "rejected"
    tree = await functions.get_task_tree(ana, task.id)
    assert [(c.tool, c.tool_input["feedback"]) for c in tree.children] == [("revise_draft", "make it shorter")]
    child = tree.children[0]
    await runs.start_task_execution(service, child.id, None)
    newer = await review.deliver_draft(
        service, child.id, {**CONTENT, "body": "Short"}, {"output": "x"}, supersedes_id=draft.id
    )
    assert (newer.version, newer.task_id, newer.supersedes_id) == (2, task.id, draft.id)


async def test_rejecting_without_feedback_leaves_the_task_to_the_person(ana: Caller, service: Caller) -> None:
    task, draft = await drafted(ana, service)
    await review.reject_draft(ana, draft.id)
    task = await functions.get_task(ana, task.id)
    assert (task.blocked_on, task.blocked_reason) == ("person", "You rejected the draft")


async def test_the_worker_cannot_approve(service: Caller, ana: Caller, database: Database) -> None:
    _, draft = await drafted(ana, service)
    with pytest.raises(Forbidden, match="Only a person"):
        await review.approve_draft(service, draft.id, draft.digest)
    async with pool_of(database).connection() as connection:
        for statement in (
            "update public.approvals set state = 'approved'",
            "update public.drafts set state = 'approved'",
        ):
            with pytest.raises(psycopg.Error) as refused:
                await connection.execute(statement)
            assert refused.value.sqlstate == "PT403"


async def test_nothing_is_sent_without_a_matching_approval(service: Caller, ana: Caller, database: Database) -> None:
    _, draft = await drafted(ana, service)
    with pytest.raises(Conflict):
        await review.begin_sending(service, draft.id, "<1@example.com>")
    await review.approve_draft(ana, draft.id, draft.digest)
    async with pool_of(database).connection() as connection:
        await connection.execute("update public.approvals set state = 'voided'")
        with pytest.raises(psycopg.Error, match="without a matching approval"):
            await connection.execute("update public.drafts set state = 'sending' where id = %s", (draft.id,))


@pytest.mark.parametrize(
    "change",
    [
        "body = 'evil'",
        "to_recipients = '{x@evil.example}'",
        "digest = 'x'",
        "target = '{\"a\": 1}'",
        "thread_tail = 'x'",
    ],
)
async def test_content_of_a_draft_never_changes(ana: Caller, service: Caller, database: Database, change: str) -> None:
    _, draft = await drafted(ana, service)
    async with pool_of(database).connection() as connection:
        with pytest.raises(psycopg.Error, match="never changes"):
            await connection.execute(f"update public.drafts set {change} where id = %s".encode(), (draft.id,))


async def test_a_draft_without_recipient_cannot_be_approved(ana: Caller, service: Caller) -> None:
    task = (await functions.create_tasks(ana, [{"title": "x", "execution_type": "semi_automated"}]))[0]
    draft = await review.create_draft(ana, task.id, {"subject": "s", "body": "b"})
    with pytest.raises(Invalid, match="no recipient"):
        await review.approve_draft(ana, draft.id, draft.digest)


async def test_somebody_elses_draft_does_not_exist(ana: Caller, service: Caller, mallory: Caller) -> None:
    _, draft = await drafted(ana, service)
    approval = (await review.list_approvals(ana)).items[0]
    for call in (
        review.get_draft(mallory, draft.id),
        review.approve_draft(mallory, draft.id, draft.digest),
        review.reject_draft(mallory, draft.id),
        review.revise_draft(mallory, draft.id, {"body": "x"}),
        review.resolve_draft(mallory, draft.id, was_sent=True),
        review.decide_approval(mallory, approval.id, approved=True),
    ):
        with pytest.raises(NotFound):
            await call
    assert (await review.list_drafts(mallory)).items == []


async def test_an_uncertain_message_is_a_persons_to_resolve(ana: Caller, service: Caller) -> None:
    task, draft = await drafted(ana, service)
    await review.approve_draft(ana, draft.id, draft.digest)
    await review.begin_sending(service, draft.id, "<1@example.com>")
    await review.finish_sending(service, draft.id, "uncertain", reason="the line broke")
    assert (await functions.get_task(ana, task.id)).blocked_on == "person"
    with pytest.raises(Forbidden):
        await review.finish_sending(service, draft.id, "sent")
    assert (await review.resolve_draft(ana, draft.id, was_sent=True)).state == "sent"
    assert (await functions.get_task(ana, task.id)).execution_status == "completed"
    with pytest.raises(Conflict):
        await review.resolve_draft(ana, draft.id, was_sent=False)


async def test_a_result_without_a_draft_is_reviewed_as_well(ana: Caller, service: Caller) -> None:
    task = (
        await functions.create_tasks(
            ana, [{"title": "Budget", "execution_type": "semi_automated", "kind": "spreadsheet"}]
        )
    )[0]
    await functions.queue_task_execution(ana, task.id)
    await runs.start_task_execution(service, task.id, None)
    await review.request_review(service, task.id, "Budget", {"strategy": "immediate", "output": "a,b"})
    approval = (await review.list_approvals(ana, states=["open"])).items[0]
    with pytest.raises(Forbidden):
        await review.decide_approval(service, approval.id, approved=True)
    await review.decide_approval(ana, approval.id, approved=True)
    assert (await functions.get_task(ana, task.id)).execution_status == "completed"


async def test_cancelling_a_task_voids_its_drafts(ana: Caller, service: Caller) -> None:
    task, draft = await drafted(ana, service)
    await functions.cancel_task(ana, task.id)
    assert (await review.get_draft(ana, draft.id)).state == "superseded"
    with pytest.raises(Conflict):
        await review.approve_draft(ana, draft.id, draft.digest)


async def test_the_audit_names_who_decided(ana: Caller, service: Caller, database: Database) -> None:
    _, draft = await drafted(ana, service)
    await review.approve_draft(ana, draft.id, draft.digest, "looks right")
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            "select actor_type, actor_id, reason from public.audit_events where action = 'approval.approved'"
        )
        assert await cursor.fetchall() == [("user", ana.identity.user_id, "looks right")]
    assert isinstance(draft.id, UUID)
