"""Other people's agents in a real browser: one is registered on its page, and works over HTTP while a person watches."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from playwright.async_api import Page, expect

from app.house import House
from tasks import functions, trees

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = pytest.mark.browser


class HttpAgent:
    """An agent as a program elsewhere: it has its token, and speaks HTTP."""

    def __init__(self, client: httpx.AsyncClient, agent_id: str) -> None:
        self._client = client
        self._id = agent_id

    async def claim(self) -> dict[str, Any]:
        """The next work; it waits for some."""
        answer = await self._client.get(f"/api/agents/{self._id}/work", params={"wait": 20})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def report(self, work: dict[str, Any], kind: str, **data: Any) -> dict[str, Any]:
        """One event; the answer says what to do next."""
        event = {"event_id": str(uuid4()), "type": kind, "task_id": work["task"]["id"], "data": data}
        answer = await self._client.post(f"/api/executions/{work['execution']['id']}/events", json=event)
        assert answer.status_code == 200, answer.text
        return answer.json()


async def plan_for_agents(house: House) -> UUID:
    """Two tasks, one after the other, for whoever can prospect; a person's; and one that nobody here can do."""
    kind = {"tool": "outside_agent", "execution_type": "fully_automated"}
    wants = {"tool_input": {"capabilities": ["prospecting"]}}
    made = await trees.create_task_tree(
        house.caller,
        {
            "title": "Win ten breeders",
            "execution_type": "fully_automated",
            "children": [
                {"key": "find", "title": "Find breeders", **kind, **wants},
                {"key": "write", "title": "Write to them", "depends_on": ["find"], **kind, **wants},
                {"key": "paint", "title": "Paint the sign", **kind, "tool_input": {"capabilities": ["painting"]}},
                {"key": "call", "title": "Call the hall", "execution_type": "manual"},
            ],
        },
    )
    await functions.queue_task_execution(house.caller, made.id)
    return made.id


async def register(page: Page, served: str, name: str, can: str) -> tuple[str, str]:
    """By the form of the page: the agent's id and its token."""
    await page.goto(f"{served}/agents")
    await page.fill("#agent-name", name)
    await page.fill("#agent-capabilities", can)
    await page.click("button:has-text('Register it')")
    await expect(page.locator("#made-title")).to_contain_text(name)
    token = await page.locator("#new-token").inner_text()
    assert f"STEWARD_AGENT_TOKEN={token}" in await page.locator("#start").inner_text()
    href = await page.locator("a.title", has_text=name).first.get_attribute("href")
    assert href
    return href.rpartition("/")[2], token


async def test_an_agent_is_registered_and_watched_at_work(signed_in: OpenPage, served: str, house: House) -> None:
    page = await signed_in()
    agent_id, token = await register(page, served, "Larry", "Prospecting, email")
    await page.goto(f"{served}/agents")
    assert token not in await page.content()
    execution_id = await plan_for_agents(house)
    await expect(page.locator("#waiting + .tasks")).to_contain_text("Larry could take it")
    await expect(page.locator(".task", has_text="Paint the sign")).to_contain_text("no agent here can")
    await page.click(f"#execution-{execution_id} .title")
    await expect(page.locator(".panels")).to_contain_text("an agent for painting")

    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=served, headers=headers, timeout=30) as client:
        larry = HttpAgent(client, agent_id)
        work = await larry.claim()
        await larry.report(work, "task_progress", percent=40, message="8 of 20 clubs")
        row = page.locator(f"#part-{work['task']['id']}")
        await expect(row).to_contain_text("40 %")
        await expect(row).to_contain_text("8 of 20 clubs")
        await expect(page.locator("#events")).to_contain_text("Larry is at 40 % with Find breeders: 8 of 20 clubs")

        await page.click("button:has-text('Pause')")
        await expect(page.locator("h1 + .meta .badge")).to_have_text("paused")
        assert (await larry.report(work, "task_progress", percent=50))["next"] == "pause"
        await page.click("button:has-text('Resume')")
        await expect(page.locator("h1 + .meta .badge")).to_have_text("running")
        work = await larry.claim()
        assert work["task"]["title"] == "Find breeders"

        await larry.report(work, "task_complete", output={"breeders": ["Carol"]}, message="One who answers")
        await expect(page.locator("#events")).to_contain_text("Larry finished Find breeders: One who answers")
        await expect(page.locator(f"#part-{work['task']['id']} .badge").first).to_have_text("done")
        after = await larry.claim()
        assert after["outputs"][0]["output"] == {"breeders": ["Carol"]}

        await page.goto(f"{served}/tasks/{after['task']['id']}")
        await expect(page.locator(".notice")).to_contain_text("Larry is at it")
        page.on("dialog", lambda dialog: dialog.accept())
        await page.goto(f"{served}/agents/{agent_id}")
        await expect(page.locator(".now")).to_contain_text("Write to them")
        await page.click("button:has-text('Revoke the token')")
        await expect(page.locator(".facts")).to_contain_text("it cannot sign in")
        assert (await client.get("/api/agents/me")).status_code == 401


async def test_everything_is_done_without_a_script(signed_in: OpenPage, served: str, house: House) -> None:
    page = await signed_in(javascript=False, width=390)
    agent_id, first = await register(page, served, "Larry", "prospecting")
    await page.goto(f"{served}/agents/{agent_id}")
    await page.click("button:has-text('Give it no new work')")
    await expect(page.locator("h1 + .meta .badge")).to_have_text("paused")
    await page.click("button:has-text('Give it work again')")
    await page.click("summary:has-text('Name, what it can')")
    await page.fill("#edit-name", "")
    await page.click("button:has-text('Save')")
    await expect(page.locator("#edit-name-wrong")).to_contain_text("1 to 200 characters")
    await page.fill("#edit-name", "Larry the second")
    await page.fill("#edit-capabilities", "prospecting, painting")
    await page.click("button:has-text('Save')")
    await expect(page.locator("h1")).to_have_text("Larry the second")
    await page.click("button:has-text('New token')")
    assert re.fullmatch(r"sta_[\w-]{43}", second := await page.locator("#new-token").inner_text())
    assert second != first

    task = (await functions.create_tasks(house.caller, [{"title": "Find a hall"}]))[0]
    await page.goto(f"{served}/tasks/{task.id}")
    await page.click("summary:has-text('Hand it to an agent')")
    await page.select_option("#hand-whom", label="Larry the second, new")
    await page.click("button:has-text('Offer it')")
    for _ in range(100):
        if (await functions.get_task(house.caller, task.id)).blocked_on == "agent":
            break
        await page.wait_for_timeout(50)
    await page.reload()
    await expect(page.locator(".offered")).to_contain_text("Larry the second (new) could take it")
    await page.click("summary:has-text('Break it down yourself')")
    await page.fill("#break-parts", "- Ask the mayor\n2. Look at it\n\n")
    await page.check("#break-order")
    await page.click("button:has-text('Make these its parts')")
    tree = await functions.get_task_tree(house.caller, task.id)
    assert [part.title for part in tree.children] == ["Ask the mayor", "Look at it"]
    assert tree.children[1].depends_on == [tree.children[0].id]
    await page.click("a:has-text('Dashboard')")
    await expect(page.locator("#events")).to_contain_text("You broke down the whole into 2 parts")
    await page.click("button:has-text('Cancel')")
    await expect(page.locator("h1 + .meta .badge")).to_have_text("cancelled")

    await page.goto(f"{served}/agents/{agent_id}")
    await page.click("button:has-text('Remove')")
    await expect(page.locator("#none-title")).to_be_visible()
