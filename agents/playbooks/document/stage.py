"""What a stage of a plan document is: its place among the others, the form of its answer, who writes it, how it reads.

A stage is a task; its answer is a `Section`, stored as the task's result before anything else is done with it. What a
stage needs of others it reads from their stored sections. Facts about the stages (purposes, edges, fields) come from
PlanExe's pipeline (seeds document 004); words, prompts and forms are ours.
"""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar
from unicodedata import east_asian_width

from pydantic import BaseModel, ConfigDict

from agents.thinking import Prompt, Trail, load_prompt
from core.errors import StewardError

PROMPTS = Path(__file__).parent / "prompts"
Level = Literal["ping_llm", "fast_but_skip_details", "balanced_speed_and_detail", "all_details_but_slow"]


class Section(BaseModel):
    """Base of every stage's answer. Its fields are all known; it says itself what is too shallow about it."""

    model_config = ConfigDict(extra="forbid")

    def shallow(self) -> str | None:
        """What is missing, empty, repeated or too thin, in words for who wrote it; None when it may pass as done."""
        return None

    @abstractmethod
    def markdown(self) -> str:
        """The section as Markdown, without a heading of its own; headings inside begin at level 3."""


S = TypeVar("S", bound=Section)
F = TypeVar("F", bound=BaseModel)
T = TypeVar("T")


class StageMissing(StewardError):
    """A stage reads a section that is not there: it is not among those it waits for, or the plan goes on without it."""

    status = 409
    type = "stage-missing"
    title = "A section is missing"


@dataclass(frozen=True)
class Depth:
    """How far a plan goes into detail. `most` bounds every loop (levers, documents, tasks broken down), `turns` how often one is
    continued; `is_short` asks for short answers."""

    level: Level
    most: int
    turns: int
    is_short: bool

    def cut(self, items: Sequence[T]) -> list[T]:
        """As many items as this depth takes on."""
        return list(items)[: self.most]


DEPTHS: Mapping[Level, Depth] = {
    "ping_llm": Depth("ping_llm", 1, 1, is_short=True),
    "fast_but_skip_details": Depth("fast_but_skip_details", 2, 1, is_short=True),
    "balanced_speed_and_detail": Depth("balanced_speed_and_detail", 8, 2, is_short=False),
    "all_details_but_slow": Depth("all_details_but_slow", 200, 3, is_short=False),
}


@dataclass(frozen=True)
class Earlier:
    """What a stage may read: the prompt, when the plan was made, and the stored sections of the stages it declares."""

    prompt: str
    started_at: str
    timezone: str
    sections: Mapping[str, Mapping[str, Any]]
    stages: "Mapping[str, Stage[Any]]"
    framing: str = ""

    def has(self, stage_id: str) -> bool:
        """Is this section there?"""
        return stage_id in self.sections

    def of(self, stage_id: str, form: type[S]) -> S:
        """The section of a stage, in its form. Raises StageMissing."""
        if stage_id not in self.sections:
            raise StageMissing(f"The section {stage_id} is missing", detail=f"there are: {', '.join(self.sections)}")
        return form.model_validate(self.sections[stage_id])

    def markdown(self, *stage_ids: str) -> str:
        """Those of these sections that are there, as documents with their titles: what a model reads."""
        found: list[str] = []
        for stage_id in stage_ids:
            if stage_id in self.sections:
                stage = self.stages[stage_id]
                found.append(f"## {stage.title}\n\n{stage.form.model_validate(self.sections[stage_id]).markdown()}")
        return "\n\n".join(found)


class Writing(Protocol):
    """What a stage that asks a model works with (`agents.playbooks.document.running`)."""

    @property
    def earlier(self) -> Earlier:
        """What came before."""
        ...

    @property
    def depth(self) -> Depth:
        """How far to go into detail."""
        ...

    async def ask(
        self,
        form: type[F],
        words: str,
        *,
        part: str = "",
        prompt: str = "",
        check: Callable[[F], str | None] | None = None,
        trail: Trail | None = None,
        more: str = "",
    ) -> F:
        """One journaled question to the model; the answer has the form, and passed `check` (and `shallow` for a Section).

        The instructions are `prompts/<stage>.md`, or `prompts/<prompt>.md`, after the ones common to all stages. `part` names the
        question among several of this stage and must be the same in every run; questions side by side need parts that differ.
        With a `trail` the question goes on from the one before: `more` is all that is said then, where the server still knows.
        """
        ...

    async def each(self, items: Sequence[T], write_one: Callable[[T], Awaitable[F]]) -> list[F]:
        """One answer for each item, side by side, in the order of the items; each finished one is progress."""
        ...


@dataclass(frozen=True)
class Stage(Generic[S]):
    """One stage. `write` asks a model, `fill` makes the section from earlier ones by rules alone (None: rules cannot).

    A stage with `write` needs a model; its `fill`, where it has one, is used where none is configured. `depends_on` is what it
    waits for, `reads` whose sections it is given besides (they must be over before). `minutes` is for estimates only.
    `prompts` are the names of its files in `prompts/`, without the ending; `version` counts changes of its code.
    """

    id: str
    title: str
    group: str
    purpose: str
    form: type[S]
    depends_on: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    write: Callable[[Writing], Awaitable[S]] | None = None
    fill: Callable[[Earlier], S | None] | None = None
    prompts: tuple[str, ...] = ()
    minutes: float = 0.3
    version: int = 1
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def needs_model(self) -> bool:
        return self.write is not None

    @cached_property
    def read_stages(self) -> tuple[str, ...]:
        """Every stage whose section it is given."""
        return tuple(dict.fromkeys((*self.depends_on, *self.reads)))

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema of its section."""
        return self.form.model_json_schema()

    @cached_property
    def loaded_prompts(self) -> Mapping[str, Prompt]:
        """The prompts by name: `document`, which is common to all, first."""
        names = ["document", *(self.prompts or ((self.id,) if self.needs_model else ()))]
        return {name: load_prompt(PROMPTS / f"{name}.md") for name in names}


def texts_too_short(least: int, **texts: str) -> str | None:
    """Which of these texts have fewer characters than `least`, in words for who wrote them; None when none has.

    A wide character (漢字) says as much as two.
    """
    short = [name for name, text in texts.items() if _weight(text.strip()) < least]
    return f"too short, say more (at least {least} characters): {', '.join(short)}" if short else None


def _weight(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def too_few(least: int, **lists: Sequence[object]) -> str | None:
    """Which of these lists have fewer entries than `least`; None when none has."""
    few = [name for name, entries in lists.items() if len(entries) < least]
    return f"too few entries (at least {least}): {', '.join(few)}" if few else None


def repeated(**lists: Sequence[str]) -> str | None:
    """Which of these lists say the same thing twice; None when none does."""
    for name, entries in lists.items():
        said = [" ".join(entry.casefold().split()) for entry in entries]
        if len(set(said)) < len(said):
            return f"{name} says the same thing twice"
    return None


def first_problem(*problems: str | None) -> str | None:
    """The first of these that is one."""
    return next((problem for problem in problems if problem), None)


def bullets(entries: Sequence[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {one_line(entry)}" for entry in entries)


def one_line(text: str) -> str:
    """A text on one line, as list entries and cells of tables need it."""
    return " ".join(text.split())


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; bars inside cells are kept as text."""
    lines = [list(head), ["---"] * len(head), *[[str(cell) for cell in row] for row in rows]]
    return "\n".join("| " + " | ".join(one_line(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
