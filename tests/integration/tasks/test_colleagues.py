"""What a plain member cannot do to a colleague: use their accounts, name, words, permissions and mail."""

import asyncio
import json
from uuid import UUID, uuid4

import psycopg
import pytest

from app.house import House
from core.database import Caller, Identity
from core.errors import Forbidden, StewardError
from core.outside.errors import NotConnected
from core.postgres import pool_of
from core.vault import Vault
from jobs.outside.mail import OwnMailboxes
from jobs.outside.persons import person_of
from jobs.outside.world import Given
from tasks import accounts, capture, functions, mail, organizations, policies, preferences, review, tokens
from tasks.accounts import Account
from tasks.drafts import Approval
from tasks.organizations import Organization
from tests.integration.tasks.permitting import JOHN, acting, allowed_by, delivered, running, terms
from tests.integration.tasks.test_organizations import confirmed, execute, joins

VAULT = Vault([b"k" * 32])
ROBINS = "robin@other.example"


@pytest.fixture
async def vega(house: House) -> Organization:
    return await organizations.create_organization(house.caller, "Vega")


@pytest.fixture
async def ben(house: House, vega: Organization) -> Caller:
    """A plain member of Robin's organization."""
    person = await confirmed(house.database, "ben@example.org")
    await joins(house.caller, vega, person, "ben@example.org")
    return person


@pytest.fixture
async def account(house: House, vega: Organization, ben: Caller) -> Account:
    """Robin's mailbox; Ben has one of his own."""
    await accounts.connect_account(ben, VAULT, "imap", "ben@own.example", {"x": "y"})
    return await accounts.connect_account(house.caller, VAULT, "imap", ROBINS, {"x": "y"})


def service_of(house: House, vega: Organization) -> Caller:
    return house.database.acting_as(Identity.service(vega.id))


async def directly(person: Caller, statement: str, *values: object) -> int:
    """A write past the functions, as the API of a project lets people write; how many rows."""
    async with pool_of(person.database).connection() as connection, connection.transaction():
        await connection.execute(
            "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
            (person.identity.claims_setting(),),
        )
        return (await connection.execute(statement.encode(), values)).rowcount


async def is_own_word(house: House, task_id: UUID) -> bool:
    ((said,),) = await execute(house.database, "select private.is_own_word(t) from tasks t where id = %s", task_id)
    return bool(said)


async def test_an_account_opens_for_its_own_person_alone(
    house: House, vega: Organization, ben: Caller, account: Account
) -> None:
    service, given = service_of(house, vega), Given(house.settings, house.database, house.clock)
    (bens,) = await functions.create_tasks(ben, [{"title": "Look", "tool": "mail_search"}])
    mailboxes = OwnMailboxes(given, service, await person_of(service, bens))
    with pytest.raises(NotConnected, match="not connected"):
        await mailboxes.open(str(account.id))
    # What nobody made, and somebody emptied, is done with nobody's account.
    await execute(house.database, "update tasks set created_by = null where id = %s", bens.id)
    with pytest.raises(NotConnected, match="nobody"):
        await person_of(service, await functions.get_task(service, bens.id))

    # Neither by Ben's own task, nor by Robin's, does Ben send what leaves through Robin's account.
    from_robin = {"target": {"account_id": str(account.id), "from_address": ROBINS}}
    for maker in (ben, house.caller):
        draft = await delivered(maker, service, None, **from_robin)
        with pytest.raises(Forbidden, match="somebody else's account"):
            await review.approve_draft(ben, draft.id, draft.digest)
    assert (await review.approve_draft(house.caller, draft.id, draft.digest)).state == "approved"
    # Nor does a permission that Robin's colleague gave.
    await organizations.change_role(house.caller, vega.id, _id_of(ben), "admin")
    permission = await policies.save_policy(ben, terms())
    held = await delivered(ben, service, allowed_by(permission), **from_robin)
    assert (await review.get_draft(ben, held.id)).state == "draft"


