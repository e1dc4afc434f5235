"""`/agents/{agent_id}`: one agent, what it held and holds, and everything that can be done about it."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.agents._form import AgentForm
from app.agents.by_agent_id._show import show
from app.dependencies import CurrentCaller
from core.errors import Conflict, Invalid
from tasks.agents import get_agent, update_agent


async def get(request: Request, caller: CurrentCaller, agent_id: UUID) -> Response:
    return await show(request, caller, agent_id)


async def post(request: Request, caller: CurrentCaller, agent_id: UUID) -> Response:
    """An edit of what it can, and its limits; a form with errors comes back with them."""
    form = AgentForm.of(await form_of(request))
    given = form.fields((await get_agent(caller, agent_id)).tools)
    if isinstance(given, AgentForm):
        return await show(request, caller, agent_id, form=given, status_code=422)
    try:
        await update_agent(caller, agent_id, given)
    except Conflict as error:
        wrong = form.with_errors({"name": error.message})
        return await show(request, caller, agent_id, form=wrong, status_code=error.status)
    except Invalid as error:
        wrong = form.with_errors({one["field"]: one["message"] for one in error.errors} or {"": error.message})
        return await show(request, caller, agent_id, form=wrong, status_code=error.status)
    return back_to(f"/agents/{agent_id}")
