"""Signing in at Google: what is asked, what is understood, and that nothing secret is in an error."""

import base64
import hashlib
from collections.abc import Generator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core.errors import StewardError
from core.outside.errors import Malformed, Refused, SignInExpired, Temporary
from integrations.google import oauth
from integrations.google.oauth import GoogleApp
from integrations.google.places import GooglePlaces
from tests.emulators.google_faults import Answer, GoogleLine, google_line, ok

SECRET = {"access_token": "old-access", "refresh_token": "the-refresh-token", "expires_at": 0}


@pytest.fixture
def line() -> Generator[GoogleLine]:
    with google_line("http://127.0.0.1:9") as opened:
        yield opened


@pytest.fixture
def app(line: GoogleLine) -> GoogleApp:
    return GoogleApp("the-client", "the-client-secret", GooglePlaces.at(line.url))


def answered(status: int, body: bytes = b"", **headers: str) -> Answer:
    return status, headers, body


def test_the_address_at_google_asks_for_lasting_and_incremental_permission() -> None:
    verifier = oauth.new_verifier()
    url = oauth.sign_in_url(GoogleApp("c", "s"), "http://h/back", "state&x=1", verifier, ["mail_read"], "a@b.example")
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    digest = hashlib.sha256(verifier.encode()).digest()
    assert url.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    assert query["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert (query["state"], query["login_hint"], query["include_granted_scopes"]) == (
        "state&x=1",
        "a@b.example",
        "true",
    )
    assert query["scope"] == "openid email https://www.googleapis.com/auth/gmail.readonly"
    assert verifier not in url


def test_verifiers_are_long_and_never_the_same() -> None:
    made = {oauth.new_verifier() for _ in range(100)}
    assert len(made) == 100
    assert all(43 <= len(one) <= 128 for one in made)


@pytest.mark.parametrize("permission", oauth.PERMISSIONS)
def test_what_was_granted_is_what_was_asked(permission: str) -> None:
    assert permission in oauth.permissions_of(oauth.scopes_of([permission]))
    assert permission in oauth.WORDS


def test_a_wider_scope_allows_what_is_in_it() -> None:
    assert oauth.permissions_of(["https://mail.google.com/"]) == ["mail_read", "mail_organize", "mail_send"]
    assert oauth.permissions_of(["https://www.googleapis.com/auth/calendar"]) == ["calendar"]
    assert oauth.permissions_of(["https://www.googleapis.com/auth/calendar.events"]) == [], "it needs both"
    assert oauth.permissions_of([]) == []


def test_a_token_is_renewed_before_it_ends() -> None:
    assert oauth.is_fresh({"expires_at": 1000.0}, now=800)
    assert not oauth.is_fresh({"expires_at": 1000.0}, now=900)
    assert not oauth.is_fresh({}, now=0)
    assert not oauth.is_fresh({"expires_at": "soon"}, now=0)


async def test_a_renewed_secret_keeps_its_refresh_token(app: GoogleApp, line: GoogleLine) -> None:
    line.on("POST /oauth2/token", answer=ok({"access_token": "new", "expires_in": 3599}))
    renewed = await oauth.refresh(app, SECRET)
    assert (renewed["access_token"], renewed["refresh_token"]) == ("new", "the-refresh-token")
    assert oauth.is_fresh(renewed)


async def test_a_refresh_token_that_google_changes_is_kept_instead(app: GoogleApp, line: GoogleLine) -> None:
    line.on("POST /oauth2/token", answer=ok({"access_token": "new", "refresh_token": "newer"}))
    assert (await oauth.refresh(app, SECRET))["refresh_token"] == "newer"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (answered(400, b'{"error": "invalid_grant"}'), SignInExpired),
        (answered(401, b'{"error": "invalid_client"}'), Refused),
        (answered(400, b'{"error": "invalid_scope"}'), Refused),
        (answered(400, b"<html>"), Refused),
        (answered(429, b"", **{"Retry-After": "9"}), Temporary),
        (answered(500), Temporary),
        (ok(b"{"), Malformed),
        (ok([]), Malformed),
        (ok({"access_token": 7}), Malformed),
        (ok({}), Malformed),
    ],
)
async def test_each_answer_to_a_renewal_has_its_meaning(
    app: GoogleApp, line: GoogleLine, answer: Answer, expected: type[StewardError]
) -> None:
    line.on("POST /oauth2/token", answer=answer)
    with pytest.raises(expected) as caught:
        await oauth.refresh(app, SECRET)
    shown = str(caught.value.problem())
    assert all(hidden not in shown for hidden in ("the-refresh-token", "the-client-secret", "old-access"))


async def test_a_renewal_on_a_line_that_breaks_may_be_tried_again(app: GoogleApp, line: GoogleLine) -> None:
    line.on("POST /oauth2/token", cut=True)
    with pytest.raises(Temporary):
        await oauth.refresh(app, SECRET)


async def test_nothing_is_asked_without_a_refresh_token(app: GoogleApp, line: GoogleLine) -> None:
    with pytest.raises(SignInExpired, match="without lasting permission"):
        await oauth.refresh(app, {"access_token": "x"})
    assert line.asked == []


TOKENS = {"access_token": "a", "refresh_token": "r", "scope": "openid email"}


@pytest.mark.parametrize(
    ("tokens", "who", "expected"),
    [
        ({"access_token": "a"}, {"email": "a@b.example"}, Refused),
        (TOKENS, {}, Refused),
        (TOKENS, {"email": "a@b.example", "verified_email": False}, Refused),
        (TOKENS, b"{", Malformed),
    ],
)
async def test_a_grant_that_is_not_whole_is_refused(
    app: GoogleApp, line: GoogleLine, tokens: Any, who: Any, expected: type[StewardError]
) -> None:
    line.on("POST /oauth2/token", answer=ok(tokens))
    line.on("userinfo", answer=ok(who))
    with pytest.raises(expected):
        await oauth.redeem_code(app, "code", "http://h/back", "v" * 43)


async def test_the_address_of_a_grant_is_in_lower_case(app: GoogleApp, line: GoogleLine) -> None:
    line.on("POST /oauth2/token", answer=ok(TOKENS))
    line.on("userinfo", answer=ok({"email": "Ana@Example.COM", "name": "Ana", "verified_email": True}))
    grant = await oauth.redeem_code(app, "code", "http://h/back", "v" * 43)
    assert (grant.address, grant.name, grant.scopes) == ("ana@example.com", "Ana", ("email", "openid"))
    assert "'r'" not in repr(grant)


@pytest.mark.parametrize(
    ("answer", "is_gone"),
    [(ok({}), True), (answered(400, b'{"error": "invalid_token"}'), True), (answered(500), False)],
)
async def test_a_revocation_says_whether_it_is_gone(
    app: GoogleApp, line: GoogleLine, answer: Answer, is_gone: bool
) -> None:
    line.on("POST /oauth2/revoke", answer=answer)
    assert await oauth.revoke(app, SECRET) is is_gone


async def test_a_known_client_is_told_from_an_unknown_one(app: GoogleApp, line: GoogleLine) -> None:
    line.on("POST /oauth2/token", answer=answered(400, b'{"error": "invalid_grant"}'))
    assert await oauth.check(app) == "Google knows this installation"
    line.on("POST /oauth2/token", answer=answered(401, b'{"error": "invalid_client"}'))
    with pytest.raises(Refused, match="client ID or secret is wrong"):
        await oauth.check(app)


def test_a_client_does_not_show_its_secret() -> None:
    assert "hush" not in repr(GoogleApp("id", "hush"))