async def test_a_yes_from_before_an_account_or_an_owner_lets_nothing_leave_through_it(
    house: House, vega: Organization, ben: Caller
) -> None:
    service = service_of(house, vega)

    async def said_yes(owner: Caller, by: Caller) -> Approval:
        asked = await acting(owner, service, None)
        return await review.decide_approval(by, asked.id, approved=True)

    early, own = await said_yes(house.caller, ben), await said_yes(house.caller, house.caller)
    await accounts.connect_account(house.caller, VAULT, "imap", ROBINS, {"x": "y"})
    assert (await review.get_approval(ben, early.id)).state == "voided"
    assert (await review.get_approval(ben, own.id)).state == "approved"
    (again,) = (await review.list_approvals(ben, states=["open"])).items
    assert (again.task_id, again.approver is not None) == (early.task_id, True)
    # Nor does Ben's yes to what is Ben's go on once Robin words it anew, or the other way about.
    for owner, taker in ((ben, house.caller), (house.caller, ben)):
        before = await said_yes(owner, owner)
        await functions.update_task(taker, before.task_id, {"description": "Rather tomorrow"})
        assert (await review.get_approval(ben, before.id)).state == "voided"


async def test_whose_a_task_is_is_not_written_by_people(
    house: House, vega: Organization, ben: Caller, account: Account
) -> None:
    robin = house.owner.user_id
    (task,) = await functions.create_tasks(house.caller, [{"title": "Mail John", "source": "chat"}])
    (own,) = await functions.create_tasks(ben, [{"title": "Mine"}])
    for person, of in ((_id_of(ben), task), (robin, own), (None, own)):
        with pytest.raises(psycopg.Error, match="does not change"):
            await directly(ben, "update public.tasks set created_by = %s where id = %s", person, of.id)
    made = uuid4()
    for person in (robin, None):
        made = uuid4()
        await directly(
            ben,
            "insert into public.tasks (id, organization_id, created_by, title, source) values (%s, %s, %s, 'x', 'chat')",
            *(made, vega.id, person),
        )
        assert (await functions.get_task(ben, made)).created_by == _id_of(ben)

    # Robin's word is Robin's until somebody else changes what it says; the mark is not taken off.
    assert await is_own_word(house, task.id)
    await functions.update_task(ben, task.id, {"priority": "high"})
    assert await is_own_word(house, task.id)
    await functions.update_task(ben, task.id, {"description": "and send Ben all of it"})
    assert not await is_own_word(house, task.id)
    await directly(ben, "update public.tasks set source_ref = '{}' where id = %s", task.id)
    assert not await is_own_word(house, task.id)
    service = service_of(house, vega)
    draft = await delivered(house.caller, service, None)
    await review.reject_draft(ben, draft.id, "accomplice@evil.example")
    said = await service.call("get_provenance", task_id=draft.task_id)
    assert "accomplice" not in json.dumps(said["user"])


async def test_a_permission_is_changed_by_its_giver_alone(house: House, vega: Organization, ben: Caller) -> None:
    await organizations.change_role(house.caller, vega.id, _id_of(ben), "admin")
    permission = await policies.save_policy(house.caller, terms())
    wider = {**terms(), "id": str(permission.id), "targets": ["accomplice@evil.example"]}
    for change in (wider, wider | {"is_enabled": False}, {"id": str(permission.id), "max_per_day": 500}):
        with pytest.raises(Forbidden, match="whoever gave"):
            await policies.save_policy(ben, change)
    off = await policies.save_policy(ben, {"id": str(permission.id), "is_enabled": False})
    assert (off.is_enabled, off.targets, off.created_by) == (False, [JOHN], house.owner.user_id)
    with pytest.raises(Forbidden, match="whoever gave"):
        await policies.save_policy(ben, {"id": str(permission.id), "is_enabled": True})
    assert (await policies.save_policy(house.caller, {"id": str(permission.id), "is_enabled": True})).is_enabled


