"""`/agents`: other people's agents, the work that waits for one, and the form of a new one."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import Request
from starlette.responses import Response

from app._view import words
from app._view.forms import back_to, form_of
from app.agents import _words
from app.agents._form import AgentForm
from app.agents._starting import starting
from app.agents._waiting import list_waiting
from app.dependencies import CurrentCaller
from app.executions import _words as execution_words
from app.house import House
from app.seen import house_of
from app.templating import render
from core.database import Caller
from core.errors import Conflict, Invalid
from tasks.agents import Agent, NewAgent, list_agents, register_agent
from tasks.executions import list_executions

MOST_EXECUTIONS = 100
AGAIN = timedelta(hours=1)
UNDER_WAY = {"queued", "running", "blocked", "paused"}


async def get(request: Request, caller: CurrentCaller) -> Response:
    return await _show(request, caller, AgentForm())


async def post(request: Request, caller: CurrentCaller) -> Response:
    """A new agent: the answer shows its token, and nothing does after. A form with errors comes back with them."""
    form = AgentForm.of(await form_of(request))
    given = form.fields()
    if isinstance(given, AgentForm):
        return await _show(request, caller, given, status_code=422)
    try:
        made = await register_agent(caller, given)
    except Conflict as error:
        same = await _just_registered(caller, given)
        if same is not None:
            return back_to(f"/agents/{same.id}", registered=1)
        wrong = form.with_errors({"name": error.message})
        return await _show(request, caller, wrong, status_code=error.status)
    except Invalid as error:
        wrong = form.with_errors({one["field"]: one["message"] for one in error.errors} or {"": error.message})
        return await _show(request, caller, wrong, status_code=error.status)
    return await _show(request, caller, AgentForm(), made=made, status_code=201)


async def _just_registered(caller: Caller, given: Mapping[str, Any]) -> Agent | None:
    """The agent that the same form made a while ago: a page that is loaded anew sends it again."""
    for agent in await list_agents(caller):
        is_same = all(getattr(agent, name) == value for name, value in given.items())
        if is_same and datetime.now(UTC) - agent.created_at < AGAIN:
            return agent
    return None


async def _show(
    request: Request, caller: Caller, form: AgentForm, *, made: NewAgent | None = None, status_code: int = 200
) -> Response:
    house: House = house_of(request)
    agents, executions = await asyncio.gather(list_agents(caller), list_executions(caller, limit=MOST_EXECUTIONS))
    rows = [_words.row_of(agent, house.settings) for agent in agents]
    outside = [row for row in rows if not row.agent.is_internal]
    return render(
        request,
        "agents/page.html",
        status_code=status_code,
        agents=outside,
        ours=[row for row in rows if row.agent.is_internal],
        waiting=await list_waiting(caller, outside),
        executions=[one for one in executions.items if one.state in UNDER_WAY],
        execution_words=execution_words,
        form=form,
        made=made,
        start=starting(request, made) if made else "",
        real_now=datetime.now(UTC),
        agent_words=_words,
        words=words,
    )
