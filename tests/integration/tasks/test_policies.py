"""Standing permissions: narrow, limited, bounded in time; given and taken back by people, and by themselves after a no."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from core.database import Caller, Database, Identity
from core.errors import Conflict, Forbidden, Invalid, NotFound, StewardError
from core.postgres import pool_of
from tasks import functions, policies, review, runs, steps
from tasks.drafts import Draft
from tests.conftest import sign_up
from tests.integration.tasks.permitting import (
    CONTENT,
    JOHN,
    acting,
    allowed_by,
    approval_of,
    delivered,
    over,
    permitted,
    running,
    sender_of,
    terms,
    write,
)

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"action": "Send Mail!"}, "action is the name"),
    ({"action": "file"}, "needs no permission"),
    ({"targets": []}, "1 to 100"),
    ({"targets": ["John <john@example.com>"]}, "cannot be a target"),
    ({"targets": ["a@example.com, b@example.com"]}, "cannot be a target"),
    ({"targets": ["*@example.com"]}, "cannot be a target"),
    ({"targets": ["@gmail.com"]}, "anybody gets an address"),
    ({"targets": ["everybody"]}, "cannot be a target"),
    ({"targets": ["jo\u200bhn@example.com"]}, "cannot be seen"),
    ({"targets": ["#te\u00a0am"]}, "cannot be seen"),
    ({"targets": ["@jo\U000e0041hn"]}, "cannot be seen"),
    ({"targets": ["mailto:john@example.com"]}, "without mailto:"),
    ({"targets": ["https://me@example.com"]}, "without mailto: or https:"),
    ({"targets": ["john smith@example.com"]}, "not one bare address"),
    ({"targets": ["jöhn@example.com"]}, "ASCII form"),
    ({"targets": ["@exämple.com"]}, "ASCII form"),
    ({"targets": ["hooks.exаmple.com"]}, "ASCII form"),  # a Cyrillic a
    ({"targets": [JOHN, f" {JOHN.upper()} "]}, "stands twice"),
    ({"targets": ["@jo.hn@x"]}, "cannot be a target"),
    ({"targets": ["named"], "carries": "plain_text"}, "one by one"),
    ({"carries": "everything"}, "own_words or plain_text"),
    ({"max_per_hour": 0}, "max_per_hour"),
    ({"max_per_day": 1001}, "max_per_day"),
    ({"max_per_day": None}, "max_per_day"),
    ({"max_per_hour": "many"}, "wrong value"),
    ({"hold_seconds": 86401}, "hold_seconds"),
    ({"hold_seconds": -1}, "hold_seconds"),
    ({"expires_at": None}, "expires_at"),
    ({"expires_at": "2020-01-01"}, "expires_at"),
    ({"expires_at": (datetime.now(UTC) + timedelta(days=400)).isoformat()}, "a year"),
    ({"expires_at": "soon"}, "wrong value"),
    ({"task_kinds": [""]}, "task_kinds"),
    ({"task_kinds": ["Tell me"]}, "letters a-z"),
    ({"task_kinds": ["a" * 61]}, "letters a-z"),
    ({"demoted_at": None}, "cannot be set"),
    ({"id": "mine"}, "wrong value"),
]


async def test_a_permission_is_narrow_limited_and_ends(ana: Caller) -> None:
    for changes, said in WRONG:
        with pytest.raises(Invalid) as refused:
            await policies.save_policy(ana, terms(**changes))
        assert said in refused.value.message, changes
    assert (await policies.list_policies(ana)).items == []
    saved = await permitted(
        ana, targets=["#équipe", "@ana", JOHN, "@example.org", "C0123ABCDE", "named", "xn--exmple-cua.com"]
    )
    assert (saved.hold_seconds, saved.carries, saved.task_kinds, saved.used_today, saved.held) == (
        120,
        "own_words",
        [],
        0,
        0,
    )
    off = await policies.save_policy(ana, {key: value for key, value in terms().items() if key != "is_enabled"})
    assert not off.is_enabled
    changed = await policies.save_policy(ana, {"id": str(saved.id), "max_per_hour": 1})
    assert (changed.max_per_hour, changed.max_per_day, changed.targets) == (1, 20, saved.targets)


async def test_only_owners_and_admins_of_the_tenant_give_them(
    ana: Caller, mallory: Caller, nobody: Caller, service: Caller, database: Database
) -> None:
    saved = await permitted(ana)
    member = database.acting_as(await sign_up(database, "ben@example.com"))
    async with pool_of(database).connection() as connection:
        await connection.execute("delete from public.members where user_id = %s", (member.identity.user_id,))
        await connection.execute(
            "insert into public.members (organization_id, user_id) values (%s, %s)",
            (saved.organization_id, member.identity.user_id),
        )
    assert [one.id for one in (await policies.list_policies(member)).items] == [saved.id]
    for who in (service, member, nobody):
        for change in (
            policies.save_policy(who, terms()),
            policies.delete_policy(who, saved.id),
            policies.stop_permissions(who, stopped=False),
        ):
            with pytest.raises(StewardError) as refused:
                await change
            assert refused.value.status in {401, 403}
    with pytest.raises(NotFound):
        await policies.save_policy(mallory, {"id": str(saved.id), "is_enabled": False})
    with pytest.raises(NotFound):
        await policies.delete_policy(mallory, saved.id)
    assert (await policies.list_policies(mallory)).items == []
    async with pool_of(database).connection() as connection, connection.transaction(force_rollback=True):
        await connection.execute("select set_config('role', 'service_role', true)")
        with pytest.raises(Exception, match="permission denied"):
            await connection.execute("update public.policies set targets = '{eve@example.net}'")
    assert (await policies.stop_permissions(member, stopped=True)).stopped_at
    with pytest.raises(Forbidden):
        await policies.stop_permissions(member, stopped=False)
    with pytest.raises(Forbidden):
        await service.call("stop_permissions", stopped=True)
    async with pool_of(database).connection() as connection:
        with pytest.raises(psycopg.Error, match="Only a person"):
            await connection.execute("update public.organizations set permissions_stopped_at = null")
    assert (await policies.stop_permissions(ana, stopped=False)).stopped_at is None
    await policies.delete_policy(ana, saved.id)
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            "select action from public.audit_events where action like 'polic%' or action like 'permission%' order by id"
        )
        told = [row[0] for row in await cursor.fetchall()]
    assert told == ["policy.created", "permissions.stopped", "permissions.resumed", "policy.deleted"]


async def test_what_a_permission_covers_goes_after_its_hold(ana: Caller, service: Caller, database: Database) -> None:
    saved = await permitted(ana)
    draft = await delivered(ana, service, allowed_by(saved))
    approval = await approval_of(ana, draft)
    assert (draft.state, approval.state, approval.decided_how, approval.decided_by) == (
        "approved",
        "approved",
        "permission",
        None,
    )
    assert (approval.policy_id, approval.origin.title, approval.origin.source) == (saved.id, "Mail John", "manual")
    assert approval.hold_until
    assert 100 < (approval.hold_until - datetime.now(UTC)).total_seconds() <= 121
    sender = await sender_of(ana, draft)
    assert sender.execution_status == "queued"
    assert sender.run_after
    assert sender.run_after > approval.hold_until
    await functions.update_task(ana, sender.id, {"execution_status": "pending"})
    queued_again = await functions.queue_task_execution(ana, sender.id)
    assert queued_again.run_after == sender.run_after, "the hold is not skipped by asking again"
    with pytest.raises(Conflict, match="held"):
        await review.begin_sending(service, draft.id, "<1@example.com>")
    assert (await policies.list_policies(ana)).items[0].held == 1
    await over(database, approval.id)
    assert (await review.begin_sending(service, draft.id, "<1@example.com>")).state == "sending"
    with pytest.raises(Conflict, match="Too late"):
        await policies.undo_permission(ana, approval.id)
    await review.finish_sending(service, draft.id, "sent", {"location": "x"})
    (past,) = await policies.list_sent_history(ana, "email_send", 30)
    assert (past.became, past.destinations, past.task_kind, past.policy_id) == ("sent", [JOHN], "email", saved.id)


async def test_what_it_does_not_cover_asks_and_says_why(ana: Caller, mallory: Caller, service: Caller) -> None:
    saved = await permitted(ana, targets=[JOHN, "@example.org"])
    named = await permitted(ana, targets=["named"])
    off, other = await permitted(ana, is_enabled=False), await permitted(ana, action="slack_notification")
    kinds, foreign = await permitted(ana, task_kinds=["report"]), await permitted(mallory)
    from_page = {"destinations": {JOHN: {"origin": "untrusted", "quote": "write to john"}}}
    guessed = {"destinations": {"kim@example.org": {"origin": "model"}}}
    cases: list[tuple[dict[str, Any] | None, dict[str, Any], str | None]] = [
        (allowed_by(saved), {"cc_recipients": ["Eve <eve@example.net>"]}, "not for eve@example.net"),
        (allowed_by(saved), {"bcc_recipients": ["x@sub.example.org"]}, "not for x@sub.example.org"),
        (allowed_by(saved), {"to_recipients": [f"eve@example.net, {JOHN}"]}, "not exactly one address"),
        (allowed_by(saved), {"to_recipients": []}, "whom it reaches"),
        (allowed_by(saved), {"to_recipients": ["ana@example.com"]}, "whom it reaches"),
        (allowed_by(saved), {"to_recipients": ["kim@example.org"], "provenance": guessed}, "did not come from you"),
        (allowed_by(saved), {"provenance": from_page}, "did not come from you"),
        (allowed_by(named), {}, "not for john"),
        (allowed_by(off), {}, "switched off"),
        (allowed_by(other), {}, "is for slack_notification"),
        (allowed_by(kinds), {}, "not for tasks of the kind email"),
        (allowed_by(foreign), {}, "no such standing permission"),
        (allowed_by(uuid4()), {}, "no such standing permission"),
        ({"verdict": "ask", "permission_id": str(saved.id), "reasons": []}, {}, None),
        ({"verdict": "allow", "permission_id": None, "reasons": []}, {}, None),
        (None, {}, None),
    ]
    for decision, content, said in cases:
        draft = await delivered(ana, service, decision, **content)
        assert draft.approval
        assert (draft.state, draft.approval.state) == ("draft", "open"), (decision, content)
        assert said in draft.approval.decision.reasons[-1].message if said else draft.approval.decision.reasons == []
        if said:
            assert draft.approval.decision.verdict == "ask"
    by_user = {"destinations": {JOHN.upper(): {"origin": "user"}}}
    for decision, content in (
        (allowed_by(named), {"provenance": by_user}),
        (allowed_by(saved), {"to_recipients": ["Kim <KIM@example.org>"]}),
        (allowed_by(saved), {"bcc_recipients": ["Ana <ANA@example.com>"]}),  # a copy to oneself
    ):
        assert (await delivered(ana, service, decision, **content)).state == "approved"
    direct = await permitted(ana, action="slack_notification", targets=["@ana"])
    for name, state in (("@Ana", "approved"), ("@eve", "draft")):
        message: dict[str, Any] = {"channel": "slack", "target": {"channel": "D0123ABCD", "name": name}}
        sent = await delivered(ana, service, allowed_by(direct), **message, to_recipients=[])
        assert sent.state == state, name
    for odd in ("' or true", "-" * 36):
        with pytest.raises(Invalid, match="permission_id"):
            await delivered(ana, service, {"verdict": "allow", "permission_id": odd})


async def test_limits_hold_when_many_come_at_once_and_the_wrong_answer_demotes(ana: Caller, service: Caller) -> None:
    saved = await permitted(ana, max_per_hour=2)
    tasks = [await running(ana, service) for _ in range(5)]
    drafts = await asyncio.gather(
        *(
            review.deliver_draft(service, task.id, CONTENT, {"output": "x"}, decision=allowed_by(saved))
            for task in tasks
        )
    )
    asking = [draft for draft in drafts if draft.state == "draft"]
    assert len(asking) == 3
    assert asking[0].approval
    assert "as often as it may" in asking[0].approval.decision.reasons[-1].message
    assert (await policies.list_policies(ana)).items[0].used_this_hour == 2
    await review.reject_draft(ana, asking[0].id)  # the permission was considered for it
    (demoted,) = (await policies.list_policies(ana)).items
    assert (demoted.is_enabled, demoted.held, demoted.demoted_because) == (
        False,
        0,
        "You said no to what it would have let through",
    )
    states = {draft.id: (await review.get_draft(ana, draft.id)).state for draft in drafts}
    assert sorted(states.values()) == ["draft", "draft", "rejected", "superseded", "superseded"]
    again = await policies.save_policy(ana, {"id": str(saved.id), "is_enabled": True})
    assert (again.demoted_at, again.is_enabled) == (None, True)


async def test_a_no_demotes_what_is_younger_than_the_question_and_would_let_it_through(
    ana: Caller, mallory: Caller, service: Caller
) -> None:
    by_user = {"destinations": {JOHN: {"origin": "user"}}}
    draft = await delivered(ana, service, None, cc_recipients=["Kim <kim@example.org>"], provenance=by_user)
    act = await acting(ana, service, None)
    both = await permitted(ana, targets=["@example.com", "KIM@example.org"], task_kinds=["email"])
    invites = await permitted(ana, action="calendar_event")
    untouched = [
        await permitted(ana, targets=[JOHN]),  # not for Kim
        await permitted(ana, targets=["named"]),  # nobody named Kim
        await permitted(ana, targets=[JOHN, "@example.org"], task_kinds=["report"]),
        await permitted(ana, action="slack_notification"),
    ]
    foreign = await permitted(mallory, targets=["@example.com", "kim@example.org"])
    await review.reject_draft(ana, draft.id)

    async def on(who: Caller) -> set[UUID]:
        return {one.id for one in (await policies.list_policies(who)).items if one.is_enabled}

    assert await on(ana) == {invites.id, *(one.id for one in untouched)}
    told = {one.id: one.demoted_because for one in (await policies.list_policies(ana)).items}
    assert told[both.id] == "You said no to what it would have let through"
    await review.decide_approval(ana, act.id, approved=False)
    assert await on(ana) == {one.id for one in untouched}
    assert await on(mallory) == {foreign.id}


async def test_undo_takes_it_back_once_and_switches_the_permission_off(
    ana: Caller, mallory: Caller, nobody: Caller, service: Caller
) -> None:
    saved = await permitted(ana)
    draft = await delivered(ana, service, allowed_by(saved))
    other = await delivered(ana, service, allowed_by(saved))
    assert draft.approval
    for who in (mallory, nobody, service):
        with pytest.raises(StewardError) as refused:
            await policies.undo_permission(who, draft.approval.id)
        assert refused.value.status in {401, 403, 404}
    asked = await policies.undo_permission(ana, draft.approval.id)
    assert (asked.state, asked.decision.verdict, asked.decision.reasons[-1].code) == ("open", "ask", "undone")
    assert asked.draft_id
    newer = await review.get_draft(ana, asked.draft_id)
    assert (newer.version, newer.state, newer.author_type, newer.digest) == (2, "draft", "agent", draft.digest)
    assert (await sender_of(ana, draft)).execution_status == "cancelled"
    assert (await functions.get_task(ana, draft.task_id)).blocked_reason == "Waiting for your review"
    assert (await review.get_draft(ana, other.id)).state == "superseded", "what else it let through asks too"
    (demoted,) = (await policies.list_policies(ana)).items
    assert (demoted.is_enabled, demoted.demoted_because) == (False, "You undid what it let through")
    assert (demoted.used_this_hour, demoted.used_today) == (0, 0), "what was taken back never left"
    for approval_id in (draft.approval.id, asked.id):
        with pytest.raises(Conflict):
            await policies.undo_permission(ana, approval_id)
    await review.approve_draft(ana, newer.id, newer.digest)
    assert (await review.begin_sending(service, newer.id, "<2@example.com>")).state == "sending"


async def test_what_was_taken_back_is_not_counted_and_what_has_begun_is(
    ana: Caller, service: Caller, database: Database
) -> None:
    saved = await permitted(ana, max_per_hour=1)
    first = await delivered(ana, service, allowed_by(saved))
    assert first.approval
    await policies.undo_permission(ana, first.approval.id)
    await policies.save_policy(ana, {"id": str(saved.id), "is_enabled": True})
    second = await delivered(ana, service, allowed_by(saved))
    assert second.approval
    assert second.state == "approved"
    await over(database, second.approval.id)
    await review.begin_sending(service, second.id, "<1@example.com>")
    with pytest.raises(Conflict):
        await policies.undo_permission(ana, second.approval.id)
    await policies.stop_permissions(ana, stopped=True)
    await policies.stop_permissions(ana, stopped=False)
    assert (await policies.list_policies(ana)).items[0].used_this_hour == 1
    assert (await service.call("get_provenance", task_id=second.task_id))["permissions"][0]["used_today"] == 1
    assert (await delivered(ana, service, allowed_by(saved))).state == "draft"


async def test_undo_and_the_worker_do_not_both_win(ana: Caller, service: Caller) -> None:
    saved = await permitted(ana, hold_seconds=0, max_per_hour=20)
    drafts = [await delivered(ana, service, allowed_by(saved)) for _ in range(6)]

    async def undo(draft: Draft) -> bool:
        assert draft.approval
        try:
            await policies.undo_permission(ana, draft.approval.id)
        except Conflict:
            return False
        return True

    async def send(draft: Draft) -> bool:
        try:
            begun = await review.begin_sending(service, draft.id, f"<{draft.id}@example.com>")
        except Conflict:
            return False
        return begun.state == "sending"

    outcomes = await asyncio.gather(*(job(draft) for draft in drafts for job in (undo, send)))
    for draft, undone, sent in zip(drafts, outcomes[::2], outcomes[1::2], strict=True):
        state = (await review.get_draft(ana, draft.id)).state
        assert not (undone and sent)
        assert state == ("sending" if sent else "superseded")


async def test_the_kill_switch_takes_back_what_is_held_and_refuses_what_comes(
    ana: Caller, service: Caller, database: Database
) -> None:
    saved = await permitted(ana)
    invites = await permitted(ana, action="calendar_event")
    held, act = await delivered(ana, service, allowed_by(saved)), await acting(ana, service, allowed_by(invites))
    assert act.state == "approved"
    stopped = await policies.stop_permissions(ana, stopped=True)
    assert stopped.taken_back == 2
    assert (await review.get_draft(ana, held.id)).state == "superseded"
    task = await functions.get_task(ana, act.task_id)
    assert (task.execution_status, task.blocked_on) == ("blocked", "approval")
    listed = await policies.list_policies(ana)
    assert listed.stopped_at
    assert all(one.is_enabled for one in listed.items), "nothing was said against the permissions"
    late = await delivered(ana, service, allowed_by(saved))
    assert late.state == "draft"
    # One that was let through in the very moment is refused when it is to leave, and taken back by the sweep.
    await policies.stop_permissions(ana, stopped=False)
    racing = await delivered(ana, service, allowed_by(saved))
    assert racing.approval
    await over(database, racing.approval.id)
    await write(database, "organizations", racing.organization_id, permissions_stopped_at="now()")
    with pytest.raises(Conflict, match="no longer in force"):
        await review.begin_sending(service, racing.id, "<1@example.com>")
    await service.call("wake_waiting_tasks")
    assert (await review.get_draft(ana, racing.id)).state == "superseded"


async def test_an_act_under_a_permission_waits_for_its_hold_and_can_be_undone(
    ana: Caller, service: Caller, database: Database
) -> None:
    saved = await permitted(ana, action="calendar_event")
    nobody_named = await acting(ana, service, allowed_by(saved), destinations=[])
    assert nobody_named.state == "open"
    act = await acting(ana, service, allowed_by(saved))
    task = await functions.get_task(ana, act.task_id)
    assert (act.state, task.blocked_on, task.blocked_until) == ("approved", "delay", act.hold_until)
    assert await review.get_act(service, act.task_id) is None
    await write(database, "tasks", act.task_id, blocked_until="now() - interval '1 second'")
    await over(database, act.id)
    await service.call("wake_waiting_tasks")
    await runs.start_task_execution(service, act.task_id, None)
    leave = await review.get_act(service, act.task_id)
    assert leave
    assert leave.id == act.id
    asked = await policies.undo_permission(ana, act.id)  # out of its hold, and not begun: still in time
    assert asked.payload["input"] == {"title": "Lunch"}
    assert await review.get_act(service, act.task_id) is None
    with pytest.raises(Conflict):  # the run that had its leave already
        await steps.begin_step(service, act.task_id, "calendar_event/0", "act", "calendar_event", leave.id)
    await review.decide_approval(ana, asked.id, approved=True)
    await runs.start_task_execution(service, act.task_id, None)
    yes = await review.get_act(service, act.task_id)
    assert yes
    assert (yes.decided_how, yes.decided_by) == ("person", ana.identity.user_id)
    again = await policies.save_policy(ana, {"id": str(saved.id), "is_enabled": True})
    unsure = await acting(ana, service, allowed_by(again), destinations=["eve@example.net"])
    await review.decide_approval(ana, unsure.id, approved=False)
    (demoted,) = (await policies.list_policies(ana)).items
    assert (demoted.is_enabled, demoted.demoted_because) == (False, "You said no to what it would have let through")


async def test_changed_terms_and_a_deleted_permission_let_nothing_more_through(
    ana: Caller, service: Caller, database: Database
) -> None:
    saved = await permitted(ana)
    first = await delivered(ana, service, allowed_by(saved))
    await policies.save_policy(ana, {"id": str(saved.id), "max_per_hour": 9})
    assert (await review.get_draft(ana, first.id)).state == "approved"
    await policies.save_policy(ana, {"id": str(saved.id), "targets": ["eve@example.com"]})
    assert (await review.get_draft(ana, first.id)).state == "superseded"
    await write(database, "policies", saved.id, expires_at="now() - interval '1 second'")
    assert not (await policies.save_policy(ana, {"id": str(saved.id), "is_enabled": False})).is_enabled
    ended: list[dict[str, Any]] = [{"is_enabled": True}, {"max_per_hour": 3}]
    for change in ended:
        with pytest.raises(Invalid, match="expires_at"):
            await policies.save_policy(ana, {"id": str(saved.id), **change})
    await policies.save_policy(ana, {"id": str(saved.id), **terms()})
    second = await delivered(ana, service, allowed_by(saved))
    await policies.delete_policy(ana, saved.id)
    assert (await review.get_draft(ana, second.id)).state == "superseded"
    assert second.approval
    gone = await review.get_approval(ana, second.approval.id)
    assert (gone.state, gone.policy_id, gone.decided_how) == ("voided", None, "permission")


async def test_the_past_says_what_was_edited_and_rejected(ana: Caller, mallory: Caller, service: Caller) -> None:
    edited, rejected = await delivered(ana, service, None), await delivered(ana, service, None)
    newer = await review.revise_draft(ana, edited.id, {"body": "Dear John"})
    await review.reject_draft(ana, rejected.id)
    await acting(ana, service, None)
    past = {one.draft_id: one for one in await policies.list_sent_history(ana, "email_send")}
    assert {key: one.became for key, one in past.items()} == {
        edited.id: "edited", newer.id: "waiting", rejected.id: "rejected"
    }  # fmt: skip
    assert past[edited.id].content["body"] == "Hello John"
    (act,) = await policies.list_sent_history(ana, "calendar_event")
    assert (act.became, act.destinations, act.task_kind) == ("waiting", [JOHN], "schedule")
    assert await policies.list_sent_history(mallory, "email_send") == []
    for days in (0, 367):
        with pytest.raises(Invalid, match="days"):
            await policies.list_sent_history(ana, "email_send", days)
    with pytest.raises(StewardError):
        await policies.list_sent_history(ana.database.acting_as(Identity(None, "anon")), "email_send")


async def test_what_an_outside_agent_wants_no_permission_covers_whatever_a_worker_believes(
    ana: Caller, service: Caller, database: Database
) -> None:
    for_mail, for_events = await permitted(ana), await permitted(ana, action="calendar_event")
    wish = f"jsonb_build_object('agent_id', '{uuid4()}')"
    task = await running(ana, service)
    await write(database, "tasks", task.id, source_ref=wish)
    draft = await review.deliver_draft(service, task.id, CONTENT, {"output": "x"}, decision=allowed_by(for_mail))
    event = await running(ana, service, title="Invite John", kind="schedule", tool="calendar_event")
    await write(database, "tasks", event.id, source_ref=wish)
    wanted = {"input": {"title": "Lunch"}, "destinations": [JOHN]}
    act = await review.request_act(service, event.id, "Invite John?", wanted, decision=allowed_by(for_events))
    for approval in (await approval_of(ana, draft), act):
        assert (approval.state, approval.decided_how) == ("open", None)
        assert approval.decision
        assert "the wish of" in approval.decision.reasons[0].message
    # Nor one that was let through before: it is asked when it is decided.
    await write(
        database,
        "approvals",
        act.id,
        decision=f"jsonb_build_object('verdict', 'allow', 'permission_id', '{for_events.id}')",
    )
    async with pool_of(database).connection() as connection, connection.transaction():
        with pytest.raises(psycopg.Error, match="Nothing but a person approves this"):
            await connection.execute(
                "update public.approvals set state = 'approved', policy_id = %s where id = %s", (for_events.id, act.id)
            )
