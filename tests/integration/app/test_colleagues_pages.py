"""What the pages say in an organization of several: "you" is whoever reads, and a colleague is called by name."""

import re
from collections.abc import AsyncGenerator
from datetime import timedelta

import httpx
import pytest

from app.house import House
from core.database import Caller, Identity
from core.errors import Forbidden
from core.keys import Keys
from core.postgres import pool_of
from core.vault import Vault
from tasks import accounts, agents, commitments, functions, organizations, policies, reminders, review, trees
from tasks.commitments import NewCommitment
from tasks.drafts import ThreadMessage
from tasks.models import Task
from tasks.organizations import Organization
from tests.integration.app.test_organizations import csrf_of, invited, pages_of
from tests.integration.tasks.permitting import acting, allowed_by, delivered, permitted
from tests.integration.tasks.test_colleagues import _id_of, ben, directly, vega  # pyright: ignore[reportPrivateUsage]

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
    listed = await page(bens, "/review")
    for words in ("Waits for others here", 'id="review-count" hidden>0'):
        assert words in listed
    assert "Waiting for you" not in await page(bens, "/")
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


async def test_who_may_not_approve_is_not_offered_it(
    house: House, keys: Keys, vega: Organization, ben: Caller, bens: httpx.AsyncClient
) -> None:
    vault = Vault.from_settings(house.settings)
    account = await accounts.connect_account(house.caller, vault, "imap", "robin@vega.example", {"x": "y"})
    service = house.database.acting_as(Identity.service(vega.id))
    target = {"account_id": str(account.id), "from_address": "robin@vega.example"}
    draft = await delivered(house.caller, service, None, target=target)
    for shown in (await page(bens, f"/review/{draft.id}"), await page(bens, "/review")):
        assert "Approve and send" not in shown
        said = "It leaves through Robin's account (robin@vega.example), so only Robin may approve it."
        assert said in shown
        assert "Save as version 2" in shown
        assert 'value="reject"' in shown
    with pytest.raises(Forbidden):
        await review.approve_draft(ben, draft.id, draft.digest)
    asked = await acting(house.caller, service, None)
    shown = await page(bens, "/review")
    assert "It would leave through Robin's account, so only Robin says yes to it. You may say no." in shown
    assert 'value="yes"' not in shown
    assert "Waiting for you" not in await page(bens, "/"), "it does not wait for Ben"
    count = await bens.get("/review", headers={"HX-Request": "true", "HX-Target": "review-count"})
    assert '<span class="count" id="review-count" hidden>0' in count.text
    async with pages_of(house, keys) as robins:
        own = await page(robins, "/review")
        assert "Approve and send" in own
        assert 'value="yes"' in own
        assert "may approve it" not in own
        assert draft.subject in await page(robins, "/")
    known = await review.get_approval(ben, asked.id)
    assert known.approver is not None
    assert (known.approver.called, known.person_id) == ("Robin", house.owner.user_id)
    assert (await review.get_approval(house.caller, asked.id)).approver is None


async def test_what_leaves_by_a_colleagues_permission_is_called_theirs_on_today(
    house: House, vega: Organization, bens: httpx.AsyncClient
) -> None:
    service = house.database.acting_as(Identity.service(vega.id))
    await delivered(house.caller, service, allowed_by(await permitted(house.caller)))
    shown = await page(bens, "/")
    assert "Leaves by itself" in shown
    assert ">Robin's permission</a>" in shown
    assert "your permission" not in shown


