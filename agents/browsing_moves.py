"""Moves on web pages, the input of the browser tool, and the place that is kept between runs."""

import re
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.tools.tool import StrictInput
from core.outside.browser import FilledForm, Target

REF = re.compile(r"(?:f\d+)?e\d+")
MOST_HISTORY = 40
What = Literal[
    "navigate", "click", "type", "select", "upload", "download", "extract", "screenshot", "wait", "back", "submit"
]
NEEDS: dict[str, tuple[str, ...]] = {
    "navigate": ("url",),
    "click": ("target",),
    "type": ("target",),
    "select": ("target", "choice"),
    "upload": ("target", "file"),
    "download": ("target",),
    "submit": ("target",),
}


class Move(StrictInput):
    """One move. `target` is a reference of the outline, the name of something on the page (its label, its words), or
    css= and a selector.
    """

    do: What
    target: str = Field(default="", max_length=500)
    role: str = Field(default="", max_length=50, description="Role of the target: button, link, textbox, ...")
    nth: int = Field(default=0, ge=0, le=1000, description="Which of several equal ones, from 0")
    url: str = Field(default="", max_length=4000)
    text: str = Field(default="", max_length=20_000, description="type: the text; wait: a text to wait for")
    secret: Literal["", "user", "password"] = Field(
        default="", description="type: what the person stored for this site"
    )
    choice: str = Field(default="", max_length=500)
    file: str = Field(default="", max_length=300, description="upload: name of a file of this task")
    seconds: float = Field(default=5, ge=0, le=60, description="wait: at most so long")
    name: str = Field(default="", max_length=100, description="extract: under which name it is kept")
    fields: dict[str, str] = Field(
        default_factory=dict[str, str], description="extract: name to target; none: the rows of a table"
    )
    why: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        missing = [name for name in NEEDS.get(self.do, ()) if not getattr(self, name)]
        if missing:
            raise ValueError(f"{self.do} needs {' and '.join(missing)}")
        return self

    @property
    def at(self) -> Target:
        is_ref = REF.fullmatch(self.target) is not None
        return Target(self.target if is_ref else "", self.role, "" if is_ref else self.target, self.nth)

    def in_words(self) -> str:
        """As a line for people; never what was typed, which may be private."""
        what = {
            "navigate": self.url.partition("?")[0],
            "select": f"{self.choice!r} in {self.target!r}",
            "upload": f"{self.file!r} at {self.target!r}",
            "extract": self.name or self.target or "a table",
            "wait": repr(self.text) if self.text else f"{self.seconds:g} seconds",
            "back": "",
            "screenshot": "",
        }.get(self.do, repr(self.target))
        return f"{self.do} {what}".strip()


class Finish(BaseModel):
    """The goal is reached, or it cannot be: the answer in words, and in the asked-for form."""

    answer: str = Field(max_length=20_000)
    output: Any = None
    reached: bool = True


class NeedsPerson(BaseModel):
    """Only a person can go on."""

    reason: str = Field(min_length=1, max_length=1000)


class Proof(StrictInput):
    """Where one sees that a form took effect: a page, and words on it."""

    url: str = Field(max_length=4000)
    text: str = Field(min_length=1, max_length=500)


class BrowserInput(StrictInput):
    """What is to be found out or done on web pages: a goal for a model, or steps that need none."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    goal: str = Field(default="", max_length=5000)
    start_url: str = Field(default="", max_length=4000)
    allow: list[str] = Field(default_factory=list[str], max_length=50, description="Sites that may be reached")
    output_schema: dict[str, Any] | None = Field(default=None, alias="schema", description="JSON Schema of the output")
    steps: list[Move] = Field(default_factory=list[Move], max_length=100)
    proof: Proof | None = None
    max_steps: int = Field(default=25, ge=1, le=100)
    max_minutes: float = Field(default=10, gt=0, le=60, description="Of work, over all runs")

    @model_validator(mode="after")
    def _says_what_and_where(self) -> Self:
        if not self.goal and not self.steps:
            raise ValueError("a goal, or steps, say what is to be done")
        if not self.start_url and (not self.steps or self.steps[0].do != "navigate"):
            raise ValueError("start_url, or a first step that navigates, says where to begin")
        return self

    @property
    def all_steps(self) -> list[Move]:
        """The steps as they are made: start_url is opened first where they do not begin by opening a page."""
        if not self.steps or self.steps[0].do == "navigate":
            return self.steps
        return [Move(do="navigate", url=self.start_url), *self.steps]

    @property
    def start(self) -> str:
        return self.start_url or self.steps[0].url


class Pending(BaseModel):
    """A form that is being sent: if nobody recorded how that ended, this is what to find out about."""

    move: int
    digest: str
    target_url: str


class Place(BaseModel):
    """Where the work on the pages stands. Kept sealed: it holds cookies and what was typed."""

    given: str = ""
    generation: int = 0
    first_move: int = 0
    moves: int = 0
    next_step: int = 0
    seconds: float = 0
    url: str = ""
    title: str = ""
    stored: str | None = None
    path: list[Move] = Field(default_factory=list[Move])
    history: list[str] = Field(default_factory=list[str])
    person_said: list[str] = Field(default_factory=list[str])
    allow: list[str] = Field(default_factory=list[str])
    pending: Pending | None = None
    extracted: dict[str, Any] = Field(default_factory=dict[str, Any])
    files: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    sent: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    errors: int = 0
    tries: dict[str, int] = Field(default_factory=dict[str, int])
    is_stuck: bool = False

    def note(self, line: str) -> None:
        """Add a line to what was done; the oldest go."""
        self.history = [*self.history, line][-MOST_HISTORY:]


def plain(url: str) -> str:
    """An address for people and logs: without its query, which may hold what is private."""
    return url.partition("?")[0].partition("#")[0][:1000]


def host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").casefold()
    except ValueError:
        return ""


def facts_of(form: FilledForm) -> dict[str, str]:
    """What a person sees of a form before they say yes: every field by its label."""
    goes_to = f"{form.method.upper()} {form.target_url}"
    if form.method == "script":
        goes_to = f"{form.target_url}, by a script of the page"
    found = {"Page": form.page_url, "Goes to": goes_to, "Button": form.button}
    for field in form.fields:
        label = field.label or field.name or field.kind
        label = f"{label} (hidden)" if field.is_hidden else label
        while label in found:
            label = f"{label} ({field.name or 'another'})"
        found[label] = field.value
    return found
