"""Tools that read the web. What they bring was written by others."""

from datetime import datetime
from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from agents import templates
from agents.equipment import Run
from agents.services.web import PageReader, WebSearch
from agents.tools.tool import AnyTool, Done, Outcome, StrictInput, Tool
from core.errors import Invalid
from tasks import functions
from tasks.models import Evidence, Task
from tasks.plan_tools import list_outputs_before

IN_PERSON = {"chat", "manual", "import"}  # sources of tasks whose words and inputs a person wrote
PLANNED = "plan"


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
    """Which page. The person has to have named the address, or a web_search before has to have found it."""

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
    """Read a page that the person named."""
    await insist_on_named(run, given.url)
    page = await (await run.reach(PageReader)).read(given.url, given.most_characters)
    output = FetchOutput(url=page.url, title=page.title, text=page.text, media_type=page.media_type, is_cut=page.is_cut)
    return Done(
        output.model_dump(mode="json"), "verified", [Evidence(kind="page", what=page.title or "A page", where=page.url)]
    )


async def insist_on_named(run: Run, url: str) -> None:
    """Raises Invalid for an address that neither the person wrote nor an earlier search found.

    A request to an address of somebody else's making can carry out what was read: such a one is asked about first.
    """
    wanted = _plain(url)
    if wanted in {_plain(one) for one in await _own_urls(run)}:
        return
    for earlier in await list_outputs_before(run.caller, run.task.id):
        if earlier.tool == "web_search" and wanted in {_plain(text) for _, text in templates.strings(earlier.result)}:
            return
    raise Invalid(
        f"Nobody asked for this address: {url[:300]}",
        detail="allowed are addresses that you wrote into the task or its plan, and results of a web_search before",
        hint="Use http_request: it asks you first.",
    )


async def _own_urls(run: Run) -> set[str]:
    """Every address that the person wrote into this task or the root of its plan."""
    task, found = run.task, set[str]()
    if task.source in IN_PERSON:
        found |= {text for _, text in templates.strings(task.tool_input) if "{{" not in text}
        found |= _in_words(task)
    if task.root_task_id not in {None, task.id}:
        root = await functions.get_task(run.caller, task.root_task_id or task.id)
        if root.source in IN_PERSON | {PLANNED}:
            found |= _in_words(root)
    elif task.source == PLANNED:
        found |= _in_words(task)
    return found


def _in_words(task: Task) -> set[str]:
    words = f"{task.title} {task.description}".split()
    return {word.strip("<>()[]{}\"'.,;:!?") for word in words if "://" in word} | {w for w in words if "://" in w}


def _plain(url: str) -> tuple[str, ...]:
    """An address to be compared: scheme and host in lower case, no fragment."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ("",)
    if not parts.scheme or not parts.netloc:
        return ("", url)
    return parts.scheme.casefold(), parts.netloc.casefold(), parts.path or "/", parts.query


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
        brings_untrusted=True,
        cost_usd=0.008,
        timeout_seconds=60,
    ),
    Tool(
        "web_fetch",
        "Reads one page as text (HTML as Markdown). Only addresses that the person named, or that a web_search before found",
        "read",
        fetch,
        FetchInput,
        FetchOutput,
        capability="web",
        needs=(PageReader,),
        risk="low",
        brings_untrusted=True,
        timeout_seconds=90,
    ),
)
