"""A stage as a run of its task: what it reads, who writes it, what it may reuse, and what it leaves in the database."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeVar, cast

import orjson
from pydantic import BaseModel, Field, ValidationError

from agents.budget import BudgetUsedUp, out_of_budget
from agents.equipment import Run
from agents.playbooks.document.catalog import stage_named, stages
from agents.playbooks.document.stage import DEPTHS, Depth, Earlier, Section, Stage
from agents.strategist import fenced
from agents.thinking import ADD_A_MODEL, NEEDS_MODEL, Question, Thinking, Trail
from agents.tools.tool import AnyTool, Done, Outcome, Settled, StrictInput, Tool, Waiting
from agents.tools.wording import in_words
from core.errors import Invalid
from tasks import plans
from tasks.actions import Effect
from tasks.events import add_task_event
from tasks.models import Evidence

F = TypeVar("F", bound=BaseModel)
T = TypeVar("T")
SIDE_BY_SIDE = 8  # questions of one stage at a time
REDLINE = "redline_gate"
SETUP = "setup"  # the prompt


class StageInput(StrictInput):
    """Which stage; `given` is its section as somebody wrote it, `again` has it written anew though nothing before it changed."""

    stage: str
    given: dict[str, Any] | None = None
    by_program: bool = False  # a program's token gave it, no person
    again: bool = Field(default=False)


@dataclass
class StageWriting:
    """A stage being written: `agents.playbooks.document.stage.Writing`."""

    run: Run
    stage: Stage[Any]
    thinking: Thinking
    earlier: Earlier
    depth: Depth
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIDE_BY_SIDE))

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
        prompts = self.stage.loaded_prompts
        name = prompt or next((name for name in prompts if name != "document"), "document")
        question = Question(
            f"{self.stage.id}/{part}" if part else self.stage.id,
            [prompts["document"], prompts[name]],
            f"{self._head(part)}\n\n{words}",
            [form],
            guidance=self._guidance(),
            check=lambda answer: _problem(cast(F, answer), check),
            trail=trail,
            more=f"{self._title(part)}\n\n{more}" if more else "",
        )
        async with self._room:
            return cast(F, await self.thinking.answer(question, _no_rules))

    async def each(self, items: Sequence[T], write_one: Callable[[T], Awaitable[F]]) -> list[F]:
        found: dict[int, F] = {}

        async def one(number: int, item: T) -> None:
            found[number] = await write_one(item)
            await self._progress(len(found), len(items))

        try:
            async with asyncio.TaskGroup() as group:
                for number, item in enumerate(items):
                    group.create_task(one(number, item), name=f"{self.stage.id} {number}")
        except BaseExceptionGroup as errors:
            raise _first(errors) from errors
        return [found[number] for number in range(len(items))]

    def _title(self, part: str) -> str:
        return f"Section: [{self.stage.id}]{f' part [{part}]' if part else ''} {self.stage.title}"

    def _head(self, part: str) -> str:
        marked = f"<plan>\n{fenced(self.earlier.prompt).removeprefix('<untrusted>').removesuffix('</untrusted>').strip()}\n</plan>"
        return f"{self._title(part)}\n{marked}"

    def _guidance(self) -> str:
        found = ["Keep every answer short: the fewest entries that are allowed."] if self.depth.is_short else []
        if self.earlier.framing:
            found.append(f"The plan may be written under this condition alone: {self.earlier.framing}")
        return "\n".join(found)

    async def _progress(self, done: int, total: int) -> None:
        data = {"stage": self.stage.id, "done": done, "total": total}
        message = f"{self.stage.title}: {done} of {total}"
        await add_task_event(self.run.caller, self.run.task.id, "progress", message, data)


async def run_stage(run: Run, given: StageInput) -> Outcome:
    """Write one section; a plan for which a day's budget has nothing left goes on when the budget does."""
    try:
        return await write_stage(run, given)
    except BudgetUsedUp as used_up:
        return out_of_budget(used_up)


async def write_stage(run: Run, given: StageInput) -> Outcome:
    """Write one section: as it was given, as it stood where that still holds, by rules, or by a model."""
    stage = stage_named(given.stage)
    inputs = await plans.get_stage_inputs(run.caller, run.task.id, [*stage.read_stages, REDLINE, SETUP])
    digest = digest_of(stage, inputs)
    if given.given is not None:
        section = section_of(stage, given.given)
        who, flag = ("A program", "by_program") if given.by_program else ("A person", "by_person")
        return await _outcome(run, stage, section, digest, f"{who} wrote it", {flag: True})
    if not given.again and (kept := _kept(stage, inputs.superseded or {}, digest)) is not None:
        return await _outcome(run, stage, *kept)
    thinking = await _thinking(run, inputs)
    if stage.write is None or not thinking.is_model:
        section, how = stage.fill(earlier_of(inputs)) if stage.fill else None, "Made by rules from earlier sections"
        if section is None:
            return _needs_model()
    else:
        section = await stage.write(StageWriting(run, stage, thinking, earlier_of(inputs), DEPTHS[inputs.level]))
        how = f"Written by {thinking.name}, and not found shallow"
    _insist(stage, section)
    return await _outcome(run, stage, section, digest, how)


