"""Codes of mails typed by hand, links as Supabase's own guide writes them, invitations, and what a strange page cannot begin."""

import re
from uuid import uuid4

import httpx
import pytest

from app.house import House
from app.person_session import COOKIE, PersonSessions
from core.errors import Unauthorized
from integrations.supabase.auth import SignedIn, SupabaseAuth
from tests.emulators.supabase import SupabaseLite, supabase_lite
from tests.integration.app.test_sign_in import ANA, PASSWORD, browsing, lite, send, sign_up
from tests.integration.app.test_sign_in_links import newest_token

__all__ = ["lite"]
STRICT = {"email": {"enable_confirmations": True}}


async def newest_code(lite: SupabaseLite) -> str:
    return re.findall(r"code[^:]*: (\d{6})", (await lite.mail(ANA))[-1]["text"])[0]


async def test_the_code_of_a_mail_signs_in_the_browser_that_asked_for_it(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as ana, browsing(house, lite) as other:
        await sign_up(ana)
        ana.cookies.clear()
        told = await send(ana, "/sign-in", action="link", email=ANA, next="/plans")
        assert f"Code from the mail to {ANA}" in told.text
        code = await newest_code(lite)
        for typed, status in (("12 34", 422), ("١٢٣٤٥٦", 422), ("000000" if code != "000000" else "000001", 422)):
            wrong = await send(ana, "/sign-in/code", code=typed)
            assert (wrong.status_code, COOKIE in ana.cookies) == (status, False), typed
        assert "The code is wrong, or too old" in wrong.text
        assert (await other.get("/sign-in/code")).headers["location"] == "/sign-in"
        lost = await send(other, "/sign-in/code", "/sign-in", code=code)
        assert (lost.headers["location"], COOKIE in other.cookies) == ("/sign-in", False)
        entered = await send(ana, "/sign-in/code", code=f" {code[:3]} {code[3:]} ")
        assert (entered.status_code, entered.headers["location"]) == (303, "/plans"), entered.text
        assert "with a link that was mailed to you" in (await ana.get("/settings")).text


async def test_a_code_is_guessed_at_five_times_an_hour_whoever_asks(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as ana:
        await sign_up(ana)
        ana.cookies.clear()
        answers: list[int] = []
        for _ in range(6):
            ana.cookies.clear()  # another browser
            ana.app.state.mails = type(ana.app.state.mails)(0)
            await send(ana, "/sign-in", action="link", email=ANA)
            answers.append((await send(ana, "/sign-in/code", code="000000")).status_code)
        assert answers == [422] * 5 + [429]
        right = await send(ana, "/sign-in/code", code=await newest_code(lite))
        assert (right.status_code, int(right.headers["retry-after"]) > 60) == (429, True)


async def test_the_code_of_a_sign_up_confirms_it_and_brings_the_clock(house: House, database_url: str) -> None:
    async with supabase_lite(database_url, auth=STRICT) as lite, browsing(house, lite) as ana:
        told = await sign_up(ana, next="/tasks", timezone="Asia/Tokyo")
        assert (told.status_code, COOKIE in ana.cookies) == (200, False)
        assert "Type its code" in (await ana.get("/sign-in")).text
        entered = await send(ana, "/sign-in/code", code=await newest_code(lite))
        assert (entered.status_code, entered.headers["location"]) == (303, "/tasks"), entered.text
        assert "in Asia/Tokyo." in (await ana.get("/settings/hours")).text


async def test_the_code_of_a_reset_leads_to_a_new_password(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as ana:
        await sign_up(ana)
        ana.cookies.clear()
        await send(ana, "/sign-in/reset", action="mail", email=ANA)
        back = await send(ana, "/sign-in/code", code=await newest_code(lite))
        assert back.headers["location"] == "/sign-in/reset", back.text
        assert (await send(ana, "/sign-in/reset", action="choose", password=PASSWORD * 2)).headers["location"] == "/"


async def test_links_as_the_guide_of_supabase_writes_them_come_to_the_button(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as ana:
        await sign_up(ana)
        ana.cookies.clear()
        await send(ana, "/sign-in", action="link", email=ANA)
        token = await newest_token(lite)
        led = await ana.get(
            f"/auth/confirm?token_hash={token}&type=email&next=https://steward.example.org/sign-in/callback"
        )
        assert led.status_code == 303
        assert led.headers["location"].startswith(f"/sign-in/callback?token_hash={token}&type=email&")
        assert COOKIE not in ana.cookies  # looked at alone, it is not used up
        used = await send(ana, "/sign-in/callback", led.headers["location"], token_hash=token, type="email")
        assert (used.status_code, used.headers["location"]) == (303, "/"), used.text


async def test_whoever_was_on_the_way_to_a_page_gets_there_by_whatever_the_mail_brings(
    house: House, database_url: str
) -> None:
    """The confirmation of a sign-up leads to the sign-in page, or to the button: neither knows of the invitation."""
    async with supabase_lite(database_url, auth=STRICT) as lite, browsing(house, lite) as ana:
        await sign_up(ana, next="/invitations/abc")
        landed = (await ana.get("/sign-in")).text
        assert ("You were invited" in landed, 'name="next" value="/invitations/abc"' in landed) == (True, True)
        assert 'name="next" value="/plans"' in (await ana.get("/sign-in?next=/plans")).text
        token = await newest_token(lite)
        led = await ana.get(f"/auth/confirm?token_hash={token}&type=email&next=https://steward.example.org/")
        assert 'name="next" value="/invitations/abc"' in (await ana.get(led.headers["location"])).text
        async with browsing(house, lite) as other:
            assert 'name="next" value="/"' in (await other.get("/sign-in")).text


@pytest.mark.parametrize("is_invited", [True, False])
async def test_an_invitation_of_the_project_ends_with_a_password(
    house: House, lite: SupabaseLite, monkeypatch: pytest.MonkeyPatch, is_invited: bool
) -> None:
    """Lite sends no invitations, so what Auth says of one is written here; the session and the new password are real."""
    async with browsing(house, lite) as ana:
        await sign_up(ana)
        auth: SupabaseAuth = ana.app.state.auth
        ana.cookies.clear()
        who = await auth.sign_in(ANA, PASSWORD)

        async def invited(_: object, token_hash: str, kind: str) -> SignedIn:
            if (token_hash, kind) != ("x" * 40, "invite"):
                raise Unauthorized("no such link")
            return SignedIn(who.user_id, who.email, who.access_token, who.refresh_token, who.expires_at, is_invited)

        monkeypatch.setattr(SupabaseAuth, "redeem_link", invited)
        link = (await ana.get(f"/auth/confirm?token_hash={'x' * 40}&type=invite")).headers["location"]
        page = await ana.get(link)
        assert "You are invited" in page.text
        form = {"token_hash": "x" * 40, "type": "invite", "timezone": "Asia/Tokyo"}
        back = await send(ana, "/sign-in/callback", link, **form)
        assert back.headers["location"] == ("/sign-in/reset" if is_invited else "/"), back.text
        assert "in Asia/Tokyo." in (await ana.get("/settings/hours")).text
        chosen = await send(ana, "/sign-in/reset", action="choose", password=PASSWORD * 2)
        assert chosen.status_code == (303 if is_invited else 403)
        ana.cookies.clear()
        entered = await send(
            ana, "/sign-in", action="password", email=ANA, password=PASSWORD * (2 if is_invited else 1)
        )
        assert entered.status_code == 303


async def test_a_strange_page_begins_no_sign_in_with_google_over_a_link_that_is_under_way(
    house: House, lite: SupabaseLite
) -> None:
    async with browsing(house, lite) as ana:
        await sign_up(ana)
        ana.cookies.clear()
        await send(ana, "/sign-in", action="link", email=ANA)
        kept = dict(ana.cookies)
        led = await ana.get("/sign-in/google?next=/plans")
        assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=%2Fplans")
        page = await ana.get("/sign-in")
        token = re.findall(r'name="form_token" value="([^"]+)"', page.text)[0]
        for data, headers in (({}, {}), ({"form_token": token}, {"Sec-Fetch-Site": "cross-site"})):
            refused = await ana.post("/sign-in/google", data=data, headers=headers)
            assert refused.status_code == 403
        ana.cookies = httpx.Cookies(kept)
        assert (await send(ana, "/sign-in/code", code=await newest_code(lite))).status_code == 303


async def test_a_zone_that_somebody_chose_stays_whatever_their_browser_says(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as ana:
        await sign_up(ana, timezone="Europe/Lisbon")
        for zone in ("Asia/Tokyo", "Mars/Olympus", uuid4().hex * 9):
            ana.cookies.clear()
            ana.app.state.mails = type(ana.app.state.mails)(0)
            ana.app.state.sessions = PersonSessions(ana.app.state.auth)
            await send(ana, "/sign-in", action="link", email=ANA, timezone=zone)
            assert (await send(ana, "/sign-in/code", code=await newest_code(lite))).status_code == 303
            assert "in Europe/Lisbon." in (await ana.get("/settings/hours")).text
