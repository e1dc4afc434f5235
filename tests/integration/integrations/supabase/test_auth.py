"""Supabase Auth through the project's library, against Supabase Lite; what Lite lacks, against answers as Auth words them."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Awaitable
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest

from core.errors import Conflict, Forbidden, Invalid, StewardError, TooMany, Unauthorized, Unavailable
from integrations.supabase.auth import SupabaseAuth
from integrations.supabase.faults import LinkUsedUp, NotConfirmed
from integrations.supabase.people import make_person
from tests.emulators.supabase import SupabaseLite, supabase_lite

ANA, PASSWORD, BACK = "Ana.Torres@vega.example", "a long and plain password", "http://127.0.0.1/sign-in/callback"
STRICT = {"email": {"enable_confirmations": True}, "minimum_password_length": 8}


@pytest.fixture
async def lite(database_url: str) -> AsyncGenerator[SupabaseLite]:
    """A project whose addresses have to be confirmed."""
    async with supabase_lite(database_url, auth=STRICT) as opened:
        yield opened


@pytest.fixture
async def auth(lite: SupabaseLite) -> AsyncGenerator[SupabaseAuth]:
    made = SupabaseAuth(f"{lite.url}/", lite.publishable_key)
    yield made
    await made.close()


async def token_in_mail(lite: SupabaseLite, address: str) -> str:
    """The token of the link in the newest mail."""
    found = re.search(r"token=([^&\s]+)", (await lite.mail(address))[-1]["text"])
    assert found
    return found[1]


async def refusal(asked: Awaitable[object]) -> StewardError:
    """The error that it ends with."""
    with pytest.raises(StewardError) as raised:
        await asked
    return raised.value


async def test_a_person_confirms_signs_in_is_refreshed_and_signed_out(auth: SupabaseAuth, lite: SupabaseLite) -> None:
    assert (await auth.features()).sign_up
    who, verifier = await auth.sign_up(ANA, PASSWORD, "Ana", BACK)
    assert who is None
    assert len(verifier) >= 43
    assert isinstance(await refusal(auth.sign_in(ANA, PASSWORD)), NotConfirmed)
    await auth.mail_confirmation(ANA, BACK)  # Lite writes once, and who asks is not told
    assert len(await lite.mail(ANA)) == 1
    token = await token_in_mail(lite, ANA)
    first = await auth.redeem_link(token, "signup")
    assert (first.email, PASSWORD in repr(first), first.access_token in repr(first)) == (ANA.casefold(), False, False)
    assert isinstance(await refusal(auth.redeem_link(token, "signup")), LinkUsedUp)
    again = await auth.sign_in(ANA, PASSWORD)
    assert again.user_id == first.user_id
    fresh = await asyncio.gather(*(auth.refresh(again.refresh_token) for _ in range(2)))
    assert {one.user_id for one in fresh} == {first.user_id}
    await auth.check(fresh[0].access_token)
    await auth.sign_out(fresh[0].access_token)
    for over in (auth.check(fresh[0].access_token), auth.refresh(fresh[0].refresh_token), auth.refresh("garbage")):
        assert isinstance(await refusal(over), Unauthorized)
    assert isinstance(await refusal(auth.sign_out(fresh[0].access_token)), Unauthorized)  # it is over already
    await auth.check(first.access_token)  # another session of the same person goes on
    await auth.sign_out(first.access_token, "global")
    assert isinstance(await refusal(auth.check(first.access_token)), Unauthorized)


async def test_a_password_is_set_by_link_and_ends_the_other_sessions(auth: SupabaseAuth, lite: SupabaseLite) -> None:
    await auth.sign_up(ANA, PASSWORD, "", BACK)
    elsewhere = await auth.redeem_link(await token_in_mail(lite, ANA), "signup")
    await auth.mail_reset(ANA, BACK)
    here = await auth.redeem_link(await token_in_mail(lite, ANA), "recovery")
    weak = await refusal(auth.set_password(here.access_token, here.refresh_token, "short"))
    assert isinstance(weak, Invalid)
    assert "it needs 8 characters at least" in weak.message
    same = await refusal(auth.set_password(here.access_token, here.refresh_token, PASSWORD))
    assert "that you have" in same.message
    await auth.set_password(here.access_token, here.refresh_token, "another plain password")
    await auth.check(here.access_token)
    assert isinstance(await refusal(auth.check(elsewhere.access_token)), Unauthorized)
    assert isinstance(await refusal(auth.sign_in(ANA, PASSWORD)), Unauthorized)
    await auth.mail_link(ANA, BACK)
    assert (await auth.redeem_link(await token_in_mail(lite, ANA), "magiclink")).user_id == here.user_id


async def test_nobody_learns_who_has_an_account(auth: SupabaseAuth, lite: SupabaseLite) -> None:
    await auth.sign_up(ANA, PASSWORD, "", BACK)
    await auth.redeem_link(await token_in_mail(lite, ANA), "signup")
    written = len(await lite.mail(ANA))
    wrong = [await refusal(auth.sign_in(address, "a wrong password")) for address in (ANA, "nobody@vega.example")]
    assert wrong[0].problem() == wrong[1].problem()
    await auth.mail_link("nobody@vega.example", BACK)
    await auth.mail_reset("nobody@vega.example", BACK)
    await auth.mail_confirmation("nobody@vega.example", BACK)
    assert (await lite.mail("nobody@vega.example"), len(await lite.mail(ANA))) == ([], written)


async def test_odd_input_is_refused_in_plain_words(auth: SupabaseAuth, lite: SupabaseLite) -> None:
    assert isinstance(await refusal(auth.redeem_code("x" * 2000, "v" * 60)), LinkUsedUp)
    for token in ("", "x" * 5000, "é\n"):
        assert (await refusal(auth.redeem_link(token, "magiclink"))).status < 500
    assert isinstance(await refusal(auth.check("garbage")), Unauthorized)
    assert isinstance(await refusal(auth.sign_up("no address", PASSWORD, "", BACK)), Invalid)
    stranger = SupabaseAuth(lite.url, "sb_publishable_of-another-project")
    lost = await refusal(stranger.sign_in(ANA, PASSWORD))
    assert (lost.status, "SUPABASE_PUBLISHABLE_KEY" in str(lost.hint)) == (503, True)
    assert isinstance(await refusal(stranger.refresh("r" * 36)), Unavailable)  # signs nobody out
    away = SupabaseAuth("http://127.0.0.1:1", lite.publishable_key)
    assert isinstance(await refusal(away.sign_in(ANA, PASSWORD)), Unavailable)
    assert (await away.features()).email
    await stranger.close()
    await away.close()


async def test_people_at_once_never_get_each_others_sessions(database_url: str) -> None:
    async with supabase_lite(database_url) as lite:
        auth = SupabaseAuth(lite.url, lite.publishable_key)
        addresses = [f"person{number}@vega.example" for number in range(6)]
        made = await asyncio.gather(*(auth.sign_up(address, PASSWORD, "", BACK) for address in addresses))
        taken, _ = await auth.sign_up(addresses[0], "a guessed password", "", BACK)
        assert taken is None  # neither signed in nor told that it exists
        again = await asyncio.gather(*(auth.sign_in(address, PASSWORD) for address in addresses))
        fresh = await asyncio.gather(*(auth.refresh(one.refresh_token) for one in again))
        await auth.close()
    for address, (first, _), second, third in zip(addresses, made, again, fresh, strict=True):
        assert first
        assert first.user_id == second.user_id == third.user_id
        claims = jwt.decode(third.access_token, lite.jwt_secret, ["HS256"], audience="authenticated")
        assert (claims["email"], UUID(claims["sub"])) == (address, first.user_id)


SAID: dict[
    str, tuple[int, dict[str, str], Any, type[StewardError], int | None]
] = {  # as Auth words its answers: status, headers, body -> what it becomes
    "rate limit": (429, {"retry-after": "17"}, {"code": "over_request_rate_limit", "message": "x"}, TooMany, 17),
    "rate limit that does not say": (429, {}, {"code": "over_email_send_rate_limit", "message": "x"}, TooMany, 60),
    "rate limit of years": (429, {"retry-after": "99999999"}, {"message": "x"}, TooMany, 3600),
    "stolen password": (
        422,
        {},
        {"code": "weak_password", "message": "x", "weak_password": {"reasons": ["pwned"]}},
        Invalid,
        None,
    ),
    "sign-ups off": (422, {}, {"code": "signup_disabled", "message": "x"}, Forbidden, None),
    "captcha": (400, {}, {"code": "captcha_failed", "message": "x"}, Forbidden, None),
    "banned": (403, {}, {"code": "user_banned", "message": "x"}, Unauthorized, None),
    "broken": (500, {}, {"code": "unexpected_failure", "message": "password=hunter2"}, Unavailable, None),
    "gateway": (502, {}, None, Unavailable, None),
    "not a session": (200, {}, {"what": "is this"}, Unavailable, None),
}


@pytest.mark.parametrize("kind", sorted(SAID))
async def test_what_lite_never_answers_is_mapped_too(kind: str) -> None:
    status, headers, body, error, wait = SAID[kind]

    def answer(_: httpx.Request) -> httpx.Response:
        content = b"<html>" if body is None else json.dumps(body).encode()
        return httpx.Response(status, content=content, headers={"x-supabase-api-version": "2024-01-01", **headers})

    auth = SupabaseAuth("https://project.example", "k", httpx.AsyncClient(transport=httpx.MockTransport(answer)))
    told = await refusal(auth.sign_in(ANA, PASSWORD))
    await auth.close()
    assert (type(told), told.retry_after_seconds) == (error, wait)
    assert "hunter2" not in f"{told.problem()}{told.detail}"
    if kind == "stolen password":
        assert "stolen passwords" in told.message


async def test_an_owner_is_made_by_the_admin_api(lite: SupabaseLite, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(await refusal(make_person(lite.url, lite.secret_key, ANA, "Ana")), StewardError)  # Lite has none
    asked: list[httpx.Request] = []
    user: dict[str, Any] = {"id": "2f1c6a2e-7d4b-4a57-9d3b-6f1e7a0c9b11", "aud": "authenticated", "app_metadata": {}}
    user |= {"user_metadata": {}, "created_at": "2026-03-04T09:30:00Z"}
    said = [httpx.Response(200, json=user), httpx.Response(422, json={"code": "email_exists", "message": "x"})]
    said[1].headers["x-supabase-api-version"] = "2024-01-01"

    async def send(_: httpx.AsyncClient, request: httpx.Request, **kept: object) -> httpx.Response:
        asked.append(request)
        answer = said[len(asked) - 1]
        answer.request = request
        return answer

    monkeypatch.setattr(httpx.AsyncClient, "send", send)
    await make_person("https://project.example", "sb_secret_x", ANA, "Ana")
    assert json.loads(asked[0].content) == {"email": ANA, "email_confirm": True, "user_metadata": {"name": "Ana"}}
    assert (asked[0].url.path, asked[0].headers["apikey"]) == ("/auth/v1/admin/users", "sb_secret_x")
    assert "authorization" not in asked[0].headers
    assert isinstance(await refusal(make_person("https://project.example", "eyJ.x.y", ANA, "")), Conflict)
    assert asked[1].headers["authorization"] == "Bearer eyJ.x.y"
