"""Rotation of keys: every secret is sealed anew; half-way, and while others write, all of them stay readable."""

import json
from typing import Any
from uuid import UUID

import pytest

from app.house import House
from core.database import Caller, Database, Identity
from core.postgres import pool_of
from core.vault import Vault
from tasks import accounts, plans
from tasks.sealed import reseal_all

OLD, NEW = b"o" * 32, b"n" * 32


class Interrupted(Exception):
    """The machine goes off in the middle."""


async def _secrets(database: Database, vault: Vault) -> dict[str, Any]:
    """What opens with these keys, by the address of the account."""
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            """select a.address, s.sealed, s.organization_id, s.account_id
               from private.account_secrets s join public.accounts a on a.id = s.account_id"""
        )
        return {str(row[0]): vault.open(row[1], row[2], row[3]) for row in await cursor.fetchall()}


async def test_a_rotation_that_is_interrupted_leaves_everything_readable_and_goes_on(
    ana: Caller, mallory: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: dict[str, Any] = {}
    for number in range(5):
        caller, address = (ana, mallory)[number % 2], f"box{number}@example.com"
        await accounts.connect_account(caller, Vault([OLD]), "google", address, {"token": f"secret {number}"})
        wanted[address] = {"token": f"secret {number}"}
    service, both = database.acting_as(Identity.service()), Vault([NEW, OLD])
    real, left = Vault.seal, 2

    def seal(vault: Vault, secret: Any, organization_id: UUID, account_id: UUID) -> str:
        nonlocal left
        left -= 1
        if left < 0:
            raise Interrupted
        return real(vault, secret, organization_id, account_id)

    with monkeypatch.context() as patched:
        patched.setattr(Vault, "seal", seal)
        with pytest.raises(Interrupted):
            await reseal_all(service, both)
    assert await _secrets(database, both) == wanted

    done = await reseal_all(service, both)

    assert (done.count, done.unreadable) == (3, [])
    assert await _secrets(database, Vault([NEW])) == wanted
    assert (await reseal_all(service, both)).count == 0


async def test_callback_secrets_of_plans_are_sealed_anew_for_their_organization(
    ana: Caller, database: Database
) -> None:
    organization_id = UUID(str((await ana.call("create_tasks", items=[{"title": "a"}]))[0]["organization_id"]))
    sealed = Vault([OLD]).seal({"secret": "whsec_1"}, organization_id, organization_id)
    callback = {"callback_url": "https://example.com/hook", "callback_secret": sealed}
    await plans.create_plan(ana, {"kind": "objective", "title": "a", "tasks": [{"title": "b"}], **callback})
    service = database.acting_as(Identity.service())

    done = await reseal_all(service, Vault([NEW, OLD]))

    assert (done.count, done.unreadable) == (1, [])
    (due,) = await plans.claim_plan_callbacks(service)
    assert Vault([NEW]).open(due.sealed_secret, organization_id, organization_id) == {"secret": "whsec_1"}


async def test_what_no_key_opens_is_named_and_what_somebody_else_wrote_is_left(ana: Caller, database: Database) -> None:
    account = await accounts.connect_account(ana, Vault([b"x" * 32]), "google", "ana@example.com", {"token": "t"})
    service = database.acting_as(Identity.service())

    done = await reseal_all(service, Vault([NEW, OLD]))

    assert (done.count, done.unreadable) == (0, [f"account/{account.id}"])
    assert not await service.call("reseal", place=f"account/{account.id}", old_sealed="another", new_sealed="mine")
    assert not await service.call("reseal", place="elsewhere/1", old_sealed="a", new_sealed="b")


async def test_the_command_rotates_and_keeps_the_key_before(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cli import keys

    settings = house.settings
    before = Vault.from_settings(settings)
    account = await accounts.connect_account(house.caller, before, "google", "robin@vega.example", {"token": "t"})
    made: list[Any] = []
    monkeypatch.setattr(keys, "in_house", made.append)

    keys.rotate_command(as_json=True)
    await made[0](house)

    assert json.loads(capsys.readouterr().out) == {"resealed": 1}
    after = Vault.from_settings(settings)
    _, secret = await accounts.open_account(
        house.database.acting_as(Identity.service()), after, account.organization_id, "google"
    )
    assert secret == {"token": "t"}
    assert after._sealing != before._sealing  # pyright: ignore[reportPrivateUsage]
    assert (settings.home / "vault.keys").exists()
