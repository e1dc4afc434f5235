"""`make eval`: how well tasks are found in what people write.

    make eval                       both sets of tests/data/eval, by the built-in rules
    make eval CASES=file.jsonl      another file of the same shape
    make eval MODEL=gpt-5-mini      by a model (OPENAI_API_KEY or OPENAI_BASE_URL), and what it took: requests, tokens, cost

A case is right when the number of tasks and every scored key of each expected task are right; a key that is absent
is not scored. `invented` counts tasks beyond the expected number. Ends with one line of JSON. A file that cannot be
read as cases ends it with status 2 and one line that names file and line.
"""

import asyncio
import json
import os
import sys
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from agents.extractor import extract
from agents.thinking import ModelCall, ModelRefused, Thinking
from core.errors import StewardError
from core.settings import load_settings
from tasks.models import ExecutionType, ExtractedTask, Extraction, Priority

DATA = Path(__file__).parent.parent / "tests" / "data" / "eval"
GIVEN, PARAPHRASES = DATA / "chat_extraction.jsonl", DATA / "paraphrases.jsonl"
SIDE_BY_SIDE = 4
PRIORITIES: dict[str, Priority] = {"p1": "critical", "p2": "high", "p3": "medium", "p4": "low"}


class Expected(BaseModel):
    """What one task should be; only the keys that were given are scored."""

    model_config = ConfigDict(extra="forbid")

    title_words: list[str] = []
    execution_type: ExecutionType | None = None
    due_date: date | None = None
    priority: Priority | None = None
    recipient: str | None = None

    @field_validator("priority", mode="before")
    @classmethod
    def _by_number(cls, value: object) -> object:
        return PRIORITIES.get(value, value) if isinstance(value, str) else value


class Case(BaseModel):
    """One message, when and where it was written, and the tasks in it. A `now` without offset is in `timezone`."""

    id: str
    now: datetime
    timezone: str
    message: str
    expect: list[Expected]

    @field_validator("timezone")
    @classmethod
    def _exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, LookupError):
            raise ValueError(f"there is no time zone {value!r}") from None
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def local_now(self) -> datetime:
        return self.now.astimezone(self.zone) if self.now.tzinfo else self.now.replace(tzinfo=self.zone)


class Score(BaseModel):
    """How a set of cases came out."""

    cases: int
    right: int
    share_right: float
    invented: int


def stop(message: str) -> NoReturn:
    """One line, status 2."""
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(2)


