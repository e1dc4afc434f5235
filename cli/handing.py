"""Options that give a task to other people's agents, and doing it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

import typer

from cli.agents import find_agent
from cli.output import Output, WrongUse, one_line
from tasks.agent_work import hand_to_agent
from tasks.functions import queue_task_execution
from tasks.models import Task

if TYPE_CHECKING:
    from app.house import House

AgentOption = Annotated[str, typer.Option("--agent", help="Give it to this agent of others, by name or id.")]
CanOption = Annotated[
    list[str] | None,
    typer.Option("--can", help="Give it to any agent of others that can this, like prospecting,email."),
]
InputOption = Annotated[str, typer.Option("--input", help="What the agent gets as work.input: a JSON object.")]
TellOption = Annotated[str, typer.Option("--tell", help="What the agent is told beside the task.")]


@dataclass(frozen=True)
class Wish:
    """Who is to do it (one agent, or any that can all of this), and what they get with it."""

    agent: str = ""
    can: tuple[str, ...] = ()
    given: dict[str, Any] | None = None
    told: str = ""

    @property
    def whom(self) -> str:
        """In words."""
        return one_line(self.agent) if self.agent else f"an agent that can {one_line(', '.join(self.can))}"


def wish_of(agent: str, can: Sequence[str] | None, given: str, told: str) -> Wish | None:
    """What the options say; None where they name no agent. Raises WrongUse that names the wrong one."""
    words = tuple(part.strip() for one in can or () for part in one.split(",") if part.strip())
    if agent.strip() and words:
        raise WrongUse("--agent names one, --can any that can it: give one of both")
    if not agent.strip() and not words:
        if given or told or agent or can:
            raise WrongUse("No agent is named", hint="Say --agent NAME, or --can WORDS; `steward agents` shows them.")
        return None
    return Wish(agent.strip(), words, _object(given), told)


def _object(text: str) -> dict[str, Any] | None:
    if not text:
        return None
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise WrongUse(f"--input is no JSON: {error}", hint='Like --input \'{"text": "two words"}\'') from None
    if not isinstance(found, dict):
        raise WrongUse("--input is a JSON object", hint='Like --input \'{"text": "two words"}\'')
    return cast("dict[str, Any]", found)


async def hand_over(house: "House", task: Task, wish: Wish) -> list[UUID]:
    """The task, or what is left of the whole, is for agents; the ids. A task by itself is offered at once.

    Raises WrongUse for an agent that there is not.
    """
    whom = str((await find_agent(house, wish.agent)).id) if wish.agent else ""
    ids = await hand_to_agent(
        house.caller, task.id, whom=whom, capabilities=wish.can, instructions=wish.told, input=wish.given
    )
    if ids == [task.id]:
        await queue_task_execution(house.caller, task.id)
    return ids


def say_handed(out: Output, wish: Wish, ids: Sequence[UUID], task: Task) -> None:
    """What was handed over, and where it can be watched."""
    if ids == [task.id]:
        out.say(f"For {wish.whom}: {one_line(task.title)}")
    else:
        out.say(f"{len(ids)} parts of {one_line(task.title)} are for {wish.whom}, each as its turn comes")
    out.note(f"A running Steward offers it. How it goes: steward executions show {str(task.root_task_id)[:8]}")
