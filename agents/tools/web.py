"""Tools that read the web. What they bring was written by others."""

from datetime import datetime

from pydantic import BaseModel, Field

from agents.equipment import Run
from agents.services.web import PageReader, WebSearch
from agents.tools.tool import AnyTool, Done, Outcome, StrictInput, Tool
from tasks.actions import Action, Effect
from tasks.models import Evidence


class SearchInput(StrictInput):
    """What to look for."""

    query: str = Field(min_length=1, max_length=400)
    most: int = Field(default=5, ge=1, le=20, description="How many results")
    is_news: bool = Field(default=False, description="Look among the news")


class FoundPage(BaseModel):
    """One result; text is an excerpt."""

    title: str
    url: str
    text: str
    score: float
    published_at: datetime | None = None


class SearchOutput(BaseModel):
    """Results, best first."""

    query: str
    results: list[FoundPage]


class FetchInput(StrictInput):
    """Which page. An address that the person did not name is asked about first."""

    url: str = Field(min_length=8, max_length=4000)
    most_characters: int = Field(default=20_000, ge=100, le=200_000)


class FetchOutput(BaseModel):
    """The page as text or Markdown."""

    url: str
    title: str
    text: str
    media_type: str
    is_cut: bool


async def search(run: Run, given: SearchInput) -> Outcome:
    """Search the web."""
    service = await run.reach(WebSearch)
    found = await service.search(given.query, given.most, is_news=given.is_news)
    hits = [
        FoundPage(title=hit.title, url=hit.url, text=hit.text, score=hit.score, published_at=hit.published_at)
        for hit in found.hits
    ]
    output = SearchOutput(query=found.query, results=hits).model_dump(mode="json")
    return Done(output, "verified", [Evidence(kind="search", what=f"{len(hits)} results for {given.query[:200]!r}")])


async def fetch(run: Run, given: FetchInput) -> Outcome:
    """Read a page."""
    page = await (await run.reach(PageReader)).read(given.url, given.most_characters)
    output = FetchOutput(url=page.url, title=page.title, text=page.text, media_type=page.media_type, is_cut=page.is_cut)
    return Done(
        output.model_dump(mode="json"), "verified", [Evidence(kind="page", what=page.title or "A page", where=page.url)]
    )


async def search_action(run: Run, given: SearchInput) -> Action:
    """The question leaves the house."""
    return Action("web_search", Effect.QUERY, body=given.query)


async def fetch_action(run: Run, given: FetchInput) -> Action:
    """A request to an address of somebody else's making can carry out what was read."""
    return Action("web_fetch", Effect.FETCH, urls=[given.url], body="")


WEB_TOOLS: tuple[AnyTool, ...] = (
    Tool(
        "web_search",
        "Searches the web and gives results with title, address and excerpt. Use it to find pages; then web_fetch reads one",
        "read",
        search,
        SearchInput,
        SearchOutput,
        capability="web",
        needs=(WebSearch,),
        risk="low",
        effect=Effect.QUERY,
        action=search_action,
        brings_untrusted=True,
        cost_usd=0.008,
        timeout_seconds=60,
    ),
    Tool(
        "web_fetch",
        "Reads one page as text (HTML as Markdown). An address that the person did not name is asked about first",
        "read",
        fetch,
        FetchInput,
        FetchOutput,
        capability="web",
        needs=(PageReader,),
        risk="low",
        effect=Effect.FETCH,
        action=fetch_action,
        brings_untrusted=True,
        timeout_seconds=90,
    ),
)
