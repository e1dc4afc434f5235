"""What the token page says where a token would be of no use: a project reached over HTTP, without a key to sign with."""

from pathlib import Path

from app.house import House, open_house
from tests.emulators.supabase import SupabaseLite
from tests.integration.app.test_over_http import project
from tests.integration.app.test_sign_in import browsing, lite, sign_up

__all__ = ["lite"]
USELESS = "Here tokens do not work yet"


async def test_it_says_that_tokens_do_not_work_without_a_key_to_sign_with(lite: SupabaseLite, tmp_path: Path) -> None:
    async with open_house(project(lite, tmp_path), over_http=True) as bare, browsing(bare, lite) as browser:
        await sign_up(browser)
        page = await browser.get("/settings/tokens")
        assert (page.status_code, USELESS in page.text) == (200, True)
    signing = project(lite, tmp_path, SUPABASE_JWT_SECRET=lite.jwt_secret)
    async with open_house(signing, over_http=True) as able, browsing(able, lite) as browser:
        await sign_up(browser, "ben@example.org")
        page = await browser.get("/settings/tokens")
        assert (page.status_code, USELESS in page.text) == (200, False)


async def test_it_says_nothing_of_it_where_the_database_is_reached_directly(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as browser:
        await sign_up(browser)
        assert USELESS not in (await browser.get("/settings/tokens")).text