async def test_who_changed_a_plan_was_reminded_and_promised_is_named(
    house: House, keys: Keys, bens: httpx.AsyncClient
) -> None:
    root, part = await _with_part(house.caller)
    await functions.cancel_task(house.caller, part.id)
    await trees.waive_task(house.caller, part.id, "Too dear")
    now = house.clock.now()
    await reminders.set_reminder(house.caller, root.id, now + timedelta(days=1), now=now)
    promise = {"is_mine": True, "person_name": "Omar", "quote": "I send the offer", "said_at": now}
    await commitments.record_commitments(house.caller, [NewCommitment.model_validate(promise)])
    shown = await page(bens, f"/tasks/{root.id}")
    assert "Robin goes on without it." in shown
    assert "Robin is reminded" in shown
    assert 'value="forget"' not in shown
    assert "Robin promised Omar" in await page(bens, "/commitments")
    async with pages_of(house, keys) as robins:
        own = await page(robins, f"/tasks/{root.id}")
        assert "you go on without it." in own
        assert "A reminder comes" in own
        assert 'value="forget"' in own
        assert "You promised Omar" in await page(robins, "/commitments")


async def _with_part(caller: Caller) -> tuple[Task, Task]:
    (root,) = await functions.create_tasks(caller, [{"title": "Launch"}])
    first, _ = await functions.create_tasks(
        caller, [{"title": title, "parent_task_id": str(root.id)} for title in ("Look", "Listen")]
    )
    return root, first


async def test_who_may_not_give_permissions_reads_them_and_who_may(
    house: House, keys: Keys, vega: Organization, ben: Caller, bens: httpx.AsyncClient
) -> None:
    policy = await permitted(house.caller)
    for path in ("/settings/permissions", f"/settings/permissions?change={policy.id}#new"):
        shown = await page(bens, path)
        assert "Owners and admins give, change and take away permissions; here that is Robin." in shown
        assert "<dt>Given by</dt><dd>Robin: it covers Robin's own work</dd>" in shown
        for button in ('value="try"', 'value="off"', 'value="delete"', ">Change</a>"):
            assert button not in shown
        assert 'value="stop"' in shown
    await policies.stop_permissions(ben, stopped=True)
    stopped = await page(bens, "/settings/permissions")
    assert "Owners and admins let them count again" in stopped
    assert 'value="go_on"' not in stopped
    await organizations.change_role(house.caller, vega.id, _id_of(ben), "admin")
    shown = await page(bens, "/settings/permissions")
    assert 'value="go_on"' in shown
    assert 'value="try"' in shown
    for button, is_there in (('value="off"', True), ('value="delete"', True), (">Change</a>", False)):
        assert (button in shown) is is_there, button
    assert "Only Robin changes it." in shown
    refused = await page(bens, f"/settings/permissions?change={policy.id}")
    assert "Only whoever gave a permission changes it" in refused
    await policies.save_policy(ben, {"id": str(policy.id), "is_enabled": False})
    assert 'value="on"' not in await page(bens, "/settings/permissions")
    async with pages_of(house, keys) as robins:
        own = await page(robins, "/settings/permissions")
        for button in ('value="on"', ">Change</a>", 'value="try"', "<dd>you: it covers your own work</dd>"):
            assert button in own, button


async def test_the_page_of_the_organization_offers_what_its_reader_may(
    house: House, keys: Keys, bens: httpx.AsyncClient
) -> None:
    shown = await page(bens, "/settings/organization")
    assert "Owners and admins invite and remove members" in shown
    for action in ("invite", "rename", "role", "remove"):
        assert f'name="action" value="{action}"' not in shown
    assert 'name="action" value="leave"' in shown
    async with pages_of(house, keys) as robins:
        own = await page(robins, "/settings/organization")
    assert "You are its only owner, so you cannot leave" in own
    assert 'name="action" value="leave"' not in own


