"""Several people in one house: whose settings, whose address, whose budget."""

import json
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import ValidationError

from agents.budget import BudgetUsedUp, TenantBudget, of_the_house
from agents.services.browser import Browser
from agents.services.chat import Chat
from agents.services.code import CodeHost, Pipelines
from agents.services.mail import Mailbox
from agents.services.records import ApiRecords, CustomerRecords, SqlQueries, TableQueries, TableRecords
from agents.services.remote import RemoteTools
from agents.services.tickets import Tickets
from agents.services.web import HttpClient, WebSearch
from agents.thinking import Limits, ModelCall
from app.house import House, furnish
from app.main import create_app
from core.database import Caller, Identity
from core.errors import Conflict, Unavailable
from core.keys import Keys
from core.outside.errors import NotConnected
from core.postgres import pool_of
from core.settings import Settings
from core.vault import Vault
from jobs.outside.all import connected_world
from jobs.outside.lending import guard_for
from jobs.outside.world import NOT_LENT, Given, World
from jobs.situation import situation_of
from jobs.worker import working
from tasks import accounts, functions, model_calls, organizations, review, trees
from tasks.capture import get_profile
from tasks.drafts import Draft
from tasks.mail import serves_owner
from tasks.models import Task
from tests.conftest import NOW, sign_up
from tests.emulators.served import Answer, serving
from tests.integration.agents.growing import is_state, node, root, until

PROGRAM = Path(__file__).parents[2] / "emulators" / "mcp_program.py"
LENT: Mapping[type, str] = {
    WebSearch: "tavily", Tickets: "jira", CodeHost: "github", Pipelines: "cicd", CustomerRecords: "hubspot",
    TableRecords: "postgres_records", ApiRecords: "rest_records", SqlQueries: "postgres", TableQueries: "supabase",
    RemoteTools: "mcp",
}  # fmt: skip
NEVER = (Mailbox, Chat)
AUTOMATED: dict[str, Any] = {"execution_type": "fully_automated", "max_retries": 0}


def everything(house: House, site: str, **more: Any) -> Settings:
    """The house's settings with something for every service."""
    server = {
        "command": sys.executable,
        "args": [str(PROGRAM)],
        "env": {"CONTACT_BOOK": str(house.settings.home / "b")},
    }
    given: dict[str, Any] = {
        "home": house.settings.home, "timezone": "Europe/Berlin", "now": house.settings.now, "owner_email": house.settings.owner_email,
        "database_url": house.settings.database_url, "TAVILY_API_KEY": "key-of-the-owner", "jira_url": site, "jira_email": "robin@vega.example",
        "jira_token": "key-of-the-owner", "github_token": "key-of-the-owner", "github_url": site, "hubspot_token": "key-of-the-owner",
        "cicd_url": site, "cicd_secret": "whsec_" + "a" * 32, "query_database_url": house.settings.database_url, "query_supabase_url": site,
        "query_supabase_key": "key-of-the-owner", "records_database_url": house.settings.database_url, "records_api_url": site,
        "slack_bot_token": "xoxb-1", "private_hosts": site.rpartition("/")[2], "browser_sites": "wiki.example",
        "mcp_servers": json.dumps({"mcpServers": {"contacts": server}}), **more,
    }  # fmt: skip
    return Settings.model_validate(given)


def in_organization(house: House, organization_id: UUID) -> Caller:
    return house.database.acting_as(Identity.service(organization_id))


async def newcomer(house: House, email: str = "lena@example.org", name: str = "Lena Ost") -> Caller:
    """Somebody who signed up."""
    identity = await sign_up(house.database, email)
    async with pool_of(house.database).connection() as connection:
        details = json.dumps({"name": name})
        await connection.execute(
            "update auth.users set raw_user_meta_data = %s where id = %s", (details, identity.user_id)
        )
    return house.database.acting_as(identity)


