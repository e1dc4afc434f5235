"""Tavily's client against aimock, and against a server that answers badly."""

from collections.abc import AsyncGenerator, Generator

import pytest

from core.outside.errors import Malformed, Refused, SignInExpired, Temporary
from integrations.web.guard import Guard
from integrations.web.tavily import TavilySearch
from tests.emulators.search_server import running_search
from tests.emulators.served import Answer, Served, serving


@pytest.fixture(scope="module")
def search_url() -> Generator[str]:
    with running_search() as url:
        yield url


@pytest.fixture
async def site() -> AsyncGenerator[Served]:
    async with serving() as served:
        yield served


async def test_it_finds(search_url: str) -> None:
    tavily = TavilySearch("tvly-key", search_url, Guard())
    found = await tavily.search("rain in Rome", 5)
    assert next((hit.title, hit.url, hit.score) for hit in found.hits) == (
        "Regen in Röm 🌧",
        "https://weather.example/rome?d=1",
        0.9,
    )
    assert len((await tavily.search("rain in Rome", 1)).hits) == 1
    assert (await tavily.search("nothing at all", 5)).hits == []


async def test_it_is_asked_as_it_wants(site: Served) -> None:
    odd = [
        {
            "title": None,
            "url": 3,
            "content": "x" * 9000,
            "score": "high",
            "published_date": "Wed, 04 Mar 2026 09:00:00 GMT",
        },
        "no object",
    ]
    site.once = [Answer(200, {"results": odd})]
    found = await TavilySearch("tvly-key", site.url, Guard()).search("grüße", 3, is_news=True)
    (asked,) = site.got
    assert asked.headers["authorization"] == "Bearer tvly-key"
    assert asked.json["query"] == "grüße"
    assert (asked.json["max_results"], asked.json["topic"]) == (3, "news")
    (hit,) = found.hits
    assert (hit.title, hit.url, len(hit.text), hit.score) == ("", "3", 5000, 0.0)
    assert hit.published_at is not None
    assert hit.published_at.isoformat() == "2026-03-04T09:00:00+00:00"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(400, {"detail": {"error": "Query is too long"}}), Refused),
        (Answer(401, {"detail": {"error": "Unauthorized: missing or invalid API key."}}), SignInExpired),
        (Answer(403, {"detail": {"error": "no"}}), Refused),
        (Answer(404), Refused),
        (Answer(422), Refused),
        (Answer(429, {"detail": {"error": "slow"}}, {"Retry-After": "8"}), Temporary),
        (Answer(432, {"detail": {"error": "plan"}}), Refused),
        (Answer(500), Temporary),
        (Answer(200, b"no json"), Malformed),
        (Answer(200, []), Malformed),
        (Answer(200, {"results": {}}), Malformed),
        (Answer(200, b'{"results": []}', cut=5), Temporary),
        (Answer(raw=b""), Temporary),
    ],
)
async def test_each_answer_has_its_meaning(site: Served, answer: Answer, kind: type[Exception]) -> None:
    site.once = [answer]
    with pytest.raises(kind) as caught:
        await TavilySearch("tvly-s3cret", site.url, Guard()).search("x", 3)
    assert "s3cret" not in f"{caught.value} {caught.value.__dict__}"
    if answer.status == 429:
        assert caught.value.retry_after_seconds == 8  # pyright: ignore[reportAttributeAccessIssue]
