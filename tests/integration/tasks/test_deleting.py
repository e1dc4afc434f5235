"""Deleting an organization, and everything of a person: what goes, what stays, who may, and what is in the way."""

import asyncio
from collections.abc import AsyncGenerator
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from core.database import Caller, Database, Identity
from core.errors import Conflict, Forbidden, NotFound, StewardError
from core.postgres import pool_of
from core.vault import Vault
from tasks import accounts, agents, capture, functions, organizations, review, runs, tokens
from tasks.organizations import Organization
from tests.integration.tasks.permitting import CONTENT
from tests.integration.tasks.test_organizations import chosen_of, confirmed, execute, joins
from tests.safety.rls_rows import Connection, fill

VAULT = Vault([b"k" * 32])
STAY = {"public.audit_events", "public.artifact_objects", "public.ended_organizations"}
Shared = tuple[Organization, Caller]


@pytest.fixture
async def vega(ana: Caller, database: Database) -> Shared:
    """An organization of Ana's, and Ben, a member of it."""
    made = await organizations.create_organization(ana, "Vega")
    ben = await confirmed(database, "ben@example.org")
    await joins(ana, made, ben, "ben@example.org")
    return made, ben


@pytest.fixture
async def plain(database_url: str) -> AsyncGenerator[Connection]:
    """A connection of the database's owner; what it does is undone."""
    async with (
        await psycopg.AsyncConnection.connect(database_url) as connection,
        connection.transaction(force_rollback=True),
    ):
        yield connection


async def rows_naming(connection: Connection, wanted: UUID) -> set[str]:
    """The tables that have a row with this id in it."""
    cursor = await connection.execute(
        """select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where n.nspname in ('public', 'private', 'jobs', 'auth') and c.relkind in ('r', 'p')"""
    )
    found: set[str] = set()
    for schema, table in await cursor.fetchall():
        named = sql.SQL("select exists (select 1 from {} t where t::text like {})")
        row = await (
            await connection.execute(named.format(sql.Identifier(schema, table), sql.Literal(f"%{wanted}%")))
        ).fetchone()
        if row and row[0]:
            found.add(f"{schema}.{table}")
    return found


async def as_person(connection: Connection, person: Caller, statement: str, *values: object) -> None:
    """In the connection, as a signed-in person."""
    claims = person.identity.claims_setting()
    await connection.execute(
        "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)", (claims,)
    )
    await connection.execute(statement.encode(), values)
    await connection.execute("reset role")


@pytest.mark.parametrize("of_person", [False, True])
async def test_nothing_of_any_table_is_left(ana: Caller, vega: Shared, plain: Connection, of_person: bool) -> None:
    here, ben = vega
    whose = ben if of_person else ana
    if of_person:
        (here,) = [one for one in await organizations.list_organizations(ben) if one.is_personal]
    owned = await fill(plain, _id(whose), here.id)
    assert owned.problems == []
    await plain.execute("set local session_replication_role = replica")
    await plain.execute("update public.drafts set state = 'draft'; update public.steps set state = 'finished'")
    await plain.execute("set local session_replication_role = origin")
    assert len(await rows_naming(plain, here.id)) > 50
    if of_person:
        await as_person(plain, whose, "select public.delete_person('ben@example.org')")
    else:
        await as_person(plain, whose, "select public.delete_organization(%s, 'Vega')", here.id)
    assert await rows_naming(plain, here.id) <= STAY
    if of_person:
        assert await rows_naming(plain, _id(ben)) <= STAY
    cursor = await plain.execute("select actor_id, data from public.audit_events where action = 'organization.deleted'")
    (line,) = await cursor.fetchall()
    assert (line[0], line[1]["name"], line[1]["tasks"]) == (_id(whose), here.name, 3)


