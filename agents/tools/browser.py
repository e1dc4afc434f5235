"""The tool that works web pages."""

from pydantic import BaseModel, Field

from agents.browsing_moves import BrowserInput
from agents.equipment import Run
from agents.services.browser import Browser
from agents.tools.tool import AnyTool, Outcome, Tool
from tasks.actions import Effect


class BrowserOutput(BaseModel):
    """What came of it. `output` has the asked-for form; `files` and `sent` list what came down and what was submitted."""

    answer: str
    output: object = None
    reached: bool = True
    url: str
    title: str
    files: list[dict[str, object]] = Field(default_factory=list[dict[str, object]])
    sent: list[dict[str, object]] = Field(default_factory=list[dict[str, object]])


async def use_browser(run: Run, given: BrowserInput) -> Outcome:
    """Work the pages."""
    from agents.browsing import browse  # asks for the services of a model only where there is a goal

    return await browse(run, given)


DESCRIPTION = (
    "Works web pages in a real browser: reads, clicks, types, downloads and extracts by itself, on the sites that were named "
    "in start_url and allow. Give a goal (needs a language model) or explicit steps (need none), and a schema for the output. "
    "Submitting a form, signing in, paying and opening other sites ask a person first, who sees the filled form. "
    "Use it for what has no interface of its own; to only read a public page, reading it without a browser is cheaper."
)

BROWSER_TOOLS: tuple[AnyTool, ...] = (
    Tool(
        "browser",
        DESCRIPTION,
        "control",
        use_browser,
        BrowserInput,
        BrowserOutput,
        capability="browser",
        needs=(Browser,),
        risk="high",
        effect=Effect.PUBLISH,
        brings_untrusted=True,
        cost_usd=0.05,
    ),
)