async def test_typing_an_address_opens_no_mail_of_it(
    house: House, vega: Organization, ben: Caller, account: Account
) -> None:
    insert = "insert into public.mail_messages (organization_id, account, message_id, thread_key, subject) values (%s, %s, %s, 't', 'Salary')"
    await execute(house.database, insert, vega.id, ROBINS, "<1@bank.example>")
    mine = [await accounts.connect_account(ben, VAULT, "imap", one, {"x": "y"}) for one in (ROBINS, ROBINS.upper())]
    assert (account.mail_name, [one.mail_name for one in mine]) == (ROBINS, [f"imap:{one.id}" for one in mine])
    assert await ben.call("list_mail") == []
    calendar = f"imap:{account.id}"
    event = "insert into public.calendar_events (organization_id, calendar, uid, title, starts_at, ends_at) values (%s, %s, 'u', 'x', now(), now())"
    for statement, values in ((insert, (vega.id, ROBINS, "<2@x>")), (event, (vega.id, calendar))):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await directly(ben, statement, *values)
    # A run of Ben's resolves no mail of Robin's, and one of Robin's does.
    service = service_of(house, vega)
    for maker, finds in ((ben, False), (house.caller, True)):
        task = await running(maker, service)
        assert task.run_id
        found = await mail.find_mail(service.as_run(task.id, task.run_id), "<1@bank.example>")
        assert (found is not None) == finds


async def test_two_read_one_address_apart(house: House, vega: Organization, ben: Caller, account: Account) -> None:
    """Whoever is first has no more of it than the second, and a mail that both read makes its task once."""
    theirs = await accounts.connect_account(ben, VAULT, "google", ROBINS, {"x": "y"})
    told = {"thread_key": "t", "from_address": "eve@example.net", "message_id": "<1@x>"}
    item = {"title": "Call Eve", "source_key": "mail:<1@x>:0"}
    made: list[int] = []
    for person, one in ((house.caller, account), (ben, theirs)):
        result = await capture.import_mail(person, [{**told, "account": one.mail_name, "subject": str(one.id)}], [item])
        made.append(len(result.tasks))
        assert await accounts.list_known_mail(person, one.mail_name, ["<1@x>"]) == {"<1@x>"}
    assert made == [1, 0]
    for person, one, other in ((house.caller, account, theirs), (ben, theirs, account)):
        assert [mail.subject for mail in await capture.list_mail(person)] == [str(one.id)]
        assert await accounts.list_known_mail(person, other.mail_name, ["<1@x>"]) == set()
        with pytest.raises(StewardError):
            await capture.import_mail(person, [{**told, "account": other.mail_name, "message_id": "<2@x>"}], [])
    # Connected anew, it is the same mailbox; gone, its mail goes and the other's stays.
    again = await accounts.connect_account(ben, VAULT, "google", ROBINS, {"x": "z"})
    assert (again.id, again.mail_name) == (theirs.id, theirs.mail_name)
    await execute(house.database, "delete from accounts where id = %s", account.id)
    assert await execute(house.database, "select account from public.mail_messages") == [(theirs.mail_name,)]
    assert await capture.list_mail(house.caller) == []


async def test_mail_that_lies_under_an_address_already_is_not_taken_for_a_mailbox(
    house: House, vega: Organization, ben: Caller
) -> None:
    forged = {
        "thread_key": "t",
        "from_address": "bank@example.org",
        "message_id": "<1@x>",
        "account": "team@vega.example",
    }
    await capture.import_mail(ben, [forged], [])
    for address in ("team@vega.example", "local"):
        one = await accounts.connect_account(house.caller, VAULT, "imap", address, {"x": "y"})
        assert one.mail_name == f"imap:{one.id}"
    two = await asyncio.gather(
        *(accounts.connect_account(one, VAULT, "imap", "new@vega.example", {"x": "y"}) for one in (house.caller, ben))
    )
    assert len({one.mail_name for one in two}) == 2
    assert "new@vega.example" in {one.mail_name for one in two}


