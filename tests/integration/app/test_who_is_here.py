"""Nobody learns by asking for mails who has an account: not by what Auth says when it writes no more of them either."""

import httpx
import pytest

from app.house import House
from integrations.supabase.auth import SupabaseAuth
from tests.emulators.supabase import SupabaseLite
from tests.integration.app.test_sign_in import PASSWORD, browsing, lite, send

__all__ = ["lite"]
KNOWN = "ana.torres@vega.example"


def writing_no_more(request: httpx.Request) -> httpx.Response:
    """Auth whose mails of this hour are used up, as it words that: it only finds out where it would write one."""
    body = request.content.decode()
    if request.url.path.endswith("/settings"):
        return httpx.Response(200, json={"external": {"email": True}, "mailer_autoconfirm": False})
    is_known = KNOWN in body
    writes = is_known != request.url.path.endswith("/signup")  # a new account has to be confirmed
    headers = {"x-supabase-api-version": "2024-01-01"}
    if writes:
        return httpx.Response(429, json={"code": "over_email_send_rate_limit", "message": "x"}, headers=headers)
    if request.url.path.endswith("/otp"):
        return httpx.Response(422, json={"code": "otp_disabled", "message": "x"}, headers=headers)
    if request.url.path.endswith("/signup"):
        user: dict[str, object] = {
            "id": "2f1c6a2e-7d4b-4a57-9d3b-6f1e7a0c9b11",
            "aud": "authenticated",
            "app_metadata": {},
            "user_metadata": {},
        }
        return httpx.Response(200, json={**user, "created_at": "2026-03-04T09:30:00Z"}, headers=headers)
    return httpx.Response(200, json={}, headers=headers)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/sign-in", {"action": "link"}),
        ("/sign-in", {"action": "confirm"}),
        ("/sign-in/reset", {"action": "mail"}),
        ("/sign-up", {"password": PASSWORD, "name": "Ana"}),
    ],
)
async def test_where_no_more_mails_are_sent_everybody_is_told_alike(
    house: House, lite: SupabaseLite, path: str, fields: dict[str, str]
) -> None:
    async with browsing(house, lite, sign_in_attempts_per_minute=99) as browser:
        client = httpx.AsyncClient(transport=httpx.MockTransport(writing_no_more))
        browser.app.state.auth = SupabaseAuth("https://project.example", "k", client)
        told = [await send(browser, path, email=address, **fields) for address in (KNOWN, "nobody@vega.example")]
        assert [one.status_code for one in told] == [200, 200]
        assert all("an hour" in one.text for one in told)  # what to do where none comes
