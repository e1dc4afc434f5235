"""How a model gets at tools: it may read while it answers, and plan what acts; nothing acts inside its turn.

Which tools: those that the task's agent is given, whose services this installation has. Each look-up is a journaled read
step, so that a retried run gets what it got before; its result is cut to size, and marked where others wrote it.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel

from agents.equipment import Run
from agents.journal import BoundReached, RunStopped
from agents.provenance import agents_above, is_about_to_read, told_of
from agents.thinking import LONGEST_WAIT_SECONDS, OfferedTool, load_prompt
from agents.tools.outside_agent import OUTSIDE_AGENT
from agents.tools.tool import AnyTool, Done
from core.errors import Invalid, OutcomeUnknown, StewardError
from core.outside.errors import NotConnected, Refused, Temporary
from tasks.agents import list_agents

PROMPT = load_prompt(Path(__file__).parent / "toolbox.md")
ALL = "tools"  # the capability of an agent that is given every tool
MOST_CALLS = 8
MOST_RESULT_CHARACTERS = 12_000
MOST_CHARACTERS = 40_000
MOST_LISTED = 60
MOST_HELPERS = 30
TIMEOUT_SECONDS = 60.0
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
ANSWERS = {"immediate", "decompose", "blocked"}


@dataclass
class Toolbox:
    """The tools of one run's questions, and what was done with them.

    `given`: names and capabilities that the agent has; None means every tool. `providers`: where the tenant has accounts. `helpers`: outside agents that take work, a line each. `missing` is the last service that turned
    out not to be connected; `has_untrusted` whether anything was read that others wrote.
    """

    run: Run
    given: frozenset[str] | None = None
    providers: frozenset[str] = frozenset()
    helpers: Sequence[str] = ()
    pauses_seconds: Sequence[float] = (0.5, 2.0)
    used: list[str] = field(default_factory=list[str])
    characters: int = 0
    missing: NotConnected | None = None
    has_untrusted: bool = False

    @classmethod
    async def of(cls, run: Run, agent: Mapping[str, Any] | None) -> "Toolbox":
        """The tools for an agent's row {capabilities, tools}; all of them where the task names no agent."""
        providers = (
            await run.equipment.outside.providers(run.caller) if run.equipment.thinking.is_model else frozenset[str]()
        )
        outsiders = agents_above(run.task)
        helpers = await _helpers(run) if run.equipment.thinking.is_model and not outsiders else []
        return cls(run, given_to(agent), providers, helpers, pauses_seconds=run.equipment.thinking.pauses_seconds)

    @property
    def _ours(self) -> Iterator[AnyTool]:
        """The agent's tools whose services are there, by name."""
        outside = self.run.equipment.outside
        for _, tool in sorted(self.run.equipment.tools.items()):
            is_given = self.given is None or tool.capability in self.given or tool.name in self.given
            # What a task of an outside agent finds goes to it: then only what it was given, too.
            if (
                is_given
                and not told_of(self.run.task, tool)
                and tool.missing(lambda need: outside.lacks(need, self.providers)) is None
            ):
                yield tool

    @property
    def plannable(self) -> dict[str, AnyTool]:
        """Tools that a part of a plan may name; not what only follows from a person's review (a draft), nor agents where none works."""
        return {
            tool.name: tool
            for tool in self._ours
            if tool.may_be_planned and (self.helpers or tool.name != OUTSIDE_AGENT.name)
        }

    def offered(self) -> list[OfferedTool]:
        """The read tools, as functions for a model."""
        return [
            self._offer(tool)
            for tool in self._ours
            if tool.kind == "read" and NAME.fullmatch(tool.name) and tool.name not in ANSWERS
        ]

    def listed(self) -> str:
        """The plannable tools in a line each, inputs by name (* where needed); empty when there are none."""
        lines = [_line(tool) for tool in self.plannable.values()]
        if self.helpers:
            lines = [*lines[:MOST_LISTED], f"Agents that take work by {OUTSIDE_AGENT.name}:", *self.helpers]
        return "Tools for parts of a plan:\n" + "\n".join(lines[: MOST_LISTED + MOST_HELPERS + 1]) if lines else ""

    @property
    def is_open(self) -> bool:
        """May anything more be looked up?"""
        return len(self.used) < MOST_CALLS and self.characters < MOST_CHARACTERS

    def _offer(self, tool: AnyTool) -> OfferedTool:
        async def call(given: Mapping[str, Any]) -> str:
            return await self.look_up(tool, given)

        return OfferedTool(tool.name, tool.description, tool.input.model_json_schema(), call, lambda: self.is_open)

    async def look_up(self, tool: AnyTool, arguments: Mapping[str, Any]) -> str:
        """What a read tool says, in words for a model; what went wrong, too. Only the end of the run is raised."""
        if not self.is_open:
            return "Nothing more can be looked up: answer with what you have."
        self.used.append(tool.name)
        try:
            given = tool.parsed(arguments)
        except Invalid as error:
            return _failed(tool, error)
        try:
            text = str(await self.run.journal.use_tool("read", tool.name, lambda: self._read(tool, given)))
        except (RunStopped, BoundReached):
            raise
        except StewardError as error:
            if isinstance(error, NotConnected):
                self.missing = error
            return _failed(tool, error)
        self.characters += len(text)
        if not tool.brings_untrusted:
            return text
        from agents.strategist import fenced

        self.has_untrusted = True
        return fenced(text)

    async def _insist_on_leave(self, tool: AnyTool, given: BaseModel) -> None:
        """Raises Refused for what a person has to say yes to first; else notes that others' words are about to come in."""
        from agents.gate import is_allowed, judge_tool

        if not tool.only_looks and not is_allowed(judged := await judge_tool(self.run, tool, given)):
            why = judged.in_words() if judged else ""
            raise Refused(f"This needs a person's yes: plan it as a part of its own that uses {tool.name}", detail=why)
        await is_about_to_read(self.run, tool)

    async def _read(self, tool: AnyTool, given: BaseModel) -> str:
        """The result as text, cut to size; tried again while the error is a passing one."""
        await self._insist_on_leave(tool, given)
        for pause in (*self.pauses_seconds, None):
            try:
                async with asyncio.timeout(tool.timeout_seconds or TIMEOUT_SECONDS):
                    outcome = await tool.run(self.run, given)
                if not isinstance(outcome, Done):
                    raise Invalid(f"The tool {tool.name} reads and must answer Done")
                return _cut(json.dumps(outcome.output, ensure_ascii=False, default=str))
            except TimeoutError as error:
                problem: StewardError = Temporary(f"{tool.name} took too long")
                problem.__cause__ = error
            except StewardError as error:
                problem = error
            wait = max(problem.retry_after_seconds or 0, pause or 0)
            if isinstance(problem, OutcomeUnknown) and not tool.only_looks:
                raise problem  # it may have acted
            if pause is None or not problem.is_retryable or wait > LONGEST_WAIT_SECONDS:
                raise problem
            await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")


