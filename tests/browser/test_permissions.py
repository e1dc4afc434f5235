"""A permission from the first yes to its undo, in a real browser: what a run wrote leaves by it, and is held back."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from app.house import House
from tasks import functions, review
from tasks.drafts import Draft

ANA = "ana@vega.example"

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = pytest.mark.browser


async def thanked(house: House) -> Draft:
    """A mail that the worker wrote because its owner said so."""
    fields = {
        "title": f"Draft email to {ANA} thanking her for the meeting",
        "kind": "email",
        "execution_type": "semi_automated",
    }
    (task,) = await functions.create_tasks(house.caller, [fields])
    await functions.queue_task_execution(house.caller, task.id)
    await house.work_until(task.id)
    return (await review.list_drafts(house.caller, task_id=task.id)).items[0]


@pytest.mark.parametrize("javascript", [True, False])
async def test_a_permission_is_given_lets_go_and_is_undone(
    signed_in: OpenPage, served: str, house: House, javascript: bool
) -> None:
    first = await thanked(house)
    page = await signed_in(javascript=javascript)
    await page.goto(f"{served}/review/{first.id}")
    await page.click("text=Let this go by itself next time")
    await expect(page.locator("#targets")).to_have_value(ANA)
    await page.click("text=Try it on the past")
    await expect(page.locator("#tried")).to_contain_text("There is nothing of this kind in the past to try it on.")
    await page.click("text=Switch it on")
    await expect(page.locator("article .badge")).to_have_text("on")
    held = await thanked(house)
    assert held.state == "approved"
    await page.goto(f"{served}/review")
    leaving = page.locator(f"#draft-{held.id}")
    await expect(leaving).to_contain_text("Leaves in 1:" if javascript else "Leaves at ")
    await leaving.get_by_role("button", name="Undo").click()
    await expect(page.locator("main")).to_contain_text("You undid it")
    await page.click("text=look at it")
    await expect(page.locator("article .badge")).to_have_text("switched itself off")
    assert (await review.get_draft(house.caller, held.id)).state == "superseded"