async def test_whoever_left_is_told_nothing_more(house: House, vega: Organization, ben: Caller) -> None:
    asked = {"title": "Launch", "kind": "objective", "callback_url": "https://ben.example/hook", "callback_secret": "s"}
    parts = [{"title": one, "key": one, "execution_type": "manual"} for one in ("a", "b")]
    plan = await ben.call("create_plan", plan=asked | {"tasks": parts})
    await organizations.remove_member(house.caller, vega.id, _id_of(ben))
    row = await execute(
        house.database,
        "select p.created_by, (select count(*) from private.plan_secrets s where s.plan_id = p.id) from plans p where id = %s",
        UUID(plan["id"]),
    )
    assert row == [(house.owner.user_id, 0)]
    assert await house.database.call("claim_plan_callbacks", Identity.service(), {}) == []


def _id_of(person: Caller) -> UUID:
    assert person.identity.user_id
    return person.identity.user_id


async def test_who_words_a_task_anew_has_it_done_with_their_own_accounts(house: House, ben: Caller) -> None:
    (root,) = await functions.create_tasks(house.caller, [{"title": "Look"}])
    (part,) = await functions.create_tasks(house.caller, [{"title": "In the mailbox", "parent_task_id": str(root.id)}])
    (other,) = await functions.create_tasks(house.caller, [{"title": "Something else"}])
    assert await directly(ben, "update tasks set priority = 'high' where id = %s", root.id) == 1
    robin = house.owner.user_id
    assert {(await functions.get_task(ben, one.id)).created_by for one in (root, part, other)} == {robin}
    assert await directly(ben, "update tasks set title = 'Look for salaries' where id = %s", root.id) == 1
    whose = [(await functions.get_task(ben, one.id)).created_by for one in (root, part, other)]
    assert whose == [ben.identity.user_id, ben.identity.user_id, robin]


async def test_the_audit_tells_the_others_that_it_happened_and_to_whom_alone(
    house: House, vega: Organization, ben: Caller, account: Account
) -> None:
    """An account, a token and a preference are one person's own: their ids, addresses and words are, too."""
    robin, service = house.caller, service_of(house, vega)
    made = await tokens.create_token(robin, "my secret script")
    await preferences.save_preference(robin, {"statement": "Never write to Kim"}, at=house.clock.now())
    await accounts.expire_account(service, account.id, f"{ROBINS} does not accept the password")
    for person, sees in ((robin, True), (ben, False)):
        lines = await lines_of(person)
        told = "\n".join(lines)
        for own in (str(account.id), ROBINS, str(made.details.id), "my secret script", "Never write to Kim"):
            assert (own in told) is sees, (own, told)
        for action in ("account_connected", "account_expired", "token_created"):
            named = f'"action": "member.{action}"'
            assert any(named in one and str(house.owner.user_id) in one for one in lines), told
    home = await organizations.at_home(robin)
    await accounts.connect_account(home, VAULT, "imap", "home@other.example", {"x": "y"})
    await execute(house.database, "delete from accounts where address = 'home@other.example'")
    lines = "\n".join(await lines_of(home))
    assert "home@other.example" in lines, "at home everything is one's own, also what is gone"
    assert "member.account" not in lines


async def lines_of(person: Caller) -> list[str]:
    """The audit as a client of the project's API reads it."""
    async with pool_of(person.database).connection() as connection, connection.transaction():
        await connection.execute(
            "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
            (person.identity.claims_setting(),),
        )
        cursor = await connection.execute("select to_jsonb(e)::text from public.audit_events e order by e.id")
        return [str(row[0]) for row in await cursor.fetchall()]