def read_cases(path: Path) -> list[Case]:
    """The cases of a file, one JSON object a line; empty lines count for nothing."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        stop(f"{path}: {error.strerror}")
    except UnicodeDecodeError as error:
        stop(f"{path}: not UTF-8 at byte {error.start}")
    cases: list[Case] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            cases.append(Case.model_validate(json.loads(line)))
        except json.JSONDecodeError as error:
            stop(f"{path}, line {number}: not JSON: {error.msg} at column {error.colno}")
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the line"
            stop(f"{path}, line {number}: {place}: {first['msg']}")
    if not cases:
        stop(f"{path}: no cases in it")
    return cases


def misses(expected: list[Expected], found: list[ExtractedTask], zone: ZoneInfo) -> list[str]:
    """What is wrong with the answer, a line each; empty when the case is right."""
    wrong = [f"expected {len(expected)} tasks, got {len(found)}"] if len(expected) != len(found) else []
    for number, (want, got) in enumerate(zip(expected, found, strict=False), 1):
        title = got.title.casefold()
        wrong += [
            f"task {number}: title {got.title!r} lacks {w!r}" for w in want.title_words if w.casefold() not in title
        ]
        actual: dict[str, Any] = {
            "execution_type": got.execution_type,
            "due_date": got.due_at.astimezone(zone).date() if got.due_at else None,
            "priority": got.priority,
            "recipient": got.recipient,
        }
        for key, value in actual.items():
            wanted = getattr(want, key)
            if key in want.model_fields_set and _plain(value) != _plain(wanted):
                wrong.append(f"task {number}: {key} is {value!s}, expected {wanted!s}")
    return wrong


def _plain(value: object) -> object:
    return value.casefold().removeprefix("@") if isinstance(value, str) else value


class Spent:
    """What a model took for all the cases."""

    def __init__(self) -> None:
        self.calls: list[ModelCall] = []

    async def record(self, call: ModelCall) -> None:
        self.calls.append(call)

    def as_json(self, name: str) -> dict[str, Any]:
        """Cost is in US dollars, None where nobody knows a price; seconds are those of all requests together."""
        costs = [call.cost_usd for call in self.calls if call.error is None]
        known = [cost for cost in costs if cost is not None]
        return {
            "name": name,
            "requests": len(self.calls),
            "failed": sum(call.error is not None for call in self.calls),
            "input_tokens": sum(call.input_tokens for call in self.calls),
            "output_tokens": sum(call.output_tokens for call in self.calls),
            "cost_usd": round(sum(known), 6) if known and len(known) == len(costs) else None,
            "seconds": round(sum(call.latency_ms for call in self.calls) / 1000, 1),
        }


async def answer_to(case: Case, thinking: Thinking, turn: asyncio.Semaphore) -> Extraction | StewardError:
    """What was found, or why there is no answer."""
    async with turn:
        try:
            return await extract(case.message, now=case.local_now, thinking=thinking)
        except StewardError as error:
            return error


async def score(path: Path, thinking: Thinking) -> Score:
    """Run the cases of one file and print each miss."""
    cases, turn = read_cases(path), asyncio.Semaphore(SIDE_BY_SIDE)
    answers = await asyncio.gather(*(answer_to(case, thinking, turn) for case in cases))
    if all(isinstance(answer, ModelRefused) for answer in answers) and isinstance(answers[0], ModelRefused):
        stop(f"{answers[0].message}. {answers[0].hint or answers[0].detail or ''}")  # a wrong key, or a wrong name
    right = invented = 0
    for case, answer in zip(cases, answers, strict=True):
        if isinstance(answer, StewardError):
            print(f"{case.id}: {case.message!r}\n    no answer: {answer}")
            continue
        wrong = misses(case.expect, answer.tasks, case.zone)
        invented += max(0, len(answer.tasks) - len(case.expect))
        right += not wrong
        if wrong:
            print(f"{case.id}: {case.message!r}")
            print("".join(f"    {line}\n" for line in [*wrong, *map(_shown, answer.tasks)]), end="")
    print(f"{path.name}: {right} of {len(cases)} right, {invented} invented, by {thinking.name}")
    return Score(cases=len(cases), right=right, share_right=round(right / len(cases), 3), invented=invented)


def _shown(task: ExtractedTask) -> str:
    due = task.due_at.isoformat() if task.due_at else "no date"
    return f"got: {task.title!r}, {task.execution_type}, {due}, {task.priority}, to {task.recipient}"


def _thinking(model: str | None) -> Thinking:
    if not model:
        return Thinking()
    # This model and no other answers, whatever its size.
    alone = {"model": model, "model_small": None, "model_large": None, "model_fallbacks": None}
    settings = load_settings().model_copy(update=alone)
    if not settings.has_model:
        stop("MODEL needs OPENAI_API_KEY or OPENAI_BASE_URL")
    return Thinking.from_settings(settings)


async def main(cases: str | None, model: str | None) -> None:
    """Score the file, or both sets of the tests; the last line printed is JSON."""
    spent = Spent()
    async with replace(_thinking(model), on_call=spent.record) as thinking:
        if cases:
            result: dict[str, Any] = (await score(Path(cases), thinking)).model_dump()
        else:
            result = (await score(GIVEN, thinking)).model_dump()
            result["paraphrases"] = (await score(PARAPHRASES, thinking)).model_dump()
    if model:
        result["model"] = took = spent.as_json(model)
        cost = "at a price that nobody knows" if took["cost_usd"] is None else f"for ${took['cost_usd']:.4f}"
        print(f"{model}: {took['requests']} requests, {took['input_tokens']} + {took['output_tokens']} tokens, {cost}")
    print(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main(os.environ.get("CASES"), os.environ.get("MODEL")))
