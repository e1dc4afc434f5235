"""What is posted to the sign-in page by hand: it breaks nothing, and gets nobody around the counts."""

import re

import httpx
import pytest

from app.house import House
from core.database import Database, Identity
from tests.emulators.supabase import SupabaseLite
from tests.integration.app.test_sign_in import ANA, browsing, lite

__all__ = ["lite"]


async def form_token(browser: httpx.AsyncClient) -> str:
    return re.findall(r'name="form_token" value="([^"]+)"', (await browser.get("/sign-in")).text)[0]


@pytest.mark.parametrize("path", ["/sign-in", "/sign-up", "/sign-in/reset", "/sign-in/callback"])
async def test_a_form_token_of_any_characters_is_refused_plainly(house: House, lite: SupabaseLite, path: str) -> None:
    async with browsing(house, lite) as browser:
        await form_token(browser)
        for token in ("é" * 64, "\u2028", ""):
            answer = await browser.post(path, data={"form_token": token, "action": "password", "email": ANA})
            assert answer.status_code == 403, token


async def test_made_up_buttons_leave_no_counts_behind(house: House, lite: SupabaseLite) -> None:
    """The counts of tries are kept for the 10,000 newest alone: whoever makes some up pushes their own out."""
    async with browsing(house, lite, sign_in_attempts_per_minute=3) as browser:
        token = await form_token(browser)
        counts = browser.app.state.attempts._buckets
        for number in range(10):
            form = {"form_token": token, "action": f"{number}" * 10_000, "email": f"{number}@vega.example"}
            assert (await browser.post("/sign-in", data=form)).status_code == 422
        assert not counts


async def test_tries_are_counted_for_all_web_processes_together(house: House, lite: SupabaseLite) -> None:
    few = {"sign_in_attempts_per_minute": 3}
    async with browsing(house, lite, **few) as one, browsing(house, lite, **few) as other:
        for browser, status in ((one, 401), (other, 401), (one, 401), (other, 429), (one, 429)):
            form = {"form_token": await form_token(browser), "action": "password", "email": ANA, "password": "x"}
            answer = await browser.post("/sign-in", data=form)
            assert answer.status_code == status, answer.text
            assert status == 401 or 1 <= int(answer.headers["retry-after"]) <= 20


async def test_without_a_key_to_speak_for_the_house_each_process_counts_for_itself(
    house: House, lite: SupabaseLite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def has_no_key(_: Database, identity: Identity) -> bool:
        return identity.user_id is not None

    monkeypatch.setattr(type(house.database), "can_speak_for", has_no_key)
    async with browsing(house, lite, sign_in_attempts_per_minute=2) as browser:
        form = {"form_token": await form_token(browser), "action": "password", "email": ANA, "password": "x"}
        assert [(await browser.post("/sign-in", data=form)).status_code for _ in range(3)] == [401, 401, 429]


@pytest.mark.parametrize("host", ["steward.example.org", "STEWARD.example.org", "steward.example.org:443"])
@pytest.mark.parametrize("public", ["https://Steward.Example.org", "https://steward.example.org:443"])
async def test_behind_a_proxy_cookies_are_for_https_alone_however_the_name_is_written(
    house: House, lite: SupabaseLite, host: str, public: str
) -> None:
    async with browsing(house, lite, public_url=public) as browser:
        answer = await browser.get("/sign-in", headers={"Host": host})
        assert "; Secure" in answer.headers["set-cookie"]
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        elsewhere = await browser.get("/sign-in", headers={"Host": "127.0.0.1"})
        assert "; Secure" not in elsewhere.headers["set-cookie"]  # plain HTTP of this machine


async def test_an_address_of_this_machine_is_not_bound_to_https(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as browser:
        assert "strict-transport-security" not in (await browser.get("/sign-in")).headers
