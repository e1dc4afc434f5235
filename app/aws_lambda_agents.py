"""The door of AWS Lambda for base agent and orchestrator; and the wiring that the command line shares with it.

The event is the order as JSON. What is raised is Lambda's error (`errorType` is the name of ours): a call that was handed
over to wait is tried again, and lies in the queue of dead letters at last.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from core.clock import Clock
from core.errors import Invalid, StewardError, Unavailable
from core.settings import Settings, load_settings

if TYPE_CHECKING:
    from agents.base_agent_forms import Output
    from agents.orchestrator_run import AgentCaller
    from agents.thinking import Thinking

SECRET, EDGE_SECRET = "STEWARD_AWS_SECRET", "STEWARD_AWS_EDGE_SECRET"  # nosec B105 # names
OUTPUT, BASE_AGENT = "STEWARD_AWS_OUTPUT", "STEWARD_AWS_BASE_AGENT"  # nosec B105 # names
SPARE_SECONDS = 20.0  # before Lambda cuts the orchestrator off: to write the report
LAST_SECONDS = 3.0  # before Lambda cuts it off: it ends by itself, with or without a report


class LambdaContext(Protocol):
    """What Lambda tells of a call."""

    def get_remaining_time_in_millis(self) -> int: ...


@asynccontextmanager
async def output_at(address: str) -> "AsyncGenerator[Output]":
    """The place of results: s3://bucket/prefix, or a folder. Raises Invalid for an empty one."""
    if not address.strip():
        raise Invalid("output is empty", detail="it is a folder, or s3://bucket/prefix")
    if address.startswith("s3://"):
        from integrations.aws.s3_output import S3Output

        place = S3Output(address)
        try:
            yield place
        finally:
            await place.close()
        return
    if "://" in address:
        raise Invalid(f"output: {address[:100]!r} is not allowed", detail="it is a folder, or s3://bucket/prefix")
    from agents.base_agent_folder import FolderOutput

    yield FolderOutput.at(address)


@dataclass(frozen=True)
class CalledHere:
    """A base agent in this process, on the orchestrator's place of results."""

    thinking: "Thinking"
    output: "Output"
    clock: Clock

    async def call(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """As `agents.orchestrator_run.AgentCaller` says."""
        from agents.base_agent import read_order, run_base_agent

        result = await run_base_agent(
            read_order(dict(order)), thinking=self.thinking, output=self.output, clock=self.clock
        )
        return result.model_dump(mode="json")


@asynccontextmanager
async def caller_of(
    function: str | None, thinking: "Thinking", output: "Output", clock: Clock, seconds: float | None = None
) -> "AsyncGenerator[AgentCaller]":
    """Who calls base agents: the function of this name, which is waited for no longer than `seconds`, else this process."""
    if function is None:
        yield CalledHere(thinking, output, clock)
        return
    from integrations.aws.lambda_function import LONGEST_SECONDS, LambdaFunction

    called = LambdaFunction(function, seconds or LONGEST_SECONDS)
    try:
        yield called
    finally:
        await called.close()


async def think_once(settings: Settings, order: Mapping[str, Any], *, place: str) -> dict[str, Any]:
    """One order, done by a base agent here; `place` is where results lie if the order names none."""
    from agents.base_agent import read_order, run_base_agent
    from agents.thinking import Thinking

    read = read_order(dict(order))
    clock = Clock.from_settings(settings)
    async with output_at(read.output or place) as output, Thinking.from_settings(settings) as thinking:
        result = await run_base_agent(read, thinking=thinking, output=output, clock=clock)
    return result.model_dump(mode="json")


async def divide_and_call(
    settings: Settings, objective: Mapping[str, Any], *, place: str, function: str | None, seconds: float | None = None
) -> dict[str, Any]:
    """One objective, divided and done; `seconds` is the time there is, where the objective says no less."""
    from agents.orchestrator import orchestrate, read_objective
    from agents.thinking import Thinking

    asked = read_objective(dict(objective))
    allowed = [one for one in (asked.seconds, seconds) if one is not None]
    asked = asked.model_copy(update={"output": asked.output or place, "seconds": min(allowed) if allowed else None})
    clock = Clock.from_settings(settings)
    async with (
        output_at(asked.output) as output,
        Thinking.from_settings(settings) as thinking,
        caller_of(function, thinking, output, clock, asked.seconds) as caller,
    ):
        told = await orchestrate(asked, thinking=thinking, caller=caller, output=output, clock=clock)
    return told.model_dump(mode="json")


async def settings_on_aws() -> Settings:
    """The settings of a function: its variables, and what its secrets add to them."""
    from core.logging import set_up_logging

    for name in (SECRET, EDGE_SECRET):
        if secret := os.environ.get(name, "").strip():
            from integrations.aws.secret_values import add_secret_settings

            await add_secret_settings(secret, os.environ)
    settings = load_settings()
    set_up_logging(settings)
    return settings


def base_agent(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """One order; the answer is `AgentResult` as JSON. Where it writes is the function's own, whatever the order says."""

    async def work() -> dict[str, Any]:
        try:
            return await think_once(await settings_on_aws(), _order(event), place=_place())
        except StewardError as error:
            error.args = ("\n".join([error.message, *_notes(error)]),)  # all that Lambda hands on of it
            raise

    return asyncio.run(work())


def orchestrator(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """One objective; the answer is `Orchestration` as JSON. It calls the function STEWARD_AWS_BASE_AGENT alone."""

    async def work() -> dict[str, Any]:
        left = context.get_remaining_time_in_millis() / 1000
        try:
            async with asyncio.timeout(max(1.0, left - LAST_SECONDS)):
                settings = await settings_on_aws()
                seconds = max(1.0, context.get_remaining_time_in_millis() / 1000 - SPARE_SECONDS)
                function = os.environ.get(BASE_AGENT, "").strip() or None
                return await divide_and_call(
                    settings, _order(event), place=_place(), function=function, seconds=seconds
                )
        except TimeoutError:
            raise Unavailable(
                "Time was up before the report was written", hint="The same again goes on from what is stored."
            ) from None

    return asyncio.run(work())


def _notes(error: StewardError) -> list[str]:
    return list(getattr(error, "__notes__", ()))


def _order(event: object) -> dict[str, Any]:
    """The event without a place of its own: whoever may call the function does not choose where it writes."""
    if not isinstance(event, Mapping):
        raise Invalid("The event is no object", detail="it is the order as a JSON object")
    return {**cast("Mapping[str, Any]", event), "output": ""}


def _place() -> str:
    place = os.environ.get(OUTPUT, "").strip()
    if not place:
        raise Invalid(f"{OUTPUT} is not set", detail="it is where results lie: s3://bucket/prefix, or a folder")
    return place
