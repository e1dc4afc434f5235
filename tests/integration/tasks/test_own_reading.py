"""What came out of one member's mail, and what they chose for themselves, is shown to them alone, over the functions and past them."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from app.house import House
from core.database import Caller, Identity
from core.errors import Forbidden, NotFound
from core.postgres import pool_of
from tasks import capture, functions, model_calls, organizations, review
from tasks.accounts import Account
from tasks.drafts import Draft
from tasks.mail import mail_row
from tasks.organizations import Organization
from tests.integration.tasks.permitting import acting, delivered
from tests.integration.tasks.test_colleagues import account, ben, directly, service_of, vega
from tests.integration.tasks.test_colleagues_rows import make
from tests.integration.tasks.test_moved_threads import ANSWER, NEWER, QUESTION, ROOT, mail, newest
from tests.integration.tasks.test_organizations import confirmed, execute, joins, token_of

__all__ = ["account", "ben", "vega"]  # fixtures
LINE = "You get 85000 from May"
REASON = {
    "code": "address_untrusted",
    "message": "It came in with a mail",
    "value": "john@example.com",
    "source": "mail",
}
DECISION = {"verdict": "ask", "permission_id": None, "reasons": [{**REASON, "origin": "untrusted", "quote": LINE}]}
FROM = {"origin": "untrusted", "source": "mail", "quote": LINE}
PROVENANCE = {"is_tainted": True, "values": [{"value": "x", "kind": "address", **FROM}], "destinations": {"x": FROM}}


async def everything_of(person: Caller, table: str) -> str:
    """All rows of a table as the API of a project tells them."""
    async with pool_of(person.database).connection() as connection, connection.transaction():
        claims = (person.identity.claims_setting(),)
        await connection.execute("select set_config('role', 'authenticated', true)")
        await connection.execute("select set_config('request.jwt.claims', %s, true)", claims)
        cursor = await connection.execute(f"select to_jsonb(t)::text from public.{table} t".encode())
        return " ".join([str(row[0]) for row in await cursor.fetchall()])


async def test_where_a_plan_calls_back_is_told_to_nobody(house: House, vega: Organization, ben: Caller) -> None:
    asked = {
        "title": "Launch",
        "kind": "objective",
        "callback_url": "https://hook.example/t0ken",
        "callback_secret": "s",
    }
    parts = [{"title": one, "key": one, "execution_type": "manual"} for one in ("a", "b")]
    plan_id = (await house.caller.call("create_plan", plan=asked | {"tasks": parts}))["id"]
    assert "t0ken" not in await everything_of(ben, "plans")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await directly(ben, "select callback_url from private.plan_secrets")
    (due,) = await house.database.call("claim_plan_callbacks", Identity.service(), {})
    assert due["url"] == asked["callback_url"]
    failed = {"callback_id": due["id"], "error": "https://hook.example/t0ken does not answer"}
    await house.database.call("finish_plan_callback", Identity.service(), failed)
    for person, error in ((ben, None), (house.caller, failed["error"])):
        told = await person.call("get_plan", plan_id=plan_id)
        assert told["plan"]["has_callback"] is True
        assert told["callbacks"]["last_error"] == error
    copy = await ben.call("clone_plan", plan_id=plan_id)
    assert copy["has_callback"] is False


async def test_a_line_of_mail_is_quoted_to_its_person_alone(house: House, vega: Organization, ben: Caller) -> None:
    service = service_of(house, vega)
    draft = await delivered(house.caller, service, DECISION, provenance=PROVENANCE)
    act = await acting(house.caller, service, DECISION, provenance=PROVENANCE)
    for table in ("drafts", "approvals"):
        assert LINE not in await everything_of(ben, table)
    (task,) = await functions.create_tasks(ben, [{"title": "Look through what waits"}])
    bens_run, own_run = (
        house.database.acting_as(replace(service.identity, run=(one, uuid4()))) for one in (task.id, draft.task_id)
    )
    for person, quote in ((ben, None), (bens_run, None), (own_run, LINE), (house.caller, LINE)):
        shown = await review.get_draft(person, draft.id)
        assert shown.approval
        listed = {one.id: one for one in (await review.list_approvals(person)).items}
        found = (shown.approval, await review.get_approval(person, act.id), listed[act.id], listed[shown.approval.id])
        assert [one.decision.reasons[0].quote for one in found] == [quote] * 4
        assert shown.provenance["destinations"]["x"] == {"origin": "untrusted", "source": "mail"}
    # Whoever has the task afterwards has not got the mail.
    await functions.update_task(ben, draft.task_id, {"title": "Mine now"})
    assert LINE not in json.dumps(await ben.call("get_draft", draft_id=draft.id))
    # A version that somebody edits has the same reasons, and quotes them to nobody else.
    again = await review.revise_draft(house.caller, draft.id, {"body": "Hello, John"})
    assert LINE not in json.dumps(await ben.call("get_draft", draft_id=again.id))


async def test_alone_in_an_organization_a_row_keeps_what_it_quotes(ana: Caller, service: Caller) -> None:
    draft = await delivered(ana, service, DECISION, provenance=PROVENANCE)
    assert LINE in await everything_of(ana, "drafts")
    assert draft.approval
    assert (await review.get_draft(ana, draft.id)).provenance == PROVENANCE


async def test_what_came_into_a_thread_is_read_by_its_person_alone(
    house: House, vega: Organization, ben: Caller, account: Account
) -> None:
    service = service_of(house, vega)

    async def arrives(*mails: Any) -> None:
        rows = [mail_row(one, account.mail_name, frozenset({account.address})) for one in mails]
        await capture.import_mail(house.caller, rows, [])

    await arrives(mail(ROOT, 0, references=()), mail(QUESTION, 1))
    first = await delivered(house.caller, service, None, **ANSWER)
    await arrives(mail(NEWER, 2, references=(ROOT, QUESTION), text=LINE))

    async def texts(person: Caller, draft: Draft) -> list[str | None]:
        shown = await newest(person, draft)
        assert shown.thread_moved
        return [one.text for one in shown.thread_moved.messages]

    assert LINE not in await everything_of(ben, "drafts")
    assert (await texts(ben, first), await texts(house.caller, first)) == ([None], [LINE])
    assert await texts(service, first) == [LINE]  # the run that writes it anew
    # The next one is told together with it.
    await arrives(mail("<4@example.com>", 3, references=(ROOT, QUESTION, NEWER), text="And 90000 from June"))
    assert await texts(house.caller, first) == [LINE, "And 90000 from June"]
    moved = await newest(house.caller, first)
    edited = await review.revise_draft(house.caller, moved.id, {"body": "Thursday it is."})
    assert await texts(house.caller, edited) == [LINE, "And 90000 from June"]
    assert await texts(ben, edited) == [None, None]
    known = [line.rpartition(" ")[2] for line in (edited.thread_tail or "").splitlines()[1:]]
    assert len(known) == 4
    assert "-" not in known  # the texts are sealed as they were


async def test_a_plain_member_deletes_what_is_theirs(house: House, vega: Organization, ben: Caller) -> None:
    robins, bens, under = await make(house.caller, "Robin's"), await make(ben, "Ben's"), await make(house.caller, "Top")
    part = await make(ben, "Part", under)
    with pytest.raises(Forbidden, match="their own tasks alone"):
        await functions.delete_task(ben, robins.id)
    with pytest.raises(Forbidden, match="their own tasks alone"):
        await functions.bulk_update_tasks(ben, [bens.id, robins.id], "delete")
    with pytest.raises(psycopg.Error, match="their own tasks alone"):
        await directly(ben, "delete from public.tasks")
    await functions.delete_task(ben, bens.id)
    await functions.delete_task(house.caller, under.id)  # with what another has below it
    with pytest.raises(NotFound):
        await functions.get_task(ben, part.id)
    other = await make(house.caller, "Robin's other")
    await organizations.change_role(house.caller, vega.id, UUID(str(ben.identity.user_id)), "admin")
    await functions.delete_task(ben, other.id)
    await organizations.remove_member(house.caller, vega.id, UUID(str(ben.identity.user_id)))
    assert await directly(ben, "delete from public.tasks where id = %s", robins.id) == 0


async def test_a_member_does_not_hold_the_day_of_all(house: House, vega: Organization, ben: Caller) -> None:
    """Held again and again, and never settled, with limits of one's own."""
    service, limits = service_of(house, vega), {"day_usd": 1.0, "day_calls": 100}
    ask: dict[str, Any] = {"task_id": None, "step_id": None}
    for _ in range(8):
        held = await ben.call("reserve_model_call", **ask, cost_usd=1000, limits={})
        assert "reservation_id" in held
    assert "8 requests" in (await ben.call("reserve_model_call", **ask, cost_usd=0.01, limits={}))["refused"]
    told = await model_calls.reserve_model_call(service, None, None, 0.7, limits)
    assert told.reservation_id
    told = await model_calls.reserve_model_call(service, None, None, 0.1, limits)
    assert (told.reservation_id, told.is_held) == (None, True)
    # Whoever holds it counts all of it themself.
    await execute(house.database, "delete from model_reservations where made_by is null")
    (kept,) = await execute(house.database, "select id from model_reservations limit 1")
    await execute(house.database, "delete from model_reservations where id <> %s", *kept)
    assert (await ben.call("reserve_model_call", **ask, cost_usd=0.01, limits=limits))["is_held"] is True


