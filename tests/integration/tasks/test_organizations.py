"""Organizations: one at a time, who may what, invitations, and what becomes of those who leave."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from core.database import Caller, Database, Identity
from core.errors import Conflict, Forbidden, Invalid, NotFound, StewardError
from core.postgres import pool_of
from core.vault import Vault
from tasks import accounts, agents, capture, functions, organizations, policies, review, tokens
from tasks.mail import find_mail, list_thread, serves_owner
from tasks.models import Extraction
from tasks.organizations import Organization, accept_invitation, create_invitation, get_invitation
from tasks.runs import get_task_context, start_task_execution
from tests.conftest import sign_up
from tests.integration.tasks.permitting import CONTENT, allowed_by, terms

VAULT = Vault([b"k" * 32])


async def confirmed(database: Database, email: str) -> Caller:
    """A person whose address is confirmed."""
    identity = await sign_up(database, email)
    await execute(database, "update auth.users set email_confirmed_at = now() where id = %s", identity.user_id)
    return database.acting_as(identity)


async def execute(database: Database, statement: str, *values: object) -> list[tuple[object, ...]]:
    """As the owner of the schema."""
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(statement.encode(), values)
        return await cursor.fetchall() if cursor.description else []


async def joins(owner: Caller, here: Organization, person: Caller, email: str, role: str = "member") -> None:
    """The person accepts an invitation."""
    made = await create_invitation(owner, here.id, email, role)
    await accept_invitation(person, made.path.rpartition("/")[2])


def token_of(made: organizations.NewInvitation) -> str:
    return made.path.rpartition("/")[2]


async def chosen_of(caller: Caller) -> str:
    """The name of the organization that the caller acts in, read two ways."""
    (listed,) = [one.name for one in await organizations.list_organizations(caller) if one.is_chosen]
    assert (await caller.call("get_profile"))["organization"]["name"] == listed
    return listed


async def test_a_person_sees_and_acts_in_one_at_a_time(ana: Caller, mallory: Caller, database: Database) -> None:
    (home,) = await organizations.list_organizations(ana)
    assert (home.is_personal, home.role, home.is_chosen) == (True, "owner", True)
    (at_home,) = await functions.create_tasks(ana, [{"title": "At home"}])
    talk = await capture.save_chat_turn(ana, "Hello", Extraction(reply="Hello"))
    vega = await organizations.create_organization(ana, "  Vega\n Labs ")
    assert (vega.name, vega.is_chosen, await chosen_of(ana)) == ("Vega Labs", True, "Vega Labs")
    (at_work,) = await functions.create_tasks(ana, [{"title": "At work"}])
    assert [task.title for task in (await functions.list_tasks(ana)).items] == ["At work"]
    for hidden in (functions.get_task(ana, at_home.id), capture.get_conversation(ana, talk.conversation_id)):
        with pytest.raises(NotFound):
            await hidden
    assert (await capture.list_conversations(ana)).items == []
    claim = database.acting_as(replace(ana.identity, organization_id=home.id))
    assert (await functions.get_task(claim, at_home.id)).title == "At home", "a claim decides before the choice"
    with pytest.raises(NotFound):
        await functions.get_task(claim, at_work.id)
    elsewhere = database.acting_as(replace(mallory.identity, organization_id=vega.id))
    for nothing in (elsewhere, database.acting_as(replace(ana.identity, scopes=("tasks:read",)))):
        assert (await functions.list_tasks(nothing)).items == []
        assert (await nothing.call("get_profile"))["organization"] is None
        with pytest.raises(StewardError):
            await functions.create_tasks(nothing, [{"title": "Into another's"}])
    with pytest.raises(NotFound):
        await organizations.choose_organization(mallory, vega.id)
    await organizations.choose_organization(ana, home.id)
    assert await chosen_of(ana) == home.name
    assert (await functions.get_task(ana, at_home.id)).title == "At home"
    async with pool_of(database).connection() as connection, connection.transaction(force_rollback=True):
        claims = Identity(ana.identity.user_id).claims_setting()
        await connection.execute("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)", (claims,))  # fmt: skip
        cursor = await connection.execute("select count(*), count(distinct organization_id) from public.members")
        assert await cursor.fetchone() == (1, 1), "not even the table mixes them"
        with pytest.raises(Exception, match="permission denied"):
            await connection.execute("select chosen_at from public.members")


async def test_programs_and_feeds_stay_where_they_were_made(ana: Caller, service: Caller, database: Database) -> None:
    (home,) = await organizations.list_organizations(ana)
    made = await tokens.create_token(ana, "script", ["tasks:read", "tasks:write"])
    program = database.acting_as(replace(ana.identity, organization_id=home.id, scopes=tuple(made.details.scopes)))
    await ana.call("renew_calendar_feed", token_hash="aa" * 32)
    vega = await organizations.create_organization(ana, "Vega")
    assert await tokens.list_tokens(ana) == []
    assert await ana.call("get_calendar_feed") is None
    await ana.call("renew_calendar_feed", token_hash="bb" * 32)
    opened = [await service.call("open_calendar_feed", token_hash=one * 32) for one in ("aa", "bb")]
    assert [UUID(one["organization_id"]) for one in opened] == [home.id, vega.id]
    assert [one.id for one in await organizations.list_organizations(program)] == [home.id]
    for refused in (
        organizations.create_organization(program, "x"),
        organizations.choose_organization(program, home.id),
        organizations.rename_organization(program, home.id, "x"),
        organizations.list_members(program, home.id),
        create_invitation(program, home.id, "ben@example.org"),
        organizations.leave_organization(program, home.id),
        organizations.change_role(program, home.id, uuid4(), "owner"),
        organizations.remove_member(program, home.id, uuid4()),
    ):
        with pytest.raises(Forbidden):
            await refused


async def test_an_invitation_is_for_one_confirmed_address_and_works_once(
    ana: Caller, mallory: Caller, nobody: Caller, database: Database
) -> None:
    vega = await organizations.create_organization(ana, "Vega")
    made = await create_invitation(ana, vega.id, "  Ben@Example.org ", "admin")
    assert (made.details.email, made.details.state) == ("ben@example.org", "open")
    token = token_of(made)
    rows = await execute(database, "select to_jsonb(i)::text || (select string_agg(e::text, '') from public.audit_events e) from public.invitations i")  # fmt: skip
    assert token not in str(rows)
    with pytest.raises(Conflict, match="open invitation"):
        await create_invitation(ana, vega.id, "BEN@example.org")
    with pytest.raises(Forbidden) as wrong:
        await get_invitation(mallory, token)
    said = str(wrong.value.problem())
    assert "another address" in said
    assert not any(secret in said for secret in ("Vega", "ben@", "ana@"))
    for who, error in ((mallory, Forbidden), (nobody, StewardError)):
        with pytest.raises(error):
            await accept_invitation(who, token)
    for garbage in ("", "x" * 43, token + "x", token[:-1], "é" * 43, "\x00"):
        with pytest.raises(NotFound):
            await get_invitation(mallory, garbage)
    ben = database.acting_as(await sign_up(database, "ben@example.org"))
    with pytest.raises(Forbidden, match="not confirmed"):
        await accept_invitation(ben, token)
    await execute(database, "update auth.users set email_confirmed_at = now() where id = %s", ben.identity.user_id)
    shown = await get_invitation(ben, token)
    assert (shown.organization, shown.invited_by, shown.role) == ("Vega", "ana@example.com", "admin")
    results = await asyncio.gather(*(accept_invitation(ben, token) for _ in range(4)))
    assert {(one.id, one.role, one.is_chosen) for one in results} == {(vega.id, "admin", True)}
    assert [one.email for one in await organizations.list_members(ben, vega.id)] == ["ana@example.com", "ben@example.org"]  # fmt: skip
    with pytest.raises(Conflict, match="was accepted"):
        await organizations.revoke_invitation(ana, made.details.id)
    with pytest.raises(Conflict, match="belongs"):
        await create_invitation(ana, vega.id, "ben@example.org")
    await organizations.remove_member(ana, vega.id, _id(ben))
    with pytest.raises(Conflict, match="accepted already"):
        await accept_invitation(ben, token)
    assert await chosen_of(ben) == "ben"
    actions = [str(row[0]) for row in await execute(database, "select action from public.audit_events where organization_id = %s order by id", vega.id)]  # fmt: skip
    assert actions == ["member.joined", "organization.created", "invitation.created", "member.joined", "invitation.accepted", "member.left"]  # fmt: skip


async def test_an_invitation_that_ended_says_so(ana: Caller, database: Database) -> None:
    vega = await organizations.create_organization(ana, "Vega")
    ben = await confirmed(database, "ben@example.org")
    revoked = await create_invitation(ana, vega.id, "ben@example.org")
    for _ in range(2):
        assert (await organizations.revoke_invitation(ana, revoked.details.id)).state == "revoked"
    expired = await create_invitation(ana, vega.id, "ben@example.org")
    await execute(database, "alter table public.invitations disable trigger invitations_05_keep")
    await execute(database, "update public.invitations set created_at = now() - interval '8 days', expires_at = now() - interval '1 day' where id = %s", expired.details.id)  # fmt: skip
    await execute(database, "alter table public.invitations enable trigger invitations_05_keep")
    for made, words in ((revoked, "taken back"), (expired, "expired")):
        with pytest.raises(Conflict, match=words):
            await accept_invitation(ben, token_of(made))
    again = await create_invitation(ana, vega.id, "ben@example.org")
    assert [one.state for one in await organizations.list_invitations(ana, vega.id)] == ["open", "revoked", "revoked"]
    (home,) = [one for one in await organizations.list_organizations(ana) if one.is_personal]
    await organizations.choose_organization(ana, home.id)
    with pytest.raises(Conflict, match="act in another"):
        await create_invitation(ana, vega.id, "kim@example.org")
    with pytest.raises(NotFound):
        await organizations.revoke_invitation(ana, again.details.id)
    with pytest.raises(Conflict, match="personal"):
        await create_invitation(ana, home.id, "ben@example.org")
    with pytest.raises(Conflict, match="personal"):
        await organizations.leave_organization(ana, home.id)
    with pytest.raises(Conflict, match="personal"):
        await organizations.change_role(ana, home.id, _id(ana), "member")


@pytest.mark.parametrize("email", ["", "ben", "a@b@c", "two@x.org, three@x.org", "a b@x.org", "x" * 320 + "@x.org"])
async def test_a_wrong_address_is_named(ana: Caller, email: str) -> None:
    vega = await organizations.create_organization(ana, "Vega")
    with pytest.raises(Invalid, match="email"):
        await create_invitation(ana, vega.id, email)
    with pytest.raises(Invalid, match="role"):
        await create_invitation(ana, vega.id, "ben@example.org", "owner")
    for name in ("", " \n ", "x" * 201):
        with pytest.raises(Invalid, match="name"):
            await organizations.rename_organization(ana, vega.id, name)


async def test_each_role_may_what_it_may_and_an_owner_stays(ana: Caller, mallory: Caller, database: Database) -> None:
    vega = await organizations.create_organization(ana, "Vega")
    people = {name: await confirmed(database, f"{name}@example.org") for name in ("ben", "kim", "lea")}
    ben, kim, lea = people.values()
    await joins(ana, vega, ben, "ben@example.org", "admin")
    await joins(ben, vega, kim, "kim@example.org")
    await joins(ben, vega, lea, "lea@example.org")
    assert (await organizations.rename_organization(ben, vega.id, "Vega 2")).name == "Vega 2"
    agent = {"name": "Larry"}
    for refused in (
        create_invitation(ben, vega.id, "new@example.org", "admin"),
        organizations.change_role(ben, vega.id, _id(ben), "owner"),
        organizations.remove_member(ben, vega.id, _id(ana)),
        organizations.rename_organization(kim, vega.id, "x"),
        create_invitation(kim, vega.id, "new@example.org"),
        organizations.list_invitations(kim, vega.id),
        organizations.remove_member(kim, vega.id, _id(lea)),
        agents.register_agent(kim, agent),
        policies.save_policy(kim, terms()),
    ):
        with pytest.raises(Forbidden):
            await refused
    for strange in (organizations.list_members(mallory, vega.id), organizations.remove_member(mallory, vega.id, _id(kim))):  # fmt: skip
        with pytest.raises(NotFound):
            await strange
    with pytest.raises(NotFound):
        await organizations.change_role(ana, vega.id, uuid4(), "admin")
    with pytest.raises(Conflict, match="yourself"):
        await organizations.remove_member(ana, vega.id, _id(ana))
    for last in (organizations.leave_organization(ana, vega.id), organizations.change_role(ana, vega.id, _id(ana), "member")):  # fmt: skip
        with pytest.raises(Conflict, match="at least one owner"):
            await last
    open_one = await create_invitation(ben, vega.id, "new@example.org")
    await organizations.change_role(ana, vega.id, _id(ben), "member")
    with pytest.raises(Conflict, match="taken back"):
        await accept_invitation(await confirmed(database, "new@example.org"), token_of(open_one))
    await organizations.change_role(ana, vega.id, _id(ben), "owner")
    # Both step down at the same moment: one of them stays.
    done = await asyncio.gather(
        organizations.leave_organization(ana, vega.id),
        organizations.leave_organization(ben, vega.id),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == ["Conflict", "list"]
    left = await execute(database, "select count(*) from public.members where organization_id = %s and role = 'owner'", vega.id)  # fmt: skip
    assert left == [(1,)]
    with pytest.raises(Exception, match="at least one owner"):
        await execute(database, "delete from public.members where organization_id = %s and role = 'owner'", vega.id)
    await execute(database, "delete from public.organizations where id = %s", vega.id)


async def test_whoever_leaves_takes_their_ways_in_along_and_leaves_their_work(
    ana: Caller, service: Caller, database: Database
) -> None:
    vega = await organizations.create_organization(ana, "Vega")
    ben = await confirmed(database, "ben@example.org")
    await joins(ana, vega, ben, "ben@example.org", "admin")
    worker = database.acting_as(Identity.service(vega.id))
    await accounts.connect_account(ben, VAULT, "google", "ben@example.org", {"refresh_token": "secret"}, [])
    await tokens.create_token(ben, "script")
    program = await agents.register_agent(ben, {"name": "Larry"})
    kept = await agents.register_agent(ana, {"name": "Mona"})
    permission = await policies.save_policy(ben, terms())
    invited = await create_invitation(ben, vega.id, "eve@example.org")
    items = [{"title": title, "execution_type": "semi_automated", "kind": "email"} for title in ("Runs", "Idle")]
    running, idle = await functions.create_tasks(ben, items)
    await functions.queue_task_execution(ben, running.id)
    await start_task_execution(worker, running.id, None)
    (part,) = await functions.create_tasks(worker, [{"title": "A part", "parent_task_id": str(running.id)}])
    assert part.created_by == ben.identity.user_id, "what the worker makes for Ben is done with Ben's accounts"
    draft = await review.deliver_draft(worker, running.id, CONTENT, {"output": "x"}, decision=None)
    with pytest.raises(Forbidden, match="somebody else's account"):
        await review.approve_draft(ana, draft.id, draft.digest)
    await review.approve_draft(ben, draft.id, draft.digest)
    await organizations.remove_member(ana, vega.id, _id(ben))

    assert await service.call("list_live_tokens", token_ids=[row[0] for row in await execute(database, "select id from public.api_tokens")]) == []  # fmt: skip
    assert await execute(database, "select state, (select count(*) from private.account_secrets) from public.accounts") == [("revoked", 0)]  # fmt: skip
    assert await agents.resolve_agent_token(service, program.token) is None, "Ben has read it"
    assert await agents.resolve_agent_token(service, kept.token) is not None
    (policy,) = (await policies.list_policies(ana)).items
    assert (policy.id, policy.is_enabled) == (permission.id, False)
    with pytest.raises(Conflict, match="taken back"):
        await accept_invitation(await confirmed(database, "eve@example.org"), token_of(invited))
    assert (await functions.list_tasks(ben)).items == []
    runs, waits = await functions.get_task(ana, running.id), await functions.get_task(ana, idle.id)
    assert (runs.created_by, waits.created_by, part.created_by) == (ana.identity.user_id, ana.identity.user_id, ben.identity.user_id)  # fmt: skip
    assert runs.execution_status in {"paused", "blocked"}
    drafts = await review.list_drafts(ana, states=["draft", "approved"])
    assert [(one.state, one.id == draft.id) for one in drafts.items] == [("draft", False)], (
        "his yes is void; it asks again"
    )
    again = await review.approve_draft(ana, drafts.items[0].id, drafts.items[0].digest)
    assert again.state == "approved"


async def test_mail_of_a_members_account_is_theirs_alone(ana: Caller, database: Database) -> None:
    vega = await organizations.create_organization(ana, "Vega")
    ben = await confirmed(database, "ben@example.org")
    await joins(ana, vega, ben, "ben@example.org")
    account = await accounts.connect_account(ben, VAULT, "google", "ben@example.org", {"refresh_token": "secret"}, [])
    for box in ("ben@example.org", "shared"):
        await execute(database, "insert into public.mail_messages (organization_id, account, message_id, thread_key) values (%s, %s, %s, 't')", vega.id, box, f"{box}-1")  # fmt: skip
    for calendar in (f"google:{account.id}", "local"):
        await execute(database, "insert into public.calendar_events (organization_id, calendar, uid, starts_at, ends_at) values (%s, %s, 'u', now(), now() + interval '1 hour')", vega.id, calendar)  # fmt: skip
    for person, mails, events in ((ben, 2, 2), (ana, 1, 1)):
        assert len(await capture.list_mail(person)) == mails
        now = datetime.now(UTC)
        assert len(await capture.list_calendar_events(person, now + timedelta(hours=1), now)) == events
        await the_worker_reads(person, vega, database, mails)
    await organizations.leave_organization(ben, vega.id)
    assert len(await capture.list_mail(ana)) == 1, "it does not become the others' when he leaves"


async def the_worker_reads(person: Caller, here: Organization, database: Database, mails: int) -> None:
    """Doing a task of theirs, no more than they may read; the rest only apart from any task."""
    (task,) = await functions.create_tasks(person, [{"title": "Answer", "kind": "reply", "source_ref": {"thread_key": "t", "event": {"calendar": "local", "uid": "u"}}}])  # fmt: skip
    await functions.queue_task_execution(person, task.id)
    worker = database.acting_as(Identity.service(here.id))
    started = await start_task_execution(worker, task.id, None)
    assert started.run_id
    run = worker.as_run(task.id, started.run_id)
    assert len((await get_task_context(run, task.id))["thread"]) == mails
    assert len(await list_thread(run, "t")) == mails
    assert (await find_mail(run, "ben@example.org-1") is not None) is (mails == 2)
    facts = await run.call("get_meeting_facts", task_id=task.id, since=datetime.now(UTC) - timedelta(days=1), until=datetime.now(UTC))  # fmt: skip
    assert len(facts["around"]) == mails
    assert len(await list_thread(worker, "t")) == 2


async def test_what_the_settings_lend_their_owner_stays_at_home(ana: Caller, database: Database) -> None:
    """The mailbox of the settings, and a sign-in that began in one organization and came back in another."""
    await execute(database, "update auth.users set raw_app_meta_data = '{\"steward_owner\": \"true\"}' where id = %s", ana.identity.user_id)  # fmt: skip
    (home,) = await organizations.list_organizations(ana)
    began = {"provider": "google", "state_hash": "aa" * 32, "session_hash": "bb" * 32}
    await accounts.begin_sign_in(ana, sealed="x", **began)
    vega = await organizations.create_organization(ana, "Vega")
    for organization, is_served in ((home, True), (vega, False)):
        worker = database.acting_as(Identity.service(organization.id))
        assert await serves_owner(worker, "ana@example.com") is is_served
    at = await organizations.at_home(ana)
    assert (at.identity.organization_id, await chosen_of(ana)) == (home.id, "Vega")
    with pytest.raises(Conflict, match="begun in another"):
        await accounts.finish_sign_in(ana, **began)
    await organizations.choose_organization(ana, home.id)
    assert (await accounts.finish_sign_in(ana, **began)).organization_id == home.id, "it was not used up"


async def test_a_permission_lets_go_what_is_its_givers_alone(ana: Caller, database: Database) -> None:
    vega = await organizations.create_organization(ana, "Vega")
    ben = await confirmed(database, "ben@example.org")
    await joins(ana, vega, ben, "ben@example.org")
    worker = database.acting_as(Identity.service(vega.id))
    permission = await policies.save_policy(ana, terms())
    states: list[str] = []
    for person in (ana, ben):
        (task,) = await functions.create_tasks(person, [{"title": "Mail John", "execution_type": "semi_automated", "kind": "email"}])  # fmt: skip
        await functions.queue_task_execution(person, task.id)
        await start_task_execution(worker, task.id, None)
        draft = await review.deliver_draft(worker, task.id, CONTENT, {"output": "x"}, decision=allowed_by(permission))
        states.append((await review.get_draft(person, draft.id)).state)
    assert states == ["approved", "draft"]


def _id(caller: Caller) -> UUID:
    assert caller.identity.user_id
    return caller.identity.user_id