def _kept(
    stage: Stage[Any], before: Mapping[str, Any], digest: str
) -> tuple[Section, str, str, Mapping[str, Any]] | None:
    """The section of the row whose place this one takes, where it still holds: nothing it reads has changed, or it was given

    by somebody: that stands until the section itself is asked for again. None where it is to be written anew.
    """
    flags = {name: True for name in ("by_person", "by_program", "approved") if before.get(name) is True}
    is_same = before.get("inputs_digest") == digest
    is_given = (
        bool(flags.keys() & {"by_person", "by_program"}) and stage.id != REDLINE
    )  # a verdict is about what was read
    if before.get("output") is None or not (is_same or is_given):
        return None
    who = "A program" if "by_program" in flags else "A person"
    how = "Nothing it reads has changed" if is_same else f"{who} wrote it; what it builds on has changed since"
    return section_of(stage, before["output"]), digest, how, {"is_reused": is_same, **flags}


def earlier_of(inputs: plans.StageInputs) -> Earlier:
    """What a stage may read, from what the database gave."""
    redline = inputs.sections.get(REDLINE) or {}
    return Earlier(
        prompt=prompt_of(inputs),
        started_at=inputs.started_at.isoformat(),
        timezone=inputs.timezone,
        sections=inputs.sections,
        stages=stages(),
        framing=str(redline.get("framing") or ""),
    )


def prompt_of(inputs: plans.StageInputs) -> str:
    """What the plan is about: as it was asked for, or as a person has written its first section since."""
    return str((inputs.sections.get(SETUP) or {}).get("prompt_text") or inputs.prompt)


def digest_of(stage: Stage[Any], inputs: plans.StageInputs) -> str:
    """SHA-256 over all that decides what a stage's answer is: equal digests need no new answer."""
    reads = {name: inputs.sections.get(name) for name in sorted({*stage.read_stages, REDLINE} - {stage.id})}
    prompts = {name: prompt.text for name, prompt in stage.loaded_prompts.items()}
    parts = [stage.id, stage.version, stage.schema, prompts, prompt_of(inputs), inputs.level, inputs.llm_model, reads]
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()


def section_of(stage: Stage[Any], output: Mapping[str, Any]) -> Section:
    """A section in its form. Raises Invalid that names the field."""
    try:
        return cast(Section, stage.form.model_validate(dict(output)))
    except ValidationError as error:
        words = in_words(error, list(stage.form.model_fields))
        raise Invalid(f"This is no section {stage.id}: {words}") from None


async def _thinking(run: Run, inputs: plans.StageInputs) -> Thinking:
    from agents.telling import telling
    from agents.work import thinking_of  # both bring heavy libraries with them

    thinking = thinking_of(run)
    if thinking.is_model and inputs.llm_model:
        thinking = await thinking.with_model(inputs.llm_model)
    return replace(thinking, on_text=telling(run))


def _problem(answer: F, check: Callable[[F], str | None] | None) -> str | None:
    shallow = answer.shallow() if isinstance(answer, Section) else None
    return shallow or (check(answer) if check else None)


def _insist(stage: Stage[Any], section: Section) -> None:
    """Raises Invalid for a section that is too shallow to pass as done."""
    if problem := section.shallow():
        raise Invalid(f"The section {stage.id} did not pass its check: {problem}")


def _needs_model() -> Waiting:
    return Waiting("model", f"It {NEEDS_MODEL}", ADD_A_MODEL.replace("execute it again", "try again"))


async def _outcome(
    run: Run, stage: Stage[Any], section: Section, digest: str, how: str, more: Mapping[str, Any] = MappingProxyType({})
) -> Outcome:
    """The section; a refusal at the redline gate asks a person first, however it came, and holds all that comes after."""
    is_refused = stage.id == REDLINE and getattr(section, "verdict", "") == "refuse"
    if is_refused and not more.get("approved"):
        output = section.model_dump(mode="json")
        result = _result(stage, digest, more)
        await plans.request_stage_decision(
            run.caller,
            run.task.id,
            "The redline check refuses this plan. Go on all the same?",
            {"section": output},
            str(getattr(section, "rationale_short", "")),
            {"strategy": "immediate", "output": output, **result},
        )
        return Settled()
    return _done(stage, section, digest, how, more)


def _done(stage: Stage[Any], section: Section, digest: str, how: str, more: Mapping[str, Any]) -> Done:
    is_word = "claimed" if more.get("by_person") or more.get("by_program") or stage.needs_model else "verified"
    evidence = [Evidence(kind="section", what=how)]
    return Done(section.model_dump(mode="json"), is_word, evidence, _result(stage, digest, more))


def _result(stage: Stage[Any], digest: str, more: Mapping[str, Any]) -> dict[str, Any]:
    return {"stage": stage.id, "format": "json", "inputs_digest": digest, **more}


def _no_rules() -> BaseModel:
    raise Invalid("This section is written by a model alone")


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    return _first(cast("BaseExceptionGroup[BaseException]", first)) if isinstance(first, BaseExceptionGroup) else first


PLAN_STAGE: AnyTool = Tool(
    "plan_stage",
    "Writes one section of a plan document",
    "control",
    run_stage,
    StageInput,
    effect=Effect.READ,
    timeout_seconds=3600,
    is_plannable=False,
)
