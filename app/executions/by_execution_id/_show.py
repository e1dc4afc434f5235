"""The dashboard of an execution, as it is shown after a click or by itself."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view import tree as trees_view
from app._view import words
from app._view.agent_words import is_offer
from app._view.people import people_of
from app._view.sequence import everything, parts_of, replaced_parts
from app.executions import _words
from app.executions._log import begun_by, sentences_of
from app.plans._log import newest_events
from app.templating import render
from core.database import Caller
from tasks.agent_work import list_leases
from tasks.agents import list_agents
from tasks.executions import ExecutionDetail, get_execution
from tasks.functions import get_task_tree

MOST_LEASES = 500
OVER = {"completed", "failed", "cancelled"}


async def show(
    request: Request, caller: Caller, execution_id: UUID, problem: str | None = None, status_code: int = 200
) -> Response:
    """The whole page; `problem` says why the last click did nothing. NotFound for what is no root."""
    found = await get_execution(caller, execution_id)
    tree, events, leases, agents = await asyncio.gather(
        get_task_tree(caller, execution_id),
        newest_events(caller, execution_id),
        list_leases(caller, root_task_id=execution_id, most=MOST_LEASES),
        list_agents(caller, with_removed=True),
    )
    names = {str(agent.id): agent.name for agent in agents if not agent.is_internal}
    tasks = {part.id: part for part in everything(tree)}
    return render(
        request,
        "executions/by_execution_id/page.html",
        status_code=status_code,
        execution=found,
        tree=tree,
        parts=parts_of(tree),
        gone=replaced_parts(tree),
        at_work={one.task_id: one for one in found.at_work},
        progress=trees_view.progress_of(tree),
        titles=trees_view.titles_of(tree),
        states=trees_view.states_of(tree),
        paused=trees_view.paused_of(tree),
        blockers=sorted(found.blockers, key=lambda one: one.waits_for not in {"person", "start"}),
        last_agent={lease.task_id: lease for lease in reversed(leases)},
        sentences=sentences_of(events, tasks, leases, execution_id, people_of(request)),
        begun_by=begun_by(events, people_of(request)),
        agent_names=names,
        waits_in_words=_waits(found, names),
        is_offer=is_offer,
        took=_took(found),
        is_over=found.state in OVER,
        problem=problem,
        real_now=datetime.now(UTC),
        execution_words=_words,
        words=words,
        view=trees_view,
    )


def _waits(found: ExecutionDetail, names: dict[str, str]) -> str:
    """Why the whole waits: of an offer, to whom by name."""
    reason = (found.reason or "It waits").rstrip(".")
    own = next((one for one in found.blockers if one.task_id == found.id), None)
    return f"Waits for {_words.waits_for(own, names)}" if own and is_offer(reason) else reason


def _took(found: ExecutionDetail) -> float | None:
    """Seconds from the start to the end, or until now; by the real clock, as the database's times are."""
    if found.started_at is None:
        return None
    return max(0.0, ((found.ended_at or datetime.now(UTC)) - found.started_at).total_seconds())
