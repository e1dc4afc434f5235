"""What a mailed link may do, where it leads, and how many are mailed: against those who ask for other people's."""

import asyncio
import re

from app.house import House
from core.settings import Settings
from tests.emulators.supabase import SupabaseLite
from tests.integration.app.test_sign_in import ANA, PASSWORD, browsing, lite, send, sign_up

__all__ = ["lite"]


async def test_a_link_that_signs_in_leads_to_no_new_password(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as ana, browsing(house, lite) as thief:
        await sign_up(ana)
        ana.cookies.clear()
        await send(ana, "/sign-in", action="link", email=ANA)
        link = {"token_hash": await newest_token(lite), "type": "recovery"}
        opened = f"/sign-in/callback?token_hash={link['token_hash']}&type=recovery"
        refused = await send(thief, "/sign-in/callback", opened, **link)
        assert (refused.status_code, "another browser" in refused.text) == (401, True)
        await sign_up(
            thief, "thief@vega.example"
        )  # a new password of one's own was asked for, and somebody else's link
        thief.cookies.clear()
        await send(thief, "/sign-in/reset", action="mail", email="thief@vega.example")
        assert (await send(thief, "/sign-in/callback", opened, **link)).headers["location"] == "/"
        chosen = await send(thief, "/sign-in/reset", action="choose", password="the thief's own long password")
        assert chosen.status_code == 403
        ana.app.state.mails = type(ana.app.state.mails)(0)
        ana.cookies.clear()
        await send(ana, "/sign-in/reset", action="mail", email=ANA.upper())
        link["token_hash"] = await newest_token(lite)
        mine = await send(
            ana, "/sign-in/callback", f"/sign-in/callback?token_hash={link['token_hash']}&type=recovery", **link
        )
        assert mine.headers["location"] == "/sign-in/reset"
        assert (await send(ana, "/sign-in/reset", action="choose", password=PASSWORD * 2)).headers["location"] == "/"


async def newest_token(lite: SupabaseLite) -> str:
    return re.findall(r"token=([^&\s]+)", (await lite.mail(ANA))[-1]["text"])[0]


async def test_one_mail_a_minute_holds_for_many_at_once_and_what_was_refused_counts_not(
    house: House, lite: SupabaseLite
) -> None:
    async with browsing(house, lite, sign_in_attempts_per_minute=99) as browser:
        for password, status in (("short", 422), (PASSWORD, 303)):
            assert (await send(browser, "/sign-up", email=ANA, password=password, name="Ana")).status_code == status
        browser.cookies.clear()
        page = await browser.get("/sign-in/reset")
        form = {
            "form_token": re.findall(r'name="form_token" value="([^"]+)"', page.text)[0],
            "action": "mail",
            "email": ANA,
        }
        before = len(await lite.mail(ANA))
        answers = await asyncio.gather(*(browser.post("/sign-in/reset", data=form) for _ in range(8)))
        assert sorted(one.status_code for one in answers) == [200, *[429] * 7]
        assert len(await lite.mail(ANA)) == before + 1


async def test_no_link_leads_where_the_asking_request_says(house: House, lite: SupabaseLite) -> None:
    port = Settings.model_fields["port"].default
    given: list[tuple[dict[str, object], str, str | None]] = [
        ({}, "127.0.0.1:6666", f"http://127.0.0.1:{port}/sign-in/callback"),
        ({}, "localhost:6666", f"http://localhost:{port}/sign-in/callback"),
        ({"host": "192.168.1.5"}, "localhost", f"http://192.168.1.5:{port}/sign-in/callback"),
        ({"host": "0.0.0.0"}, "6.6.6.6", None),
        ({"host": "0.0.0.0", "public_url": "https://s.example"}, "6.6.6.6", "https://s.example/sign-in/callback"),
    ]
    for changes, host, expected in given:
        async with browsing(house, lite, port=port, **changes) as browser:
            asked: list[str] = []
            auth = browser.app.state.auth

            async def noted(address: str, back: str, asked: list[str] = asked) -> str:
                asked.append(back)
                return "verifier"

            auth.mail_reset = noted
            browser.headers["Host"] = host
            answer = await send(browser, "/sign-in/reset", action="mail", email=ANA)
            assert (asked, answer.status_code) == (([expected], 200) if expected else ([], 503)), host
            assert expected or "STEWARD_PUBLIC_URL" in answer.text
