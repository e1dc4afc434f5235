"""A stage written with the authored answers of `tests/data/document`, without a model or a database.

Every answer is checked as a model's would be. The sections that a stage reads are written first, in the same way.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from agents.playbooks.document.stage import DEPTHS, Depth, Earlier, Level, Section, Stage
from agents.thinking import Trail
from tests.emulators.document_answers import PROMPT, answers_of

F = TypeVar("F", bound=BaseModel)
T = TypeVar("T")


class FoundShallow(Exception):
    """What a model would have heard about its answer."""


@dataclass
class Scripted:
    """Answers by heart. `asked` are the parts in order, `said` the words of each, `instead` other answers by part."""

    stage: Stage[Any]
    earlier: Earlier
    depth: Depth = DEPTHS["balanced_speed_and_detail"]
    instead: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    asked: list[str] = field(default_factory=list[str])
    said: list[str] = field(default_factory=list[str])

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
        assert part not in self.asked, f"asked twice: {part!r}"
        assert not prompt or prompt in self.stage.loaded_prompts
        self.asked.append(part)
        self.said.append(words)
        answer = form.model_validate(
            self.instead[part] if part in self.instead else self._authored(part, form.__name__)
        )
        shallow = answer.shallow() if isinstance(answer, Section) else None
        if problem := shallow or (check(answer) if check else None):
            raise FoundShallow(problem)
        return answer

    async def each(self, items: Sequence[T], write_one: Callable[[T], Awaitable[F]]) -> list[F]:
        return [await write_one(item) for item in items]

    def _authored(self, part: str, form: str) -> dict[str, Any]:
        entries = answers_of(self.stage.id)
        return next(e["good"] for e in entries if e["form"] == form and part.startswith(e["part"]))


def earlier_of(stages: Mapping[str, Stage[Any]], sections: Mapping[str, Mapping[str, Any]], **facts: str) -> Earlier:
    """What a stage may read; `facts` are prompt, started_at, timezone where others than the usual ones are wanted."""
    usual = {"prompt": PROMPT, "started_at": "2026-11-20T09:30:00+00:00", "timezone": "Europe/Brussels"}
    return Earlier(**{**usual, **facts}, sections=sections, stages=stages)


async def write(writing: Scripted) -> Section:
    """The section of a stage that asks a model."""
    assert writing.stage.write is not None
    return await writing.stage.write(writing)


def written(stages: Sequence[Stage[Any]], level: Level = "balanced_speed_and_detail") -> dict[str, Section]:
    """These stages in their order, each from the ones before it."""
    known = {stage.id: stage for stage in stages}
    found: dict[str, Section] = {}
    for stage in stages:
        sections = {name: section.model_dump(mode="json") for name, section in found.items()}
        earlier = earlier_of(known, {name: sections[name] for name in stage.read_stages if name in sections})
        section = _one(Scripted(stage, earlier, DEPTHS[level]))
        assert (problem := section.shallow()) is None, f"{stage.id}: {problem}"
        found[stage.id] = section
    return found


def _one(writing: Scripted) -> Section:
    if writing.stage.write is not None:
        return asyncio.run(write(writing))
    assert writing.stage.fill is not None
    filled = writing.stage.fill(writing.earlier)
    assert filled is not None
    return filled
