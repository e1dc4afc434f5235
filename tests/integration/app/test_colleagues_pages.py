"""What the pages say in an organization of several: "you" is whoever reads, and a colleague is called by name."""

import re
from collections.abc import AsyncGenerator

import httpx
import pytest

from app.house import House
from core.database import Caller, Identity
from core.keys import Keys
from core.postgres import pool_of
from tasks import functions, review
from tasks.organizations import Organization
from tests.integration.app.test_organizations import pages_of
from tests.integration.tasks.permitting import delivered
from tests.integration.tasks.test_colleagues import ben, directly, vega

__all__ = ["ben", "vega"]  # fixtures


@pytest.fixture
async def bens(house: House, keys: Keys, ben: Caller, vega: Organization) -> AsyncGenerator[httpx.AsyncClient]:
    """Ben, a plain member of Robin's organization, with a browser; Robin has a name there."""
    async with pool_of(house.database).connection() as connection:
        named = """update auth.users set raw_user_meta_data = '{"name": "Robin"}' where id = %s"""
        await connection.execute(named, (house.owner.user_id,))
    async with pages_of(house, keys, ben.identity) as client:
        yield client


async def page(browser: httpx.AsyncClient, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text.replace("&#39;", "'")


async def test_a_colleagues_task_says_whose_it_is_and_who_did_it(
    house: House, keys: Keys, ben: Caller, bens: httpx.AsyncClient
) -> None:
    (task,) = await functions.create_tasks(house.caller, [{"title": "Look", "execution_type": "manual"}])
    await functions.update_task(ben, task.id, {"execution_status": "completed"})
    shown = await page(bens, f"/tasks/{task.id}")
    assert "Robin's task: it is done with Robin's accounts. Who words it anew has it from then on." in shown
    for words in ("<span>by Robin</span>", "<span>added by Robin</span>"):
        assert words in shown
    log = shown.partition("<h2>Log</h2>")[2]
    assert "by Robin" in log  # made
    assert "by you" in log  # ticked off
    await functions.create_tasks(house.caller, [{"title": "Listen", "execution_type": "manual"}])
    assert "<span>by Robin</span>" in await page(bens, "/tasks")
    async with pages_of(house, keys) as robins:
        own = await page(robins, f"/tasks/{task.id}")
    assert "'s task: it is done" not in own
    for words in ("<span>by you</span>", "<span>added by you</span>", "by ben@example.org"):
        assert words in own


async def test_a_colleagues_draft_says_whose_mailbox_and_permission_it_lacks(
    house: House, keys: Keys, vega: Organization, ben: Caller, bens: httpx.AsyncClient
) -> None:
    service = house.database.acting_as(Identity.service(vega.id))
    ask = {"verdict": "ask", "reasons": [{"code": "no_permission", "message": "No permission covers it"}]}
    lacking = await delivered(house.caller, service, ask, target={"from_address": "r@example.org", "lacks": "mailbox"})
    shown = await page(bens, f"/review/{lacking.id}")
    assert "It is Robin's mail, and Robin has no mailbox here yet: only that one would do." in shown
    assert "Connect one" not in shown
    assert "Only a permission that Robin gives would." in shown
    assert "Let this go by itself" not in shown
    assert "waiting for Robin" in shown
    assert "added by Robin" in shown
    edited = await review.revise_draft(house.caller, lacking.id, {"body": "Hi"})
    assert "version 2, by Robin" in (found := await page(bens, f"/review/{edited.id}"))
    assert "asked by Robin" in found
    assert "<span>2, Robin, draft</span>" in found
    async with pages_of(house, keys) as robins:
        own = await page(robins, f"/review/{lacking.id}")
        assert "Let this go by itself" not in own  # it is replaced
        assert "version 2, by you" in await page(robins, f"/review/{edited.id}")
    # Of their own a plain member is told who gives permissions; an owner is offered one.
    for person, client, words in (
        (ben, bens, "Owners and admins give permissions."),
        (house.caller, None, "Let this go"),
    ):
        draft = await delivered(person, service, ask)
        if client is not None:
            assert words in (said := await page(client, f"/review/{draft.id}"))
            assert "Let this go by itself" not in said
            continue
        async with pages_of(house, keys) as robins:
            assert words in await page(robins, f"/review/{draft.id}")
            assert words in await page(robins, "/review")


async def test_the_dashboard_says_who_did_it(house: House, keys: Keys, ben: Caller, bens: httpx.AsyncClient) -> None:
    (root,) = await functions.create_tasks(house.caller, [{"title": "Launch", "execution_type": "fully_automated"}])
    one, two = await functions.create_tasks(
        house.caller, [{"title": title, "parent_task_id": str(root.id)} for title in ("Look", "Listen")]
    )
    await functions.queue_task_execution(house.caller, root.id)
    await functions.update_task(house.caller, one.id, {"execution_status": "completed"})
    await functions.update_task(ben, two.id, {"execution_status": "completed"})
    (three,) = await functions.create_tasks(house.caller, [{"title": "Sing", "parent_task_id": str(root.id)}])
    await directly(ben, "update public.tasks set execution_status = 'in_progress' where id = %s", three.id)
    async with pages_of(house, keys) as robins:
        assert '<span class="who">ben@example.org</span>' in await page(robins, f"/executions/{root.id}")
    shown = await page(bens, f"/executions/{root.id}")
    assert '<span class="who">you</span>' in shown
    assert re.search(r"<b>Robin</b>\s*finished", shown)
    assert re.search(r"<b>You</b>\s*finished", shown)
