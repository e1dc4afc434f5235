"""Organizations in a browser: made, invited to, joined and changed, and two tabs that do not mix."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Route, expect

from app.house import House
from core.postgres import pool_of
from tasks import functions, organizations
from tests.browser.axe import Scheme, violations
from tests.conftest import sign_up

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = pytest.mark.browser


async def test_a_person_joins_works_and_goes_back(signed_in: OpenPage, served: str, house: House) -> None:
    kim = house.database.acting_as(await sign_up(house.database, "kim@example.org"))
    sky = await organizations.create_organization(kim, "Observatory of the Northern Sky and its Friends")
    invitation = await organizations.create_invitation(kim, sky.id, "robin@vega.example", "admin")
    (home,) = await organizations.list_organizations(house.caller)
    await functions.create_tasks(house.caller, [{"title": "At home"}])
    page = await signed_in()
    other_tab = await page.context.new_page()
    await other_tab.goto(f"{served}/tasks")
    await page.goto(f"{served}{invitation.path}")
    await is_accessible(page)
    await page.click("button:has-text('Join')")
    await expect(page).to_have_url(f"{served}/")
    await functions.create_tasks(house.caller, [{"title": "At the observatory"}])
    await page.goto(f"{served}/tasks")
    await expect(page.locator("#list")).to_contain_text("At the observatory")
    await expect(page.locator("#list")).not_to_contain_text("At home")
    await other_tab.evaluate("htmx.trigger(document.body, 'tasks-changed')")  # as an event of its stream does
    await expect(other_tab).to_have_url(f"{served}/")
    await expect(other_tab.locator("main")).not_to_contain_text("At home")

    await page.goto(f"{served}/settings/organization")
    await page.fill("#invite-email", "ana@example.org")
    await page.click("button:has-text('Make a link')")
    await expect(page.locator("#invitation-link")).to_contain_text("/invitations/")
    await is_accessible(page)
    await page.click(f"button[value='{home.id}']")
    await expect(page).to_have_url(f"{served}/")
    await page.goto(f"{served}/tasks")
    await expect(page.locator("#list")).to_contain_text("At home")
    await page.select_option("#organization", label=sky.name)
    await page.click(".organization button")
    await expect(page).to_have_url(f"{served}/")
    await expect(page.locator("#organization")).to_have_value(str(sky.id))
    async with pool_of(house.database).connection() as connection:
        cursor = await connection.execute("select count(*) from public.invitations where accepted_at is not null")
        assert await cursor.fetchone() == (1,)


async def test_a_part_asked_for_before_a_form_does_not_overtake_it(signed_in: OpenPage, served: str) -> None:
    made = asyncio.Event()

    async def answer_late(route: Route) -> None:
        answer = await route.fetch(max_redirects=0)
        if route.request.method == "POST":
            made.set()  # from here on the page's parts are refused: they were of another organization
            await asyncio.sleep(1)
        await route.fulfill(response=answer)

    async def wait_for_it(route: Route) -> None:
        await made.wait()
        await route.continue_()

    page = await signed_in()
    await page.route("**/settings/organization", answer_late)
    await page.route("**/review", wait_for_it)
    async with page.expect_request("**/review"):
        await page.goto(f"{served}/settings/organization")
    await page.get_by_label("A new organization").fill("Vega")
    await page.click("button:has-text('Create')")
    await expect(page.locator("h1")).to_have_text("Vega")
    await expect(page).to_have_url(f"{served}/settings/organization")


async def test_an_organization_is_deleted_and_the_others_read_it(
    signed_in: OpenPage, served: str, house: House
) -> None:
    vega = await organizations.create_organization(house.caller, "Vega")
    page = await signed_in()
    await page.goto(f"{served}/settings/organization/delete")
    await is_accessible(page)
    await page.fill("#delete-name", "Vegas")
    await page.click("button:has-text('Delete Vega')")
    await expect(page.locator("[role=alert]")).to_contain_text("is not that of the organization")
    await page.fill("#delete-name", "Vega")
    await page.click("button:has-text('Delete Vega')")
    await expect(page).to_have_url(f"{served}/?gone=organization")
    await expect(page.locator("main > .notice")).to_have_text("The organization is deleted, with everything in it.")
    async with pool_of(house.database).connection() as connection:
        told = (house.owner.user_id, vega.id, "Vega", "kim@example.org")
        await connection.execute("insert into public.ended_organizations (user_id, organization_id, name, ended_by) values (%s, %s, %s, %s)", told)  # fmt: skip
    await page.goto(f"{served}/tasks")
    await expect(page.locator("main form.notice")).to_contain_text("Vega is gone: kim@example.org deleted it")
    await is_accessible(page)
    await page.click("button:has-text('I have read it')")
    await expect(page.locator("main form.notice")).to_have_count(0)


async def is_accessible(page: Page) -> None:
    """Axe finds nothing in either theme, and nothing is wider than the window, on a desk and on a telephone."""
    sights: tuple[tuple[int, Scheme], ...] = ((390, "dark"), (1440, "light"))
    for width, scheme in sights:
        await page.set_viewport_size({"width": width, "height": 900})
        assert await violations(page, [scheme]) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