async def test_nobody_joins_without_the_link(house: House, vega: Organization, ben: Caller) -> None:
    """Where a project confirms no addresses, anybody signs up under any; the link is known to whoever it was given to."""
    made = await organizations.create_invitation(house.caller, vega.id, "carla@example.org")
    carla = await confirmed(house.database, "carla@example.org")
    for person in (house.caller, ben, carla):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await directly(person, "select token_hash from public.invitations")
    ((kept,),) = await execute(house.database, "select token_hash from invitations where accepted_at is null")
    for guess in (kept, str(vega.id), "0" * 64):  # what is kept, as in a back-up, opens nothing
        with pytest.raises(NotFound):
            await carla.call("accept_invitation", token=guess)
    for columns in ("id", "email"):
        assert await directly(carla, f"select {columns} from public.invitations") == 0
    await organizations.accept_invitation(carla, token_of(made))


async def test_what_a_member_is_told_and_mutes_is_their_own_in_the_audit(
    house: House, vega: Organization, ben: Caller
) -> None:
    await ben.call("save_attention", changes={"quiet_from": "16:00", "quiet_until": "09:00"})
    await ben.call("mute_nudges", at="2026-03-02T09:00:00Z", person="robin@example.org", because="Not him again")
    assert await execute(house.database, "delete from nudge_mutes returning 1") == [(1,)]
    seen = "select 1 from public.audit_events where subject_type in ('attention', 'nudge_mute')"
    assert await directly(ben, seen) == 4
    assert await directly(house.caller, seen) == 0
    dora = await confirmed(house.database, "dora@example.org")
    await joins(house.caller, vega, dora, "dora@example.org", "admin")
    assert await directly(dora, seen) == 0


async def test_the_newest_mail_is_read_in_the_order_of_an_index(ana: Caller) -> None:
    row = await ana.call("get_profile")
    organization = row["organization"]["id"]
    await execute(
        ana.database,
        "insert into public.mail_messages (organization_id, account, message_id, thread_key, from_address, subject, text_body, sent_at) "
        "select %s, 'local', '<' || n || '@x>', n::text, 'a@x.example', 's', 'b', now() - n * interval '1 minute' from generate_series(1, 5000) n",
        organization,
    )
    await execute(ana.database, "analyze public.mail_messages")
    plan = await execute(
        ana.database,
        "explain select m.id from public.mail_messages m where m.organization_id = %s order by m.sent_at desc nulls last, m.id desc limit 50",
        organization,
    )
    text = "\n".join(str(line[0]) for line in plan)
    assert "mail_messages_sent_idx" in text
    assert "Sort" not in text
