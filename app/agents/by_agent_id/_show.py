"""The page of one agent, as it is shown after a click or by itself."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view import words
from app.agents import _words
from app.agents._form import AgentForm
from app.agents._starting import starting
from app.house import House
from app.seen import house_of
from app.templating import render
from core.database import Caller
from tasks.agent_work import list_leases
from tasks.agents import NewAgent, get_agent

MOST_LEASES = 50


async def show(
    request: Request,
    caller: Caller,
    agent_id: UUID,
    *,
    form: AgentForm | None = None,
    made: NewAgent | None = None,
    problem: str | None = None,
    status_code: int = 200,
) -> Response:
    """The whole page. `made` is a token that was given this moment, `problem` why the last click did nothing."""
    house: House = house_of(request)
    agent, leases = await asyncio.gather(
        get_agent(caller, agent_id), list_leases(caller, agent_id=agent_id, most=MOST_LEASES)
    )
    return render(
        request,
        "agents/by_agent_id/page.html",
        status_code=status_code,
        agent=agent,
        row=_words.row_of(agent, house.settings),
        leases=leases,
        most_leases=MOST_LEASES,
        form=form or AgentForm.from_agent(agent),
        made=made,
        start=starting(request, made) if made else "",
        problem=problem,
        real_now=datetime.now(UTC),
        agent_words=_words,
        words=words,
    )
