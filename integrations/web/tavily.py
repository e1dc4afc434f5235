"""Search of the web by Tavily's client (https://docs.tavily.com), over guarded HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import httpx

from core.outside.errors import Malformed, Refused, SignInExpired, Temporary
from core.outside.web import SearchHit, SearchResult
from integrations.web.client import NOT_SENT, retry_after_seconds
from integrations.web.guard import Guard

COST_USD = 0.008  # one basic search takes one credit
SECONDS = 30.0
HINT = "Set TAVILY_API_KEY to a key from https://app.tavily.com."


@dataclass(frozen=True)
class TavilySearch:
    """Fulfils `agents.services.web.WebSearch`."""

    key: str = field(repr=False)
    url: str
    guard: Guard

    async def search(self, query: str, most: int, *, is_news: bool = False) -> SearchResult:
        """The best results. Tavily's own client speaks; its errors become ours."""
        import tavily

        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        async with self.guard.trusting(self.url).client() as http:
            http.base_url = httpx.URL(self.url)
            http.headers.update(headers)
            heard: list[httpx.Response] = []

            async def listen(answer: httpx.Response) -> None:
                heard.append(answer)

            http.event_hooks = {"response": [listen]}
            client = tavily.AsyncTavilyClient(api_key=self.key, api_base_url=self.url, client=http)
            try:
                answer = await client.search(  # pyright: ignore[reportUnknownVariableType]
                    query, max_results=most, topic="news" if is_news else "general", timeout=SECONDS
                )
            except NOT_SENT as error:
                raise Temporary("Tavily is out of reach", detail=type(error).__name__) from error
            except (httpx.HTTPError, tavily.errors.TimeoutError) as error:
                raise _meaning(heard, error) from error
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise Malformed("The answer of Tavily cannot be understood", detail=type(error).__name__) from error
            except (
                tavily.InvalidAPIKeyError,
                tavily.UsageLimitExceededError,
                tavily.BadRequestError,
                tavily.errors.ForbiddenError,
            ) as error:
                raise _meaning(heard, error) from error
        return SearchResult(query, [_hit(one) for one in _results(cast("object", answer))][:most], COST_USD)


def _meaning(heard: list[httpx.Response], error: Exception) -> Exception:
    status = heard[-1].status_code if heard else 0
    said = str(error)[:300]
    if status == 401:
        return SignInExpired("Tavily does not accept the key", hint=HINT)
    if status == 429 or status >= 500 or not status:
        wait = retry_after_seconds(heard[-1].headers) if heard else None
        return Temporary(f"Tavily answers {status or 'nothing'}", detail=said, retry_after_seconds=wait)
    if status in {432, 433}:
        return Refused("The plan of this Tavily key is used up", hint="See https://app.tavily.com.")
    if status >= 400:
        return Refused(f"Tavily refused the search ({status})", detail=said)
    return Temporary("The answer of Tavily broke off", detail=type(error).__name__)


def _results(answer: object) -> list[Mapping[str, Any]]:
    results = cast("Mapping[str, Any]", answer).get("results") if isinstance(answer, Mapping) else None
    if not isinstance(results, list):
        raise Malformed("The answer of Tavily has no list of results")
    return [cast("Mapping[str, Any]", one) for one in cast("list[object]", results) if isinstance(one, Mapping)]


def _hit(one: Mapping[str, Any]) -> SearchHit:
    score = one.get("score")
    return SearchHit(
        title=str(one.get("title") or "")[:500],
        url=str(one.get("url") or "")[:2000],
        text=str(one.get("content") or "")[:5000],
        score=float(score) if isinstance(score, int | float) else 0.0,
        published_at=_moment(one.get("published_date")),
    )


def _moment(text: object) -> datetime | None:
    """Tavily gives dates of news as in mail; aware, or None."""
    try:
        moment = parsedate_to_datetime(str(text))
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else None