async def test_what_is_a_colleagues_alone_is_neither_offered_nor_told(
    house: House, keys: Keys, vega: Organization, ben: Caller, bens: httpx.AsyncClient
) -> None:
    service = house.database.acting_as(Identity.service(vega.id))
    line = "You get 85000 from May"
    reason = {
        "code": "address_untrusted",
        "message": "It came in",
        "value": "john@example.com",
        "source": "mail",
        "quote": line,
    }
    answers = {"from_address": "r@example.org", "in_reply_to": "<1@example.com>"}
    draft = await delivered(house.caller, service, {"verdict": "ask", "reasons": [reason]}, target=answers)
    news = ThreadMessage(message_id="<2@example.com>", sender="John", text="Make it 90000")
    await review.move_thread(service, draft.id, [news])
    newest = (await review.list_drafts(house.caller, task_id=draft.task_id)).items[0]
    async with pages_of(house, keys) as robins:
        for browser, is_own in ((bens, False), (robins, True)):
            shown = await page(browser, f"/review/{newest.id}")
            assert (line in shown, "Make it 90000" in shown) == (is_own, is_own)
            assert ("Only Robin reads it." in shown) is not is_own
            assert ('value="delete"' in await page(browser, f"/tasks/{draft.task_id}")) is is_own
        asked = {"action": "delete", "csrf_token": csrf_of(await bens.get(f"/tasks/{draft.task_id}"))}
        answer = await bens.post(f"/tasks/{draft.task_id}/act", data=asked)
        assert answer.status_code == 403
        assert "Members delete their own tasks alone" in answer.text


async def test_who_may_not_register_agents_is_not_offered_it(
    house: House, keys: Keys, ben: Caller, bens: httpx.AsyncClient
) -> None:
    made = await agents.register_agent(house.caller, {"name": "Larry", "capabilities": ["prospecting"]})
    with pytest.raises(Forbidden):
        await agents.update_agent(ben, made.details.id, {"name": "Barry"})
    for path in ("/agents", f"/agents/{made.details.id}"):
        shown = await page(bens, path)
        assert "here that is Robin." in shown
        for button in ("Register it", 'value="rotate"', 'value="pause"', ">Save<"):
            assert button not in shown
    async with pages_of(house, keys) as robins:
        assert "Register it" in await page(robins, "/agents")
        assert 'value="rotate"' in await page(robins, f"/agents/{made.details.id}")


async def test_who_has_a_name_is_greeted_by_it_in_an_organization_of_their_own(house: House, keys: Keys) -> None:
    person = await invited(house, "ana@example.org")
    async with pages_of(house, keys, person.identity) as browser:
        assert re.search(r"<h1>Good \w+\.</h1>", await page(browser, "/"))
        async with pool_of(house.database).connection() as connection:
            named = """update auth.users set raw_user_meta_data = '{"name": "Ana Ruiz"}' where id = %s"""
            await connection.execute(named, (person.identity.user_id,))
        assert ", Ana.</h1>" in await page(browser, "/")


async def test_each_is_greeted_by_name_and_a_colleagues_work_waits_for_them(
    house: House, keys: Keys, vega: Organization, ben: Caller, bens: httpx.AsyncClient
) -> None:
    async with pool_of(house.database).connection() as connection:
        named = """update auth.users set raw_user_meta_data = '{"name": "Ben Okafor"}' where id = %s"""
        await connection.execute(named, (ben.identity.user_id,))
    vault = Vault.from_settings(house.settings)
    await accounts.connect_account(house.caller, vault, "imap", "robin@vega.example", {"x": "y"})
    service = house.database.acting_as(Identity.service(vega.id))
    draft = await delivered(house.caller, service, None)
    today = await page(bens, "/")
    assert ", Ben.</h1>" in today
    assert "OPENAI_API_KEY" not in today
    listed = await page(bens, "/tasks")
    assert ">for Robin's review</span>" in listed
    assert "Waiting for your review" not in listed
    assert "1 waits for Robin" in await page(bens, "/executions")
    assert "Waits for others here" in await page(bens, "/review")
    assert ">for Robin's review</span>" in await page(bens, f"/tasks/{draft.task_id}")
    async with pages_of(house, keys) as robins:
        assert ", Robin.</h1>" in await page(robins, "/")
        assert ">for your review</span>" in await page(robins, "/tasks")
        assert "1 waits for you" in await page(robins, "/executions")
        assert "Waits for others here" not in await page(robins, "/review")