async def test_only_an_owner_who_types_its_name_and_only_once(
    ana: Caller, mallory: Caller, nobody: Caller, vega: Shared, database: Database
) -> None:
    here, ben = vega
    await functions.create_tasks(ana, [{"title": "Secret plan"}])
    script = database.acting_as(Identity(_id(ana), organization_id=here.id, scopes=("tasks:read", "tasks:write")))
    for who, error in ((ben, Forbidden), (script, Forbidden), (mallory, NotFound), (nobody, StewardError)):
        with pytest.raises(error):
            await organizations.delete_organization(who, here.id, "Vega")
    await organizations.change_role(ana, here.id, _id(ben), "admin")
    with pytest.raises(Forbidden):
        await organizations.delete_organization(ben, here.id, "Vega")
    for name in ("", "vega", "Vega 2"):
        with pytest.raises(Conflict, match="name"):
            await organizations.delete_organization(ana, here.id, name)
    for direct in (
        "delete from public.organizations where id = %s",
        "delete from public.members where organization_id = %s",
        "select private.erase_organization(%s)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with pool_of(database).connection() as connection, connection.transaction():
                await as_person(connection, ana, direct, here.id)
    done = await asyncio.gather(
        *(organizations.delete_organization(ana, here.id, " Vega ") for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["NotFound"] * 3 + ["list"]
    assert await chosen_of(ana) == "ana"
    assert await chosen_of(ben) == "ben"
    (home,) = await organizations.list_organizations(ana)
    with pytest.raises(Conflict, match="with its person"):
        await organizations.delete_organization(ana, home.id, home.name)
    actions = await execute(database, "select action, data ->> 'name' from public.audit_events where organization_id = %s order by id desc limit 1", here.id)  # fmt: skip
    assert actions == [("organization.deleted", "Vega")]


async def test_the_others_are_told_until_they_have_read_it(ana: Caller, vega: Shared, mallory: Caller) -> None:
    here, ben = vega
    await organizations.delete_organization(ana, here.id, "Vega")
    for _ in range(2):
        (told,) = await organizations.list_ended_organizations(ben)
        assert (told.organization_id, told.name, told.ended_by) == (here.id, "Vega", "ana@example.com")
    assert await organizations.list_ended_organizations(ana) == [], "she knows"
    assert await organizations.put_away_ended_organizations(mallory) == 0
    assert await organizations.put_away_ended_organizations(ben) == 1
    assert await organizations.list_ended_organizations(ben) == []


async def test_what_is_being_sent_or_uncertain_is_in_the_way(
    ana: Caller, vega: Shared, service: Caller, database: Database
) -> None:
    here, _ = vega
    worker = database.acting_as(Identity.service(here.id))
    (task,) = await functions.create_tasks(ana, [{"title": "Mail John", "execution_type": "semi_automated", "kind": "email"}])  # fmt: skip
    await functions.queue_task_execution(ana, task.id)
    started = await runs.start_task_execution(worker, task.id, None)
    assert started.run_id
    draft = await review.deliver_draft(worker, task.id, CONTENT, {"output": "x"}, decision=None)
    await review.approve_draft(ana, draft.id, draft.digest)
    await review.begin_sending(worker, draft.id, "<m-1@example.com>")
    with pytest.raises(Conflict, match="being sent") as refused:
        await organizations.delete_organization(ana, here.id, "Vega")
    assert refused.value.detail == "Mail John"
    await review.finish_sending(worker, draft.id, "uncertain", reason="cut off")
    with pytest.raises(Conflict, match="being sent"):
        await organizations.delete_organization(ana, here.id, "Vega")
    assert (await functions.get_task(ana, task.id)).title == "Mail John", "nothing was touched"
    await review.resolve_draft(ana, draft.id, was_sent=True)
    await organizations.delete_organization(ana, here.id, "Vega")


async def test_what_a_worker_begins_at_that_moment_is_seen_or_never_begun(
    ana: Caller, vega: Shared, database: Database
) -> None:
    here, _ = vega
    worker = database.acting_as(Identity.service(here.id))
    drafts: list[UUID] = []
    for number in range(6):
        (task,) = await functions.create_tasks(ana, [{"title": f"Mail {number}", "execution_type": "semi_automated", "kind": "email"}])  # fmt: skip
        await functions.queue_task_execution(ana, task.id)
        await runs.start_task_execution(worker, task.id, None)
        draft = await review.deliver_draft(worker, task.id, CONTENT, {"output": "x"}, decision=None)
        await review.approve_draft(ana, draft.id, draft.digest)
        drafts.append(draft.id)
    *begun, gone = await asyncio.gather(
        *(review.begin_sending(worker, draft, f"<{draft}@example.com>") for draft in drafts),
        organizations.delete_organization(ana, here.id, "Vega"),
        return_exceptions=True,
    )
    if isinstance(gone, Conflict):
        await execute(database, "select 1 / count(*) from public.drafts where state = 'sending'")
    else:
        assert isinstance(gone, list), gone
        assert [type(one) for one in begun] == [NotFound] * 6, "nobody holds a draft in hand that is not there"


async def test_sign_ins_tokens_and_ways_in_end(ana: Caller, vega: Shared, service: Caller, database: Database) -> None:
    here, ben = vega
    for person, address in ((ana, "ana@example.com"), (ben, "ben@example.org")):
        await accounts.connect_account(person, VAULT, "google", address, {"refresh_token": "secret"}, [])
    made = await tokens.create_token(ben, "script")
    program = await agents.register_agent(ana, {"name": "Larry"})
    await ben.call("renew_calendar_feed", token_hash="aa" * 32)
    asked = await organizations.create_invitation(ana, here.id, "eve@example.org")
    await organizations.delete_organization(ana, here.id, "Vega")
    assert await execute(database, "select count(*) from public.accounts union all select count(*) from private.account_secrets") == [(0,), (0,)]  # fmt: skip
    assert await tokens.resolve_token(service, made.token) is None
    assert await agents.resolve_agent_token(service, program.token) is None
    assert await service.call("open_calendar_feed", token_hash="aa" * 32) is None
    with pytest.raises(NotFound):
        await organizations.accept_invitation(await confirmed(database, "eve@example.org"), asked.path.rpartition("/")[2])  # fmt: skip


async def test_whoever_deletes_themselves_leaves_what_is_shared(ana: Caller, vega: Shared, database: Database) -> None:
    here, ben = vega
    worker = database.acting_as(Identity.service(here.id))
    await accounts.connect_account(ben, VAULT, "google", "ben@example.org", {"refresh_token": "secret"}, [])
    for box in ("ben@example.org", "shared"):
        await execute(database, "insert into public.mail_messages (organization_id, account, message_id, thread_key) values (%s, %s, %s, 't')", here.id, box, f"{box}-1")  # fmt: skip
    await organizations.change_role(ana, here.id, _id(ben), "admin")
    program = await agents.register_agent(ben, {"name": "Larry"})
    items = [{"title": title, "execution_type": "semi_automated", "kind": "email"} for title in ("Runs", "Idle")]
    running, idle = await functions.create_tasks(ben, items)
    await functions.queue_task_execution(ben, running.id)
    await runs.start_task_execution(worker, running.id, None)
    draft = await review.deliver_draft(worker, running.id, CONTENT, {"output": "x"}, decision=None)
    await review.approve_draft(ben, draft.id, draft.digest)
    alone = await organizations.create_organization(ben, "Alone")
    (at_home,) = [one for one in await organizations.list_organizations(ben) if one.is_personal]
    await organizations.choose_organization(ben, at_home.id)  # it need not be the one that is left
    for address in ("", "ana@example.com"):
        with pytest.raises(Conflict, match="address"):
            await organizations.delete_person(ben, address)
    answers = await asyncio.gather(
        *(organizations.delete_person(ben, "Ben@example.org") for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in answers) == ["DeletedPerson", "NotFound", "NotFound"]
    (gone,) = [one for one in answers if isinstance(one, organizations.DeletedPerson)]
    assert (sorted(gone.deleted), gone.quit, gone.is_person_gone) == (["Alone", "ben"], ["Vega"], True)
    left = await execute(database, "select count(*) from auth.users u where u.id = %s", _id(ben))
    assert left == [(0,)]
    assert await execute(database, "select id from public.organizations where id = any(%s)", [alone.id, at_home.id]) == []  # fmt: skip
    assert len(await capture.list_mail(ana)) == 1, "his mail is nobody's now"
    for task in (running, idle):
        assert (await functions.get_task(ana, task.id)).created_by == _id(ana)
    asks = (await review.list_drafts(ana, states=["draft", "approved"])).items
    assert [one.state for one in asks] == ["draft"], "his yes is void"
    assert await agents.resolve_agent_token(worker, program.token) is None
    with pytest.raises(StewardError):
        await ben.call("ensure_my_organization")


async def test_the_last_owner_of_several_cannot_go(ana: Caller, vega: Shared, database: Database) -> None:
    here, ben = vega
    with pytest.raises(Conflict, match="without an owner") as refused:
        await organizations.delete_person(ana, "ana@example.com")
    assert refused.value.detail == "Vega"
    await organizations.change_role(ana, here.id, _id(ben), "owner")
    done = await asyncio.gather(
        organizations.delete_person(ana, "ana@example.com"),
        organizations.delete_person(ben, "ben@example.org"),
        return_exceptions=True,
    )
    assert [type(one).__name__ for one in done if isinstance(one, Exception)] in ([], ["Conflict"]), done
    owned = await execute(database, "select count(*) filter (where m.role = 'owner') from public.organizations o left join public.members m on m.organization_id = o.id where o.id = %s group by o.id", here.id)  # fmt: skip
    assert owned in ([], [(1,)])


async def test_the_owner_of_the_installation_begins_anew(ana: Caller, database: Database) -> None:
    await execute(database, "update auth.users set raw_app_meta_data = '{\"steward_owner\": \"true\"}' where id = %s", _id(ana))  # fmt: skip
    await functions.create_tasks(ana, [{"title": "Secret plan"}])
    (before,) = await organizations.list_organizations(ana)
    gone = await organizations.delete_person(ana, "ana@example.com")
    assert (gone.deleted, gone.is_person_gone) == (["ana"], False)
    (after,) = await organizations.list_organizations(ana)
    assert (after.is_personal, after.id == before.id) == (True, False)
    assert (await functions.list_tasks(ana)).items == []


async def test_of_the_owner_of_the_installation_no_row_is_left_anywhere(vega: Shared, plain: Connection) -> None:
    here, ben = vega
    owned = await fill(plain, _id(ben), here.id)
    assert owned.problems == []
    await plain.execute("set local session_replication_role = replica")
    await plain.execute("update public.drafts set state = 'draft'; update public.steps set state = 'finished'")
    await plain.execute("update auth.users set raw_app_meta_data = '{\"steward_owner\": \"true\"}' where id = %s", (_id(ben),))  # fmt: skip
    await plain.execute("set local session_replication_role = origin")
    before = await rows_of_person(plain, _id(ben))
    assert {"public.own_hours", "public.preferences", "public.attention", "public.feedback"} <= before
    await as_person(plain, ben, "select public.delete_person('ben@example.org')")
    assert await rows_of_person(plain, _id(ben)) == {"public.members"}, "of the organization that they begin anew in"


async def rows_of_person(connection: Connection, person: UUID) -> set[str]:
    """The tables with rows that would go with the person."""
    cursor = await connection.execute(
        """select n.nspname, c.relname, a.attname from pg_constraint k join pg_class c on c.oid = k.conrelid
           join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
           where k.contype = 'f' and k.confrelid = 'auth.users'::regclass and k.confdeltype = 'c' and n.nspname <> 'auth'"""
    )
    found: set[str] = set()
    for schema, table, column in await cursor.fetchall():
        named = sql.SQL("select exists (select 1 from {} where {} = {})")
        query = named.format(sql.Identifier(schema, table), sql.Identifier(column), sql.Literal(person))
        row = await (await connection.execute(query)).fetchone()
        if row and row[0]:
            found.add(f"{schema}.{table}")
    return found


async def test_a_person_who_is_deleted_in_the_dashboard_takes_their_own_along(
    ana: Caller, vega: Shared, database: Database
) -> None:
    here, ben = vega
    (home,) = [one for one in await organizations.list_organizations(ben) if one.is_personal]
    await organizations.choose_organization(ben, home.id)
    parent, _ = await functions.create_tasks(ben, [{"title": "Whole"}, {"title": "Other"}])
    await functions.create_tasks(ben, [{"title": "Part", "parent_task_id": str(parent.id)}])
    await execute(database, "insert into public.calendar_events (organization_id, calendar, uid, starts_at, ends_at) values (%s, 'local', 'u', now(), now() + interval '1 hour')", home.id)  # fmt: skip
    await execute(database, "delete from auth.users where id = %s", _id(ben))
    assert await execute(database, "select count(*) from public.tasks where organization_id = %s", home.id) == [(0,)]
    assert await execute(database, "select count(*) from public.organizations where id = %s", home.id) == [(0,)]
    assert [one.role for one in await organizations.list_members(ana, here.id)] == ["owner"]


async def test_programs_delete_nobody(ana: Caller, mallory: Caller, service: Caller, database: Database) -> None:
    (home,) = await organizations.list_organizations(ana)
    script = database.acting_as(Identity(_id(ana), organization_id=home.id, scopes=("tasks:read", "tasks:write")))
    for who in (script, service):
        with pytest.raises(Forbidden):
            await organizations.delete_person(who, "ana@example.com")
    with pytest.raises(Conflict):
        await organizations.delete_person(mallory, "ana@example.com")


def _id(caller: Caller) -> UUID:
    assert caller.identity.user_id
    return caller.identity.user_id
