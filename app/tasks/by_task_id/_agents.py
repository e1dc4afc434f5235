"""What a task has to do with outside agents: who holds it, whom it is offered to, how it can be handed over or broken down."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from app._view.agent_words import is_offer
from app._view.sequence import parts_of
from app.agents._waiting import fits
from app.agents._words import ANY, AgentRow, row_of, wants
from core.database import Caller
from core.errors import Invalid
from core.settings_agents import AgentSettings
from tasks.agent_work import Lease, list_leases
from tasks.agents import Agent, list_agents
from tasks.functions import TaskNode

MOST_LEASES = 500
MOST_PARTS = 100
MOST_TITLE = 500
BULLET = re.compile(r"^(?:[-*•]|\d{1,3}[.)])(?:\s+|$)")
HANDED = {"person", "model", "agent", "bounds", "start"}
BROKEN = {"person", "agent", "model", "bounds"}


@dataclass(frozen=True)
class AgentSide:
    """`holder`: who is at it now, `did_it`: its name, or whose attempt was the last; `earlier`: attempts that are over, newest first; `fitting`: who could take what is offered, by whom it is wanted
    (`wants`); `is_open`: nothing else is to be said of why it waits.

    `names` are the names of outside agents by id, `choice` those that can be named.
    """

    holder: Lease | None = None
    earlier: list[Lease] = field(default_factory=list[Lease])
    fitting: list[AgentRow] = field(default_factory=list[AgentRow])
    did_it: str = ""
    wants: str = ""
    is_open: bool = False
    choice: list[AgentRow] = field(default_factory=list[AgentRow])
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    may_hand_over: bool = False
    may_break_down: bool = False
    capabilities: list[str] = field(default_factory=list[str])


async def agent_side(caller: Caller, task: TaskNode, settings: AgentSettings) -> AgentSide:
    """What the page of a task says about agents."""
    agents, leases = await asyncio.gather(list_agents(caller, with_removed=True), _leases(caller, task))
    rows = [row_of(agent, settings) for agent in agents if _works_here(agent)]
    is_offered = task.execution_status == "blocked" and task.blocked_on == "agent"
    names = {str(agent.id): agent.name for agent in agents if not agent.is_internal}
    holder = next((one for one in leases if one.ended_at is None), None)
    is_over = task.execution_status in {"completed", "failed"}
    return AgentSide(
        holder=holder,
        did_it=holder.agent if holder else leases[0].agent if leases and is_over else "",
        earlier=[one for one in leases if one.ended_at is not None],
        fitting=[row for row in rows if fits(task, row)] if is_offered else [],
        wants=_wanted(task, names) if is_offered else "",
        is_open=is_offered and is_offer(task.blocked_reason),
        choice=rows,
        names=names,
        may_hand_over=bool(rows) and _may_be_handed_over(task),
        may_break_down=_may_be_broken_down(task),
        capabilities=sorted({one for row in rows for one in row.agent.capabilities}),
    )


def _works_here(agent: Agent) -> bool:
    return not agent.is_internal and agent.removed_at is None


def _wanted(task: TaskNode, names: Mapping[str, str]) -> str:
    found = wants(task.tool_input, names)
    return found if found.startswith(("the agent ", ANY)) else f"an agent that can: {found}"


async def _leases(caller: Caller, task: TaskNode) -> list[Lease]:
    if task.tool != "outside_agent":
        return []
    found = await list_leases(caller, root_task_id=task.root_task_id or task.id, most=MOST_LEASES)
    return [one for one in found if one.task_id == task.id]


def _may_be_handed_over(task: TaskNode) -> bool:
    state, waits_for = task.execution_status, task.blocked_on
    return _is_open_leaf(task) and (state in {"pending", "failed"} or (state == "blocked" and waits_for in HANDED))


def _may_be_broken_down(task: TaskNode) -> bool:
    state, waits_for = task.execution_status, task.blocked_on
    is_ready = state in {"pending", "failed"} or (state == "blocked" and waits_for in BROKEN)
    return _is_open_leaf(task) and is_ready


def _is_open_leaf(task: TaskNode) -> bool:
    is_free = task.tool in {None, "outside_agent"} and task.superseded_at is None and task.waived_at is None
    return is_free and all(part.execution_status == "cancelled" for part in parts_of(task))


def read_parts(form: Mapping[str, str]) -> list[dict[str, Any]]:
    """The parts that a person wrote, one a line, for break_down_task. Raises Invalid that names the line."""
    lines = [BULLET.sub("", line.strip()) for line in form.get("parts", "").splitlines()]
    titles = [line for line in lines if line]
    if not 1 <= len(titles) <= MOST_PARTS:
        message = f"write 1 to {MOST_PARTS} parts, one a line"
        raise Invalid(f"{message[:1].upper()}{message[1:]}", errors=[{"field": "parts", "message": message}])
    long = next((at for at, title in enumerate(titles, 1) if len(title) > MOST_TITLE), None)
    if long is not None:
        message = f"part {long} has more than {MOST_TITLE} characters"
        raise Invalid(f"{message[:1].upper()}{message[1:]}", errors=[{"field": "parts", "message": message}])
    whose = _whose(form.get("who", ""))
    in_order = bool(form.get("in_order"))
    return [
        {"title": title, **whose, "depends_on": [at - 1] if in_order and at else []} for at, title in enumerate(titles)
    ]


def _whose(who: str) -> dict[str, Any]:
    if who == "steward":
        return {"execution_type": "fully_automated"}
    kind, _, name = who.partition(" ")
    if kind == "agent" and name:
        return {"execution_type": "fully_automated", "tool": "outside_agent", "tool_input": {"whom": name[:200]}}
    return {"execution_type": "manual"}


def read_input(text: str) -> dict[str, Any] | None:
    """What the agent gets: JSON as an object, else one `name: value` a line, each value a text; None of nothing. Raises Invalid that names the line."""
    text = text.replace("\r\n", "\n").strip()
    if not text:
        return None
    if text.startswith("{"):
        try:
            whole: Any = orjson.loads(text)
        except ValueError as error:
            raise _wrong_input(f"this is not JSON: {error}") from None
        return cast("dict[str, Any]", whole)
    found: dict[str, Any] = {}
    for at, line in enumerate(text.split("\n"), 1):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not line.strip():
            continue
        if not colon or not name:
            raise _wrong_input(f"line {at} is no name: value")
        if name in found:
            raise _wrong_input(f"line {at}: {name[:100]} is there twice")
        found[name] = value
    return found


def _wrong_input(message: str) -> Invalid:
    return Invalid(f"What it gets: {message}", errors=[{"field": "input", "message": message}])


def read_capability_words(text: str) -> list[str]:
    """Capabilities out of a comma list."""
    return [one.strip() for one in text.split(",") if one.strip()]
