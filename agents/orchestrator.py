"""The orchestrator: an objective is divided into parts, base agents do them, and a report says what came of it.

The planner of objectives divides, or whoever asks has done so (`parts`). A base agent is called in this process or
elsewhere (`AgentCaller`). The plan and every result lie under digests of what was asked: an orchestrator that broke off
begins again and pays for nothing twice.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pydantic import ValidationError

from agents.base_agent_forms import Output, Spending, Usage, read_form
from agents.notes import Note
from agents.objective import GATE, REPORT, PlanContext, PlannedObjective
from agents.objective_planner import plan_objective
from agents.orchestrator_forms import AgentObjective, AgentPart, Division, Orchestration, PartOutcome
from agents.orchestrator_report import MEDIA_TYPE, in_words
from agents.orchestrator_run import AgentCaller, Run, in_short
from agents.planner import arrange
from agents.playbooks.filling import Situation
from agents.sequencer import Part, sequence
from agents.thinking import Thinking
from agents.tools.built_in import BUILT_IN_TOOLS
from core.clock import Clock
from core.errors import Invalid, StewardError

FIRST_PAUSE_SECONDS = 0.5  # before a failed call is tried again; doubled each time


async def orchestrate(
    asked: AgentObjective,
    *,
    thinking: Thinking,
    caller: AgentCaller,
    output: Output,
    clock: Clock,
    first_pause_seconds: float = FIRST_PAUSE_SECONDS,
) -> Orchestration:
    """Divide, call, report. A part that fails fails what depends on it, and nothing else.

    Whatever fails, a report is written. Raises what the planner raises, after that, and what the output raises.
    """
    key = asked.key(thinking.name)
    spending = Spending(Usage())
    most = _bound(asked, thinking)
    division, run, failure = Division(parts=()), None, None
    is_in_time = True
    try:
        async with asyncio.timeout(asked.seconds):
            division = await divide(asked, key, thinking=thinking, spending=spending, output=output, clock=clock)
            _check(division.parts)
            paid = spending.usage if thinking.is_model else Usage()
            run = Run(asked, division, caller, first_pause_seconds, most, paid)
            await run.all()
    except TimeoutError:
        is_in_time = False
    except StewardError as error:
        failure = error
    parts = [run.outcomes[part.id] for part in division.parts] if run else []
    results = {one.key: one.usage for one in parts if one.key}  # two parts with one order have one result
    told = Orchestration(
        key=key,
        objective=asked.objective,
        status=_status(parts, is_in_time=is_in_time),
        parts=parts,
        message=f"It could not be divided: {in_short(failure)}" if failure else division.message,
        usage=sum_of([division.usage, *results.values()]),
        usage_now=run.paid if run else spending.usage if thinking.is_model else Usage(),
        unknown=sum(one.unknown for one in parts),
        most_cost_usd=most,
        report=output.address(f"{key}/report.md"),
    )
    await _report(told, output)
    if failure is not None:
        raise failure
    return told


async def _report(told: Orchestration, output: Output) -> None:
    key = told.key
    await output.write(f"{key}/report.md", in_words(told).encode("utf-8", "replace"), MEDIA_TYPE)
    await output.write(
        f"{key}/report.json", told.model_dump_json(indent=2).encode("utf-8", "replace"), "application/json"
    )


def _bound(asked: AgentObjective, thinking: Thinking) -> float | None:
    """What a run may cost: what was asked for, else what a task may cost here, else a day."""
    bounds = (asked.most_cost_usd, thinking.limits.task_usd, thinking.limits.day_usd)
    return next((one for one in bounds if one is not None), None)


def read_objective(given: object) -> AgentObjective:
    """An objective out of JSON. Raises Invalid that names the field, its value and what is allowed."""
    asked = read_form(AgentObjective, given)
    _check(asked.parts)
    return asked


async def divide(
    asked: AgentObjective, key: str, *, thinking: Thinking, spending: Spending, output: Output, clock: Clock
) -> Division:
    """The parts; an earlier run's, where it kept them. Raises what the planner and the output raise."""
    if asked.parts:
        return Division(parts=asked.parts)
    if (kept := await _kept(key, output)) is not None:
        return kept
    own = "\n\n".join(one.text for one in asked.context if one.is_own)
    gate = {GATE: BUILT_IN_TOOLS[GATE]}  # a person's decision, which is told of like all that is a person's
    situation = Situation(asked.objective, PlanContext(notes=own), gate, has_model=thinking.is_model)
    planned = await plan_objective(
        situation,
        now=clock.now(),
        thinking=replace(thinking, on_call=spending),
        notes=[Note(one.name, one.text, False) for one in asked.context if not one.is_own],
    )
    usage = spending.usage if thinking.is_model else Usage()
    division = Division(parts=parts_of(planned, asked), message=planned.message, usage=usage)
    if len(division.parts) > asked.most_parts:
        raise Invalid(
            f"The plan has {len(division.parts)} parts; most_parts allows {asked.most_parts}",
            hint="Raise most_parts, or ask for less.",
        )
    content = division.model_dump_json(indent=2).encode()
    if not await output.write(f"{key}/plan.json", content, "application/json", once=True):
        return await _kept(key, output) or division  # another run was first: its plan stands, for the same keys
    return division


async def _kept(key: str, output: Output) -> Division | None:
    raw = await output.read(f"{key}/plan.json")
    try:
        return None if raw is None else Division.model_validate_json(raw)
    except ValidationError as error:
        place = output.address(f"{key}/plan.json")
        raise StewardError(f"{place} is no plan", hint="Remove it: the objective is divided anew then.") from error


def parts_of(planned: PlannedObjective, asked: AgentObjective) -> tuple[AgentPart, ...]:
    """A plan as parts for base agents. What a person or a tool of the house does is told of, and never made up by an agent."""
    tasks = [task for task in planned.tasks if task.tool != REPORT]  # the report here is the orchestrator's own
    edges = arrange(tasks).edges
    keys = [task.key or f"part_{place + 1}" for place, task in enumerate(tasks)]
    parts: list[AgentPart] = []
    for place, task in enumerate(tasks):
        criteria = "".join(f"\n- {one}" for one in task.acceptance_criteria)
        words = [task.title, task.description, f"It is good when:{criteria}" if criteria else ""]
        words.append(f"It is one part of this objective: {asked.objective}")
        part = {
            "id": keys[place],
            "title": task.title[:300],
            "instructions": "\n\n".join(text for text in words if text),
            "context": asked.context,
            "depends_on": tuple(keys[need] for need in sorted(edges[place])),
            "for_a_person": task.execution_type == "manual" or task.tool is not None,
        }
        parts.append(read_form(AgentPart, part))
    return tuple(parts)


def sum_of(usages: Sequence[Usage]) -> Usage:
    """All of them together."""
    total = Usage()
    for one in usages:
        total = total.plus(one)
    return total


def _check(parts: Sequence[AgentPart]) -> None:
    """Raises Invalid for parts with one id, edges to nowhere, or a cycle."""
    sequence([Part(key=part.id, depends_on=frozenset(part.depends_on)) for part in parts])


def _status(
    parts: Sequence[PartOutcome], *, is_in_time: bool
) -> Literal["completed", "partial", "blocked", "unfinished"]:
    if not is_in_time or any(one.status == "unfinished" for one in parts):
        return "unfinished"
    done = sum(one.status == "completed" for one in parts)
    return "completed" if parts and done == len(parts) else "partial" if done else "blocked"