@asynccontextmanager
async def browsing(house: House, person: Caller) -> AsyncGenerator[httpx.AsyncClient]:
    """A program that speaks for a person with a short-lived token of the house."""
    keys = Keys.load(house.settings.home)
    assert person.identity.user_id
    headers = {"Authorization": f"Bearer {keys.bearer_token(person.identity.user_id)}"}
    transport = httpx.ASGITransport(create_app(house, keys), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
        yield client


async def made(caller: Caller, **item: Any) -> Task:
    (task,) = await functions.create_tasks(caller, [{"title": "Look", **item}])
    return task


async def test_what_the_settings_say_serves_their_owner_and_whom_they_name(house: House) -> None:
    lena = await newcomer(house)
    theirs, owners = await made(lena), await made(house.caller)
    settings = everything(house, "http://127.0.0.1:9")
    world = connected_world(Given(settings, house.database, house.clock))
    shared = connected_world(
        Given(settings.model_copy(update={"shared_tools": " Tavily, mcp ,"}), house.database, house.clock)
    )
    for task, person in ((owners, house.caller), (theirs, lena)):
        caller = in_organization(house, task.organization_id)
        is_owner = task is owners
        offered, asked = await world.providers(caller), await world.providers(person)
        assert offered == asked == (frozenset({*LENT.values(), "slack"}) if is_owner else frozenset())
        assert await shared.providers(caller) == (offered if is_owner else {"tavily", "mcp"})
        for need, name in {**LENT, **dict.fromkeys(NEVER, "")}.items():
            assert await reached(world, need, caller, task) is is_owner, need
            assert await reached(shared, need, caller, task) is (is_owner or name in {"tavily", "mcp"}), need
            if need in LENT:
                assert world.lacks(need, offered) == (None if is_owner else NOT_LENT)
        given = Given(settings, house.database, house.clock)
        assert (await guard_for(given, caller)).private_hosts == ({"127.0.0.1:9"} if is_owner else frozenset())
        assert await reached(world, HttpClient, caller, task)
        assert await reached(world, Browser, caller, task)
    for wrong in ("mail", "tavily,slack"):
        with pytest.raises(ValidationError, match=f"{wrong.rpartition(',')[2]} cannot be shared; allowed are tavily"):
            Settings.model_validate({"shared_tools": wrong})


async def reached(world: World, need: type, caller: Caller, task: Task) -> bool:
    try:
        await world.reach(need, caller, task)
    except NotConnected:
        return False
    return True


async def test_a_task_of_a_stranger_that_names_a_tool_gets_nothing_of_the_owners(house: House) -> None:
    """Named directly, and as a part of a plan: each waits for an account of their own, and no request was made."""
    wanted: dict[str, dict[str, Any]] = {
        "github_check": {"repository": "vega/x", "ref": "main"},
        "web_search": {"query": "x"},
        "contacts_find_contact": {"name": "Ana"},
        "database_query": {"sql": "select 1"},
    }
    async with serving(lambda got: Answer(200)) as site:
        lena = await newcomer(house)
        owned = furnish(everything(house, site.url), house.clock, house.database, house.owner)
        hers = replace(owned, owner=lena.identity)
        plan = root(*(node(name, name, tool_input=given) for name, given in wanted.items()))
        async with browsing(owned, lena) as client:
            refusal = await client.post("/api/tasks", json={"title": "Look", "tool": "web_search"})
            assert refusal.status_code == 422, "a task there is said in words"
            tree = trees.MadeTree.model_validate((await client.post("/api/tasks/tree", json=plan)).json())
        direct = [await made(lena, tool=name, tool_input=given, **AUTOMATED) for name, given in wanted.items()]
        unknown = await made(lena, tool="contacts_steal", **AUTOMATED)
        near = await made(lena, tool="http_request", tool_input={"method": "GET", "url": site.url}, **AUTOMATED)
        async with working(await owned.worker()):
            for task_id in (tree.id, *(task.id for task in (*direct, unknown, near))):
                await functions.queue_task_execution(lena, task_id)
            (asked,) = await waiting_acts(hers, near.id)
            await review.decide_approval(lena, asked, approved=True)
            for one in (*(task.id for task in direct), *(tree.keys[name] for name in wanted)):
                shown = await until(hers, one, is_state("blocked", "failed"), 30)
                assert (shown.execution_status, shown.blocked_on) == ("blocked", "account"), shown
            refused = await until(hers, near.id, is_state("failed"), 30)
            lost = await until(hers, unknown.id, is_state("failed"), 30)
        assert not site.got
    assert "not an address of the open internet" in str(refused.failure_reason)
    assert "contacts_find_contact" not in str(lost.failure_reason)


async def waiting_acts(house: House, task_id: UUID) -> list[UUID]:
    await until(house, task_id, is_state("blocked"), 30)
    return [
        one.id for one in (await review.list_approvals(house.caller, states=["open"])).items if one.task_id == task_id
    ]


async def drafted(house: House, person: Caller, maker: Caller | None = None) -> Draft:
    """What a task of theirs came to, which is to write to Marta; `maker` made it, where it was not they."""
    task = await made(maker or person, title="Write marta@vega.example a mail to say thank you for the files", kind="email", execution_type="semi_automated")  # fmt: skip
    async with working(await house.worker()):
        await functions.queue_task_execution(person, task.id)
        await until(
            replace(house, owner=person.identity), task.id, is_state("blocked", "paused", "completed", "failed"), 30
        )
    (draft,) = (await review.list_drafts(person, task_id=task.id)).items
    return draft


async def test_a_draft_is_from_whoever_it_is_for_and_says_when_nothing_can_send_it(house: House) -> None:
    """A permission does not let it go, a yes is refused; once a mailbox is connected it is from there, for a new yes."""
    lena = await newcomer(house)
    mine, hers = await drafted(house, house.caller), await drafted(house, lena)
    assert mine.target == {"from_address": "robin@vega.example", "from_name": "Robin Vega"}
    assert hers.target == {"from_address": "lena@example.org", "from_name": "Lena Ost", "lacks": "mailbox"}
    assert "Robin" not in hers.body
    async with browsing(house, lena) as client:
        page = await client.get(f"/review/{hers.id}")
        assert "There is no mailbox to send this from yet" in page.text
        assert "Approve and send" not in page.text
        refusal = await client.post(f"/api/drafts/{hers.id}/approve", json={"digest": hers.digest})
        assert (refusal.status_code, refusal.json()["detail"]) == (409, "There is no mailbox to send this from"), (
            refusal.text
        )
    async with browsing(house, house.caller) as client:
        page = await client.get(f"/review/{mine.id}")
        assert "Approve and send" in page.text
        assert "It goes to the local outbox" in page.text
    with pytest.raises(Conflict, match="no mailbox to send this from") as refused:
        await review.approve_draft(lena, hers.id, hers.digest)
    assert "/settings" in str(refused.value.hint)
    assert hers.approval_id
    with pytest.raises(Conflict, match="no mailbox"):
        await review.decide_approval(lena, hers.approval_id, approved=True)
    vault, secret = (
        Vault.from_settings(house.settings),
        {"imap_url": "imaps://l:p@mail.example", "smtp_url": "smtps://l:p@mail.example"},
    )
    await accounts.connect_account(
        lena, vault, "google", "lena.calendar@example.org", {}, ["https://www.googleapis.com/auth/calendar"]
    )
    assert (await review.get_draft(lena, hers.id)).state == "draft", "a calendar sends nothing"
    account = await accounts.connect_account(
        lena, vault, "imap", "lena@mail.example", secret, settings={"name": "Lena O."}
    )
    (older, newer) = sorted((await review.list_drafts(lena)).items, key=lambda one: one.version)
    assert (older.state, newer.state, newer.body) == ("superseded", "draft", hers.body)
    assert newer.author_type == "agent", "nobody wrote it anew"
    assert newer.target == {"from_address": "lena@mail.example", "from_name": "Lena O.", "account_id": str(account.id)}
    assert (await review.approve_draft(lena, newer.id, newer.digest)).state == "approved"
    assert (await review.get_draft(house.caller, mine.id)).state == "draft"


@pytest.mark.parametrize("is_shared", [False, True])
async def test_what_steward_makes_for_somebody_is_from_their_mailbox_while_its_sign_in_has_ended(
    house: House, *, is_shared: bool
) -> None:
    """Work that nobody made by hand, as of a series, in an organization of one's own and in a shared one."""
    lena = await newcomer(house)
    organization_id = UUID((await get_profile(lena))["organization"]["id"])
    if is_shared:
        organization_id = (await organizations.create_organization(lena, "Vega")).id
        lena = house.database.acting_as(replace(lena.identity, organization_id=organization_id))
    secret = {"imap_url": "imaps://l:p@mail.example", "smtp_url": "smtps://l:p@mail.example"}
    await accounts.connect_account(lena, Vault.from_settings(house.settings), "imap", "lena@mail.example", secret)
    await execute(house, "update public.accounts set state = 'expired'")
    draft = await drafted(house, lena, maker=in_organization(house, organization_id))
    assert draft.target == {"from_address": "lena@mail.example", "from_name": "Lena Ost"}


async def test_an_address_alone_makes_nobody_the_owner(house: House) -> None:
    """Somebody signs up with the owner's address where nobody is the owner, and does not confirm it."""
    lena = await newcomer(house, "boss@example.org")
    worker = in_organization(house, UUID((await get_profile(lena))["organization"]["id"]))
    assert not await serves_owner(worker, "boss@example.org"), "there is one already"
    async with pool_of(house.database).connection() as connection:
        await connection.execute("update auth.users set raw_app_meta_data = '{}'")
        assert not await serves_owner(worker, "boss@example.org"), "not confirmed"
        await connection.execute("update auth.users set email_confirmed_at = now()")
    assert await serves_owner(worker, "Boss@Example.org")


async def test_whoever_signs_up_shares_one_budget_with_the_others(house: House) -> None:
    limits = {"day_usd": 20, "others_day_usd": 1}
    lena, omar = await newcomer(house), await newcomer(house, "omar@example.org", "Omar")
    await organizations.create_organization(lena, "Another one")
    call = ModelCall("strategy", "openai", "gpt-5-mini", "strategist/2", 100, 10, 0.7, 5)
    await model_calls.record_llm_interaction(await of_the_house(lena), None, call.as_json())
    held = [TenantBudget(one, None, Limits(**limits), "Europe/Berlin") for one in (lena, omar, house.caller)]
    await held[0].reserve(None, 0.2)
    with pytest.raises(BudgetUsedUp, match="everybody but the owner") as refused:
        await held[1].reserve(None, 0.2)
    assert refused.value.until
    assert "STEWARD_MODEL_OTHERS_DAY_BUDGET_USD" in str(refused.value.hint)
    assert "0.7" not in refused.value.message, "nobody is told what the others spent"
    await held[2].reserve(None, 15)


async def test_an_installation_without_an_owner_says_which_setting_names_one(house: House) -> None:
    with pytest.raises(Unavailable) as refused:
        _ = replace(house, owner=Identity.nobody()).caller
    assert "STEWARD_OWNER_EMAIL" in str(refused.value.hint)


async def test_everybody_is_brought_up_their_own_and_the_first_owner_what_is_shared(house: House) -> None:
    vega = await organizations.create_organization(house.caller, "Vega")
    account = await accounts.connect_account(
        house.caller, Vault.from_settings(house.settings), "google", "robin@vega.example", {}, []
    )
    lena = await newcomer(house)
    for calendar in ("local", f"google:{account.id}"):
        await execute(house, "insert into public.calendar_events (organization_id, calendar, uid, title, starts_at, ends_at) values (%s, %s, 'u', 'Review', %s, %s)", vega.id, calendar, NOW, NOW + timedelta(hours=1))  # fmt: skip
        await execute(house, "insert into public.mail_messages (organization_id, account, message_id, thread_key, sent_at) values (%s, %s, %s, 't', %s)", vega.id, "robin@vega.example" if calendar != "local" else "local", calendar, NOW)  # fmt: skip
    for others in (0, 1):
        if others:
            await execute(house, "insert into public.members (organization_id, user_id, role) values (%s, %s, 'member')", vega.id, lena.identity.user_id)  # fmt: skip
        found = await situation_of(house.given, house.caller, NOW)
        assert {one.calendar for one in found.meetings} == {"local", f"google:{account.id}"}
        assert len(found.mails) == 2
    in_vega = house.database.acting_as(replace(lena.identity, organization_id=vega.id))
    hers = await situation_of(house.given, in_vega, NOW)
    assert (hers.meetings, hers.mails) == ([], [])


async def execute(house: House, statement: str, *values: object) -> None:
    """As the owner of the schema."""
    async with pool_of(house.database).connection() as connection:
        await connection.execute(statement.encode(), values)
