"""A model that writes a plan document: the authored answers of `tests/data/document` as fixtures of the model server.

Each file is a stage: {part, form, good, bad, says} for each form that is asked for; a good answer to questions with parts is
given to every part that begins with its `part`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from agents.playbooks.document.catalog import stages_of
from agents.playbooks.document.stage import DEPTHS, Depth, Earlier, Level, Section, Stage
from agents.thinking import Trail

F = TypeVar("F", bound=BaseModel)
T = TypeVar("T")

ANSWERS = Path(__file__).parents[1] / "data" / "document"
PROMPT = (
    "Open a community bicycle repair workshop in Ghent: residents repair bicycles themselves with tools and help. "
    "40,000 euros, nine months, two paid staff and volunteers, run as a non-profit."
)
USAGE = {"prompt_tokens": 900, "completion_tokens": 300, "total_tokens": 1200}


def answers_of(stage_id: str) -> list[dict[str, Any]]:
    """The authored answers of a stage, those for parts with longer names first."""
    entries: list[dict[str, Any]] = json.loads((ANSWERS / f"{stage_id}.json").read_text(encoding="utf-8"))
    return sorted(({"part": "", **entry} for entry in entries), key=lambda entry: -len(entry["part"]))


def write_fixtures(
    path: Path,
    *,
    bad: Collection[str] = (),
    refused: bool = False,
    latency_ms: int = 0,
    in_one_piece: bool = False,
    instead: dict[str, Any] | None = None,
) -> Path:
    """The fixtures as a file: good answers, bad ones for the stages of `bad`, a redline gate that refuses where wanted.

    `latency_ms` is before the first byte of each answer; `in_one_piece`: it comes whole then. `instead`: other answers of stages, whole.
    """
    fixtures: list[dict[str, Any]] = []
    for file in sorted(ANSWERS.glob("*.json")):
        for entry in answers_of(file.stem):
            answer = entry["bad" if file.stem in bad else "good"]
            if file.stem == "redline_gate" and refused:
                answer = REFUSAL
            answer = (instead or {}).get(file.stem, answer)
            said = f"Section: [{file.stem}]" + (f" part [{entry['part']}" if entry["part"] else "")
            calls = [{"name": entry["form"].lower(), "arguments": answer}]
            fixture: dict[str, Any] = {"match": {"userMessage": said}, "response": {"toolCalls": calls, "usage": USAGE}}
            if latency_ms:
                fixture["streamingProfile"] = {"ttft": latency_ms, "tps": 1_000_000}
            if in_one_piece:
                fixture["chunkSize"] = 1_000_000
            fixtures.append(fixture)
    path.write_text(json.dumps({"fixtures": fixtures}), encoding="utf-8")
    return path


REFUSAL = {
    "verdict": "refuse",
    "rationale_short": "The description asks how to pick locks of other people's bicycles, which helps with theft.",
    "framing": "",
    "violation_category": "theft",
    "violation_claim": "It asks for ways into locks that belong to others.",
    "violation_capability_uplift": "yes",
    "violation_severity": "high",
}


@dataclass
class AuthoredWriting:
    """A stage written by authored answers, without a model, a database or an engine: what the stages alone take.

    A stand-in for `agents.playbooks.document.running.StageWriting`; each answer takes `seconds`.
    """

    stage: Stage[Any]
    earlier: Earlier
    depth: Depth
    seconds: float = 0.0

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
        """The authored answer; raises ValueError where the stage itself would send it back."""
        await asyncio.sleep(self.seconds)
        found = next(one for one in answers_of(self.stage.id) if part.startswith(one["part"]))
        if found["form"] != form.__name__ or (prompt and prompt not in self.stage.loaded_prompts):
            raise ValueError(f"{self.stage.id} [{part}] asks for {form.__name__}, there is {found['form']}")
        answer = form.model_validate(found["good"])
        problem = (answer.shallow() if isinstance(answer, Section) else None) or (check(answer) if check else None)
        if problem:
            raise ValueError(f"{self.stage.id} [{part}]: {problem}")
        return answer

    async def each(self, items: Sequence[T], write_one: Callable[[T], Awaitable[F]]) -> list[F]:
        """All at once."""
        return list(await asyncio.gather(*map(write_one, items)))


async def write_document(level: Level, seconds: float = 0.0) -> dict[str, dict[str, Any]]:
    """Every section of a document of this level by authored answers, as coroutines that wait for one another."""
    stages = stages_of(level)
    sections: dict[str, dict[str, Any]] = {}
    over = {stage_id: asyncio.Event() for stage_id in stages}

    async def write(stage: Stage[Any]) -> None:
        for needed in stage.read_stages:
            if needed in over:
                await over[needed].wait()
        earlier = Earlier(PROMPT, "2026-03-04T08:30:00+00:00", "Europe/Berlin", sections, stages)
        if stage.write is not None:
            section = await stage.write(AuthoredWriting(stage, earlier, DEPTHS[level], seconds))
        else:
            section = stage.fill(earlier) if stage.fill else None
        problem = section.shallow() if section else "rules cannot fill it"
        if section is None or problem:
            raise ValueError(f"{stage.id}: {problem}")
        sections[stage.id] = section.model_dump(mode="json")
        over[stage.id].set()

    async with asyncio.TaskGroup() as group:
        for stage in stages.values():
            group.create_task(write(stage), name=stage.id)
    return sections
