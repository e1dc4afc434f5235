"""The base agent: instructions and material in, one written result out. The same function on any machine, or as a Lambda.

What it writes lies under the digest of what was asked (`key`): `<key>/output.md` or `.json`, and last `<key>/manifest.json`. The
manifest says that it is finished; the same order again is answered from it, and no model is asked twice.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, Field, ValidationError

from agents.base_agent_forms import (
    READ_OUTPUT,
    AgentOrder,
    AgentResult,
    Form,
    Manifest,
    Output,
    Spending,
    Usage,
    note_paid,
    read_form,
)
from agents.strategist import fenced
from agents.thinking import ADD_A_MODEL, NEEDS_MODEL, OfferedTool, Question, Thinking, load_prompt
from core.clock import Clock
from core.errors import Invalid, NotFound, StewardError, TooLarge

PROMPT = load_prompt(Path(__file__).with_suffix(".md"))
MOST_CHARACTERS = 400_000  # of instructions and material together
MOST_READ = 20_000  # characters of another agent's output
MOST_READS = 10
KEY = re.compile(r"[0-9a-f]{64}")
ENDINGS = {"markdown": ".md", "json": ".json"}
MEDIA_TYPES = {"markdown": "text/markdown; charset=utf-8", "json": "application/json"}


class Written(BaseModel):
    """The result."""

    output: str = Field(min_length=1, description="The result itself, in the form that was asked for")
    confidence: float = Field(ge=0, le=1)


class Impossible(BaseModel):
    """Why there is no result."""

    reason: str = Field(min_length=1)
    needed: str = ""


def read_order(given: object) -> AgentOrder:
    """An order out of JSON. Raises Invalid that names the field, its value and what is allowed, TooLarge over the limit."""
    order = read_form(AgentOrder, given)
    characters = len(order.instructions) + sum(len(one.text) for one in order.context)
    if characters > MOST_CHARACTERS:
        raise TooLarge(f"context: {characters} characters; at most {MOST_CHARACTERS} are taken")
    return order


async def run_base_agent(order: AgentOrder, *, thinking: Thinking, output: Output, clock: Clock) -> AgentResult:
    """Think, write, say where. Raises what `Thinking.answer` and the output raise; nothing is half written then.

    What was spent before an error stands on it as a note (`paid_before`).
    """
    key = order.key(thinking.name, PROMPT.version)
    if (known := await known_result(key, output)) is not None:
        return known
    spending = Spending(Usage())
    try:
        result = await _made(order, key, thinking=thinking, spending=spending, output=output, clock=clock)
    except BaseException as error:
        note_paid(error, spending.usage)
        raise
    return result.model_copy(update={"usage_now": spending.usage if thinking.is_model else Usage()})


async def _made(
    order: AgentOrder, key: str, *, thinking: Thinking, spending: Spending, output: Output, clock: Clock
) -> AgentResult:
    started_at = clock.now()
    reading = Reading(output)
    question = Question(
        "base_agent",
        [PROMPT],
        describe(order, started_at),
        [Written, Impossible],
        check=lambda answer: problem_of(answer, order.format),
        tools=[reading.offered()] if READ_OUTPUT in order.tools else [],
    )
    answer = await replace(thinking, on_call=spending).answer(question, by_rules)
    manifest = Manifest(
        key=key,
        status="blocked",
        thinker=thinking.name,
        format=order.format,
        tainted=order.is_tainted or reading.is_tainted,
        usage=spending.usage if thinking.is_model else Usage(),
        started_at=started_at,
        finished_at=clock.now(),
    )
    if isinstance(answer, Written):
        return await _written(answer, manifest, output)
    said = cast(Impossible, answer)
    reason = f"{said.reason.rstrip('.')}. Needed: {said.needed}" if said.needed else said.reason
    return await _finished(manifest.model_copy(update={"reason": reason}), "", output)


async def _written(answer: Written, manifest: Manifest, output: Output) -> AgentResult:
    text = answer.output
    if manifest.format == "json":
        text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    text = text.rstrip() + "\n"
    content = text.encode("utf-8", "replace")
    digest = hashlib.sha256(content).hexdigest()
    # Named after its content: two runs that come together never mix one's text with the other's manifest.
    file = f"output-{digest[:12]}{ENDINGS[manifest.format]}"
    await output.write(f"{manifest.key}/{file}", content, MEDIA_TYPES[manifest.format])
    made = manifest.model_copy(update={"status": "completed", "file": file, "sha256": digest, "bytes": len(content)})
    return await _finished(made, text, output)


async def _finished(manifest: Manifest, text: str, output: Output) -> AgentResult:
    """Write the manifest last. Where another run of the same order was first, its result stands."""
    content = manifest.model_dump_json(indent=2).encode()
    if not await output.write(f"{manifest.key}/manifest.json", content, "application/json", once=True):
        first = await known_result(manifest.key, output)
        if first is not None:
            return first
    return AgentResult(manifest=manifest, address=_address(manifest, output), text=text)


def _address(manifest: Manifest, output: Output) -> str:
    return output.address(f"{manifest.key}/{manifest.file or 'manifest.json'}")


async def known_result(key: str, output: Output) -> AgentResult | None:
    """The result that lies there, whole; None where there is none, or what lies there is not what was written."""
    raw = await output.read(f"{key}/manifest.json")
    if raw is None:
        return None
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError as error:
        raise StewardError(f"{output.address(f'{key}/manifest.json')} is no manifest") from error
    text = ""
    if manifest.file is not None:
        content = await output.read(f"{key}/{manifest.file}")
        if content is None or hashlib.sha256(content).hexdigest() != manifest.sha256:
            raise StewardError(
                f"{_address(manifest, output)} is not what was written",
                hint="Remove its manifest.json: the same order then makes it anew.",
            )
        text = content.decode("utf-8", "replace")  # whole by its digest, so it is as it was written
    return AgentResult(
        manifest=manifest, address=_address(manifest, output), text=text, was_known=True, usage_now=Usage()
    )


def by_rules() -> BaseModel:
    """What the built-in rules say to any order: they write nothing that nobody gave them."""
    return Impossible(reason=f"It {NEEDS_MODEL}: the built-in rules follow no free instructions", needed=ADD_A_MODEL)


def problem_of(answer: BaseModel, form: Form) -> str | None:
    """What is wrong with an answer that its type does not show; goes back to the model."""
    if not isinstance(answer, Written):
        return None
    if not answer.output.strip():
        return "output is empty"
    if form == "json":
        try:
            json.loads(answer.output)
        except ValueError as error:
            return f"output is to be one JSON value and nothing else: {error}"
    return None


def describe(order: AgentOrder, now: datetime) -> str:
    """The order in words for a model; what others wrote is fenced as untrusted."""
    lines = [
        f"Now: {now.isoformat()} ({now:%A})",
        f"Form of the result: {'one JSON value' if order.format == 'json' else 'Markdown'}",
        f"Instructions:\n{order.instructions.strip()}",
    ]
    for one in order.context:
        if one.is_own:
            lines.append(f"Material ({' '.join(one.name.split())}):\n<material>\n{one.text}\n</material>")
        else:
            lines.append("Material:\n" + fenced(f"{one.name}:\n{one.text}"))
    return "\n\n".join(lines)


class Reading:
    """The tool read_output: what another agent wrote, by its key. Remembers whether words of others came in by it."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._reads = 0
        self.is_tainted = False

    def offered(self) -> OfferedTool:
        """As a model is offered it."""
        form = {
            "type": "object",
            "properties": {"key": {"type": "string", "description": "The key of the result: 64 hex digits"}},
            "required": ["key"],
            "additionalProperties": False,
        }
        return OfferedTool(
            READ_OUTPUT,
            "Read the whole result of another agent, by its key",
            form,
            self._call,
            lambda: self._reads < MOST_READS,
        )

    async def _call(self, given: Mapping[str, Any]) -> str:
        self._reads += 1
        key = str(given.get("key", ""))
        try:
            if not KEY.fullmatch(key):
                raise Invalid(f"{key[:80]!r} is no key; one has 64 hex digits")
            found = await known_result(key, self._output)
            if found is None:
                raise NotFound("There is no result of that key")
        except StewardError as error:
            return f"It cannot be read: {error.message}"
        text = found.text or found.manifest.reason
        shown = text[:MOST_READ] + (f"\n[{len(text) - MOST_READ} more characters]" if len(text) > MOST_READ else "")
        self.is_tainted = self.is_tainted or found.manifest.tainted
        return fenced(shown) if found.manifest.tainted else shown