async def _helpers(run: Run) -> list[str]:
    """Outside agents that take work, as their person registered them: name, what each can, what it is for."""
    working = [
        one for one in await list_agents(run.caller) if not one.is_internal and one.has_token and not one.paused_at
    ]
    return [
        f"- {one.name}: {', '.join(one.capabilities) or 'anything'}{f'; {one.description[:200]}' if one.description else ''}"
        for one in working[:MOST_HELPERS]
    ]


def given_to(agent: Mapping[str, Any] | None) -> frozenset[str] | None:
    """Names and capabilities of an agent's tools; None when it has all, or when there is no agent."""
    if agent is None:
        return None
    listed: list[Any] = agent.get("tools") or []
    capabilities: list[str] = agent.get("capabilities") or []
    names = {
        str(cast("Mapping[str, Any]", one).get("name")) if isinstance(one, Mapping) else str(one) for one in listed
    }
    return None if ALL in capabilities else frozenset(names.union(capabilities))


def _line(tool: AnyTool) -> str:
    schema = tool.input.model_json_schema()
    needed = set(schema.get("required", []))
    fields = ", ".join(f"{name}*" if name in needed else name for name in schema.get("properties", {}))
    return f"- {tool.name}({fields}): {tool.description.splitlines()[0][:160]}"


def _cut(text: str) -> str:
    if len(text) <= MOST_RESULT_CHARACTERS:
        return text
    return f"{text[:MOST_RESULT_CHARACTERS]}… (cut, {len(text) - MOST_RESULT_CHARACTERS} characters more)"


def _failed(tool: AnyTool, error: StewardError) -> str:
    said = f"{error.message}: {error.detail}" if error.detail else error.message
    return f"{tool.name} failed: {said[:1000]}"
