"""Accounts: whose they are, who reads their secrets, how they are renewed once, and what waits for them."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.database import Caller, Database, Identity
from core.errors import Conflict, Forbidden, Invalid, NotFound, StewardError
from core.outside.errors import NotConnected, SignInExpired, Temporary
from core.postgres import pool_of
from core.vault import Vault
from tasks import accounts, functions, runs
from tasks.accounts import Account, Secret

VAULT = Vault([b"k" * 32])
SECRET: Secret = {"access_token": "old", "refresh_token": "secret words"}


async def connected(caller: Caller, address: str = "ana@example.com") -> Account:
    return await accounts.connect_account(caller, VAULT, "google", address, SECRET, ["mail"], {"signature": "Ana"})


async def organization_of(caller: Caller) -> UUID:
    return UUID((await caller.call("get_profile"))["organization"]["id"])


async def audited(database: Database, account: Account) -> list[tuple[str, str | None]]:
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            "select action, reason from public.audit_events where subject_id = %s order by id", (account.id,)
        )
        return [(str(row[0]), row[1]) for row in await cursor.fetchall()]


async def test_a_connected_account_opens_for_the_worker_of_its_tenant(ana: Caller, service: Caller) -> None:
    made = await connected(ana)
    account, secret = await accounts.open_account(service, VAULT, made.organization_id, "google")
    assert (account.id, account.address, secret) == (made.id, "ana@example.com", SECRET)
    assert account.settings == {"signature": "Ana"}
    assert account.secret_version == 1


async def test_a_worker_of_every_tenant_opens_it_by_naming_the_tenant(ana: Caller, database: Database) -> None:
    made = await connected(ana)
    everywhere = database.acting_as(Identity.service())
    _, secret = await accounts.open_account(everywhere, VAULT, made.organization_id, "google")
    assert secret == SECRET


async def test_a_worker_never_opens_another_tenants_account(ana: Caller, mallory: Caller, database: Database) -> None:
    made = await connected(ana)
    theirs = await organization_of(mallory)
    foreign = database.acting_as(Identity.service(theirs))
    with pytest.raises(Forbidden):
        await accounts.open_account(foreign, VAULT, made.organization_id, "google")
    with pytest.raises(NotConnected):
        await accounts.open_account(foreign, VAULT, theirs, "google", made.id)
    for call in (
        foreign.call("expire_account", account_id=made.id, reason="x"),
        foreign.call("begin_renewal", account_id=made.id, version=1),
        foreign.call("finish_renewal", account_id=made.id, lease=uuid4()),
        foreign.call("save_sync_state", account_id=made.id, part="mail", expected=None, sync={}),
        foreign.call("disconnect_account", account_id=made.id),
    ):
        with pytest.raises(NotFound):
            await call
    assert await accounts.list_accounts(foreign) == []


async def test_a_secret_moved_to_another_tenant_does_not_open(ana: Caller, mallory: Caller, database: Database) -> None:
    made = await connected(ana)
    theirs = await connected(mallory, "mallory@example.net")
    async with pool_of(database).connection() as connection:
        await connection.execute(
            "update private.account_secrets set sealed = (select sealed from private.account_secrets where account_id = %s) "
            "where account_id = %s",
            (made.id, theirs.id),
        )
    service = database.acting_as(Identity.service(theirs.organization_id))
    with pytest.raises(SignInExpired, match="cannot be opened"):
        await accounts.open_account(service, VAULT, theirs.organization_id, "google")


async def test_people_see_their_own_accounts_and_never_a_secret(
    ana: Caller, mallory: Caller, nobody: Caller, database: Database
) -> None:
    await connected(ana)
    assert [account.address for account in await accounts.list_accounts(ana)] == ["ana@example.com"]
    assert await accounts.list_accounts(mallory) == []
    with pytest.raises(Forbidden):
        await accounts.list_accounts(nobody)
    for person in (ana, mallory, nobody):
        for function, params in (
            ("open_account", {"provider": "google"}),
            ("begin_renewal", {"account_id": uuid4(), "version": 1}),
            ("list_connected_accounts", {}),
        ):
            with pytest.raises(Forbidden):
                await person.call(function, **params)
    async with pool_of(database).connection() as connection:
        for table in ("account_secrets", "sign_ins"):
            for role in ("anon", "authenticated"):
                cursor = await connection.execute(
                    "select has_any_column_privilege(%s, %s::regclass, 'select, insert, update')",
                    (role, f"private.{table}"),
                )
                assert await cursor.fetchone() == (False,)


async def test_nothing_of_a_secret_is_in_the_clear_anywhere_in_the_database(ana: Caller, database: Database) -> None:
    await connected(ana)
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('public', 'private', 'jobs')"
        )
        for (table,) in await cursor.fetchall():
            rows = await connection.execute(
                f"select coalesce(jsonb_agg(to_jsonb(t)), '[]')::text from {table} t".encode()
            )
            text = await rows.fetchone()
            assert text
            assert "secret words" not in text[0], table


async def test_only_a_person_connects(service: Caller, nobody: Caller) -> None:
    for caller in (service, nobody):
        with pytest.raises(Forbidden):
            await connected(caller)


async def test_connecting_again_keeps_the_account_and_its_settings(
    ana: Caller, service: Caller, database: Database
) -> None:
    first = await connected(ana)
    await accounts.expire_account(service, first.id, "Google withdrew it")
    again = await accounts.connect_account(
        ana, VAULT, "google", "ana@example.com", {"access_token": "new"}, ["mail", "send"]
    )
    assert (again.id, again.state, again.scopes, again.reason) == (first.id, "connected", ["mail", "send"], None)
    assert again.settings == {"signature": "Ana"}
    _, secret = await accounts.open_account(service, VAULT, first.organization_id, "google")
    assert secret == {"access_token": "new"}
    assert await audited(database, first) == [
        ("account.connected", None),
        ("account.expired", "Google withdrew it"),
        ("account.reconnected", None),
    ]


async def test_a_person_may_have_several_accounts_of_one_service(ana: Caller, service: Caller) -> None:
    home, work = await connected(ana), await connected(ana, "ana@work.example")
    opened, _ = await accounts.open_account(service, VAULT, work.organization_id, "google", work.id)
    assert opened.address == "ana@work.example"
    first, _ = await accounts.open_account(service, VAULT, work.organization_id, "google")
    assert first.id == home.id
    await accounts.expire_account(service, home.id, "gone")
    first, _ = await accounts.open_account(service, VAULT, work.organization_id, "google")
    assert first.id == work.id, "one that works comes before one that has expired"


async def test_another_persons_account_of_the_same_tenant_is_not_taken(
    ana: Caller, service: Caller, database: Database
) -> None:
    from tests.conftest import sign_up

    made = await connected(ana)
    colleague = await sign_up(database, "colleague@example.com")
    async with pool_of(database).connection() as connection:
        await connection.execute(
            "insert into public.members (organization_id, user_id) values (%s, %s)",
            (made.organization_id, colleague.user_id),
        )
    with pytest.raises(NotConnected):
        await accounts.open_account(service, VAULT, made.organization_id, "google", user_id=colleague.user_id)
    assert await accounts.list_accounts(database.acting_as(colleague)) == []
    with pytest.raises(NotFound):
        await accounts.disconnect_account(database.acting_as(colleague), made.id)


async def test_nothing_connected_says_where_to_connect(ana: Caller, service: Caller) -> None:
    with pytest.raises(NotConnected) as caught:
        await accounts.open_account(service, VAULT, await organization_of(ana), "google")
    assert not isinstance(caught.value, SignInExpired)
    assert "/settings#google" in (caught.value.hint or "")


async def test_an_expired_account_says_why_and_where_to_connect_again(ana: Caller, service: Caller) -> None:
    made = await connected(ana)
    await accounts.expire_account(service, made.id, "Google withdrew the permission")
    with pytest.raises(SignInExpired, match="Google withdrew the permission") as caught:
        await accounts.open_account(service, VAULT, made.organization_id, "google")
    assert "/settings#google" in (caught.value.hint or "")


async def test_a_disconnected_account_is_forgotten_and_stays_listed(
    ana: Caller, service: Caller, database: Database
) -> None:
    made = await connected(ana)
    gone = await accounts.disconnect_account(ana, made.id)
    assert (gone.state, gone.reason) == ("revoked", "Disconnected")
    with pytest.raises(NotConnected):
        await accounts.open_account(service, VAULT, made.organization_id, "google")
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute("select count(*) from private.account_secrets")
        assert await cursor.fetchone() == (0,)
    assert [account.state for account in await accounts.list_accounts(ana)] == ["revoked"]
    assert (await connected(ana)).id == made.id


async def test_disconnecting_somebody_elses_account_is_not_found(ana: Caller, mallory: Caller) -> None:
    made = await connected(ana)
    with pytest.raises(NotFound):
        await accounts.disconnect_account(mallory, made.id)


@pytest.mark.parametrize(
    ("provider", "address"), [("Google!", "a"), ("", "a"), ("google", ""), ("google", "x" * 321), ("g" * 51, "a")]
)
async def test_odd_names_are_refused(ana: Caller, provider: str, address: str) -> None:
    with pytest.raises(Invalid):
        await accounts.connect_account(ana, VAULT, provider, address, {})


async def test_what_waits_for_an_account_goes_on_when_one_is_connected(ana: Caller, service: Caller) -> None:
    [task] = await functions.create_tasks(ana, [{"title": "Read the mail", "execution_type": "fully_automated"}])
    await functions.queue_task_execution(ana, task.id)
    await runs.start_task_execution(service, task.id, None)
    await runs.block_task_execution(service, task.id, "No account", blocked_on="account")
    assert (await functions.get_task(ana, task.id)).execution_status == "blocked"
    await connected(ana)
    assert (await functions.get_task(ana, task.id)).execution_status == "queued"


# Renewal


async def renewed_by(service: Caller, account: Account, answer: Secret, asked: list[Secret]) -> Secret:
    async def renew(secret: Secret) -> Secret:
        asked.append(secret)
        await asyncio.sleep(0.05)
        return answer

    return (await accounts.renew_secret(service, VAULT, account, renew))[1]


async def test_two_workers_renew_at_once_and_the_service_is_asked_once(ana: Caller, service: Caller) -> None:
    made = await connected(ana)
    account, _ = await accounts.open_account(service, VAULT, made.organization_id, "google")
    asked: list[Secret] = []
    got = await asyncio.gather(*(renewed_by(service, account, {"access_token": str(n)}, asked) for n in range(5)))
    assert asked == [SECRET]
    assert len({json.dumps(secret) for secret in got}) == 1


async def test_a_refused_renewal_expires_the_account(ana: Caller, service: Caller, database: Database) -> None:
    made = await connected(ana)
    account, _ = await accounts.open_account(service, VAULT, made.organization_id, "google")

    async def refused(secret: Secret) -> Secret:
        raise SignInExpired("Google does not accept the sign-in any more")

    with pytest.raises(SignInExpired):
        await accounts.renew_secret(service, VAULT, account, refused)
    assert (await accounts.list_accounts(ana))[0].state == "expired"
    assert (await audited(database, made))[-1] == ("account.expired", "Google does not accept the sign-in any more")
    with pytest.raises(SignInExpired):
        await renewed_by(service, account, {}, [])


async def test_a_renewal_that_broke_off_leaves_the_way_free(ana: Caller, service: Caller) -> None:
    made = await connected(ana)
    account, _ = await accounts.open_account(service, VAULT, made.organization_id, "google")

    async def broken(secret: Secret) -> Secret:
        raise Temporary("Google is out of reach")

    with pytest.raises(Temporary):
        await accounts.renew_secret(service, VAULT, account, broken)
    asked: list[Secret] = []
    assert await renewed_by(service, account, {"access_token": "new"}, asked) == {"access_token": "new"}
    assert (await accounts.list_accounts(ana))[0].state == "connected"


async def test_a_renewal_of_an_older_secret_gets_the_newer_one(ana: Caller, service: Caller) -> None:
    made = await connected(ana)
    account, _ = await accounts.open_account(service, VAULT, made.organization_id, "google")
    await connected(ana)
    asked: list[Secret] = []
    assert await renewed_by(service, account, {}, asked) == SECRET
    assert asked == []


async def test_a_late_refusal_of_an_older_secret_does_not_expire_a_newer_one(ana: Caller, service: Caller) -> None:
    made = await connected(ana)
    await connected(ana)
    assert (await accounts.expire_account(service, made.id, "late", version=1)).state == "connected"
    assert (await accounts.expire_account(service, made.id, "now", version=2)).state == "expired"


# How far something was read


async def test_of_two_readers_one_keeps_how_far_it_came(ana: Caller, service: Caller) -> None:
    made = await connected(ana)
    read = await accounts.save_sync_state(service, made.id, None, {"history_id": "7"})
    assert (read.sync, read.synced_at is not None) == ({"mail": {"history_id": "7"}}, True)
    with pytest.raises(Conflict):
        await accounts.save_sync_state(service, made.id, None, {"history_id": "9"})
    await accounts.save_sync_state(service, made.id, None, {"token": "x"}, part="calendar")
    read = await accounts.save_sync_state(service, made.id, {"history_id": "7"}, {"history_id": "8"})
    assert read.sync == {"mail": {"history_id": "8"}, "calendar": {"token": "x"}}


async def test_the_worker_lists_connected_accounts_of_every_tenant(
    ana: Caller, mallory: Caller, service: Caller, database: Database
) -> None:
    first, second = await connected(ana), await connected(mallory, "mallory@example.net")
    expired = await connected(ana, "ana@old.example")
    await accounts.expire_account(service, expired.id, "gone")
    everywhere = database.acting_as(Identity.service())
    assert {a.id for a in await accounts.list_connected_accounts(everywhere, "google")} == {first.id, second.id}
    assert await accounts.list_connected_accounts(everywhere, "slack") == []


# Signing in through another site

STATE, SESSION = "a" * 64, "b" * 64


async def begun(caller: Caller, **change: Any) -> None:
    given = {"provider": "google", "state_hash": STATE, "session_hash": SESSION, "sealed": "x"} | change
    await accounts.begin_sign_in(caller, **given)


async def test_a_state_works_once(ana: Caller) -> None:
    await begun(ana)
    back = await accounts.finish_sign_in(ana, "google", STATE, SESSION)
    assert (back.state, back.sealed, back.organization_id) == ("yours", "x", await organization_of(ana))
    again = await accounts.finish_sign_in(ana, "google", STATE, SESSION)
    assert (again.state, again.sealed) == ("used", "")


async def test_a_state_of_another_person_or_session_or_service_does_not_work(ana: Caller, mallory: Caller) -> None:
    await begun(ana)
    assert (await accounts.finish_sign_in(mallory, "google", STATE, SESSION)).state == "foreign"
    assert (await accounts.finish_sign_in(ana, "google", STATE, "c" * 64)).state == "foreign"
    assert (await accounts.finish_sign_in(ana, "slack", STATE, SESSION)).state == "unknown"
    assert (await accounts.finish_sign_in(ana, "google", "d" * 64, SESSION)).state == "unknown"
    assert (await accounts.finish_sign_in(ana, "google", STATE, SESSION)).state == "yours"


async def test_a_state_is_old_after_ten_minutes(ana: Caller, database: Database) -> None:
    await begun(ana)
    async with pool_of(database).connection() as connection:
        await connection.execute("update private.sign_ins set expires_at = expires_at - interval '601 seconds'")
    assert (await accounts.finish_sign_in(ana, "google", STATE, SESSION)).state == "expired"


async def test_only_a_person_begins_a_sign_in(service: Caller, nobody: Caller) -> None:
    for caller in (service, nobody):
        with pytest.raises(StewardError):
            await begun(caller)
