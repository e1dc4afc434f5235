"""What each status of a service means: refused, signed out, later, or unknown; whatever it says."""

import asyncio
import time
from collections.abc import AsyncGenerator

import pytest

from core.outside.errors import Malformed, Refused, SignInExpired, Temporary, Uncertain
from integrations.web.guard import Guard
from integrations.web.service import Changed, NotThere, ServiceApi, said_in, segment
from tests.emulators.served import Answer, Served, serving


@pytest.fixture
async def site() -> AsyncGenerator[Served]:
    async with serving(lambda got: Answer(200, {"ok": True})) as served:
        yield served


def api(site: Served, **more: float) -> ServiceApi:
    guard = Guard(most_bytes=100_000, **more).trusting(site.url)  # pyright: ignore[reportArgumentType]
    return ServiceApi("The service", site.url, {"Authorization": "Bearer s3cret"}, guard, "Sign in again.")


CASES = [
    (
        Answer(400, {"message": "bad", "errors": [{"field": "a", "code": "missing"}, {"message": "b"}]}),
        Refused,
        Refused,
    ),
    (Answer(401, {"message": "Bad credentials"}), SignInExpired, SignInExpired),
    (Answer(403, {"message": "no"}), Refused, Refused),
    (Answer(403, {"message": "slow"}, {"Retry-After": "9"}), Temporary, Temporary),
    (Answer(404, b"<html>"), NotThere, NotThere),
    (Answer(409, {"error": "twice"}), Refused, Refused),
    (Answer(412), Changed, Changed),
    (Answer(422, {"errors": {"a": "b"}}), Refused, Refused),
    (Answer(429, headers={"Retry-After": "7"}), Temporary, Temporary),
    (Answer(500, b"oops"), Temporary, Uncertain),
    (Answer(501), Temporary, Refused),
    (Answer(503, headers={"Retry-After": "3"}), Temporary, Temporary),
    (Answer(503), Temporary, Uncertain),
    (Answer(302, headers={"Location": "http://127.0.0.1:1/"}), Refused, Refused),
    (Answer(200, b"{not json"), Malformed, Uncertain),
    (Answer(200, b"\xff\xfe"), Malformed, Uncertain),
    (Answer(200, b"[" * 90_000), Malformed, Uncertain),
    (Answer(200, b" " * 200_000), Refused, Uncertain),
    (Answer(200, b'{"a": 1}', cut=4), Temporary, Uncertain),
    (Answer(400, b'{"a": 1}', cut=4), Temporary, Refused),
    (Answer(raw=b""), Temporary, Uncertain),
    (Answer(raw=b"HTTP/1.1 200"), Temporary, Uncertain),
]


@pytest.mark.parametrize("number", range(len(CASES)))
async def test_each_answer_has_its_meaning(site: Served, number: int) -> None:
    answer, reading, changing = CASES[number]
    site.once = [answer, answer]
    with pytest.raises(reading) as caught:
        await api(site).read("/a")
    assert type(caught.value) is reading or reading is Refused
    with pytest.raises(changing) as caught:
        await api(site).change("POST", "/a", {"x": "grüße"})
    assert type(caught.value) is changing
    said = f"{caught.value.message} {caught.value.detail}"
    assert "s3cret" not in said
    if "Retry-After" in answer.headers:
        assert caught.value.retry_after_seconds == int(answer.headers["Retry-After"])


async def test_a_limit_that_says_when_it_ends(site: Served) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 100)}
    site.once = [Answer(403, {"message": "API rate limit exceeded"}, headers)]
    with pytest.raises(Temporary) as caught:
        await api(site).read("/a")
    assert 95 <= (caught.value.retry_after_seconds or 0) <= 100


async def test_no_answer_in_time(site: Served) -> None:
    never = asyncio.Event()
    site.once = [Answer(wait=never), Answer(wait=never)]
    with pytest.raises(Temporary):
        await api(site, most_seconds=0.2).read("/a")
    with pytest.raises(Uncertain):
        await api(site, most_seconds=0.2).change("POST", "/a", {})
    never.set()


async def test_a_change_without_words_is_well(site: Served) -> None:
    site.once = [Answer(204), Answer(200, b"  "), Answer(201, {"key": "ü"})]
    assert await api(site).change("PUT", "/a", {}) is None
    assert await api(site).change("PUT", "/a", {}) is None
    assert await api(site).change("PUT", "/a", {}) == {"key": "ü"}
    assert site.got[0].headers["authorization"] == "Bearer s3cret"


async def test_the_credentials_do_not_follow_a_redirect(site: Served) -> None:
    async with serving(lambda got: Answer(200, {})) as other:
        site.once = [Answer(302, headers={"Location": other.url})]
        with pytest.raises(Refused):
            await api(site).read("/a")
        assert other.got == []


def test_segments_do_not_climb() -> None:
    assert segment("a/b?c#d%e ü") == "a%2Fb%3Fc%23d%25e%20%C3%BC"
    for text in ("", ".", ".."):
        with pytest.raises(Refused):
            segment(text)


def test_what_a_service_says_is_short_and_whole() -> None:
    assert said_in(b'{"message": "m", "errorMessages": ["a"], "errors": {"f": "g"}}') == "m; a; f: g"
    assert said_in(b'["x"]') is None
    assert len(said_in(b'{"message": "' + b"x" * 9000 + b'"}') or "") == 500
