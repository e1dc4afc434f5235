"""What somebody does in the very moment in which they are removed ends with them."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from app.house import House
from core.database import Caller, Identity
from core.postgres import pool_of
from tasks import organizations
from tasks.organizations import Organization
from tests.integration.tasks.permitting import terms
from tests.integration.tasks.test_colleagues import ben, vega
from tests.integration.tasks.test_organizations import execute

__all__ = ["ben", "vega"]  # fixtures
AGENT = json.dumps({"name": "Helper"})
DONE: dict[str, tuple[str, str, str]] = {
    "an agent's token": (
        "select public.register_agent(%s, %s, 'sta_abcdef')",
        AGENT,
        "select count(*) from agents where organization_id = %s and token_hash is not null",
    ),
    "a permission": (
        "select public.save_policy(%s)",
        json.dumps(terms()),
        "select count(*) from policies where organization_id = %s and is_enabled",
    ),
    "a program's token": (
        """select public.create_api_token('x', %s, 'stw_abcdef', '["tasks:read"]', 3600)""",
        "",
        "select count(*) from api_tokens where organization_id = %s and revoked_at is null",
    ),
    "an account": (
        "select public.connect_account(gen_random_uuid(), 'imap', 'ben@own.example', 'sealed')",
        "",
        "select count(*) from accounts where organization_id = %s and state = 'connected'",
    ),
    "a link of a calendar": (
        "select public.renew_calendar_feed(%s)",
        "",
        "select count(*) from calendar_feeds where organization_id = %s",
    ),
    "a code for Slack": (
        "select public.create_slack_code(%s)",
        "",
        "select count(*) from private.slack_codes where organization_id = %s",
    ),
}


@asynccontextmanager
async def in_the_middle(person: Caller) -> AsyncGenerator[psycopg.AsyncConnection[Any]]:
    """A transaction of this person's, which ends with the block."""
    async with pool_of(person.database).connection() as connection, connection.transaction():
        await connection.execute(
            "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
            (person.identity.claims_setting(),),
        )
        yield connection


@pytest.mark.parametrize("what", DONE)
async def test_nothing_is_made_while_its_maker_is_removed(
    house: House, vega: Organization, ben: Caller, what: str
) -> None:
    assert ben.identity.user_id
    await organizations.change_role(house.caller, vega.id, ben.identity.user_id, "admin")
    call, first, left = DONE[what]
    values = [*([first] if first else []), *(["ab" * 32] if call.count("%s") > bool(first) else [])]
    async with in_the_middle(ben) as connection:
        await connection.execute(call.encode(), values)
        removing = asyncio.create_task(organizations.remove_member(house.caller, vega.id, ben.identity.user_id))
        await asyncio.wait([removing], timeout=0.5)
    await removing
    assert await execute(house.database, left, vega.id) == [(0,)]


async def test_a_permission_is_not_given_while_its_giver_becomes_a_member(
    house: House, vega: Organization, ben: Caller
) -> None:
    assert ben.identity.user_id
    await organizations.change_role(house.caller, vega.id, ben.identity.user_id, "admin")
    async with in_the_middle(ben) as connection:
        await connection.execute("select public.save_policy(%s)", (json.dumps(terms()),))
        lowering = asyncio.create_task(organizations.change_role(house.caller, vega.id, ben.identity.user_id, "member"))
        await asyncio.wait([lowering], timeout=0.5)
    await lowering
    assert await execute(house.database, DONE["a permission"][2], vega.id) == [(0,)]


async def test_nobody_is_linked_with_slack_while_they_are_removed(
    house: House, vega: Organization, ben: Caller
) -> None:
    """The worker links whoever came with a code; by the time it is done they may belong here no more."""
    link = "select public.link_slack_user(%s, 'T1', 'U1')"
    assert ben.identity.user_id
    worker = house.database.acting_as(Identity.service(vega.id))
    async with pool_of(house.database).connection() as connection, connection.transaction():
        await connection.execute(
            "select set_config('role', 'service_role', true), set_config('request.jwt.claims', %s, true)",
            (worker.identity.claims_setting(),),
        )
        await connection.execute(link.encode(), (ben.identity.user_id,))
        removing = asyncio.create_task(organizations.remove_member(house.caller, vega.id, ben.identity.user_id))
        await asyncio.wait([removing], timeout=0.5)
    await removing
    assert await execute(house.database, "select count(*) from slack_links") == [(0,)]
