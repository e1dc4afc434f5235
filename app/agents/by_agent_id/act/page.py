"""POST /agents/{agent_id}/act: the buttons of an agent."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.agents.by_agent_id._show import show
from app.dependencies import CurrentCaller
from core.database import Caller
from core.errors import Conflict, Invalid
from tasks.agents import remove_agent, revoke_agent_token, rotate_agent_token, update_agent

_ACTS: dict[str, Callable[[Caller, UUID], Awaitable[object]]] = {
    "pause": lambda caller, agent_id: update_agent(caller, agent_id, {"is_paused": True}),
    "resume": lambda caller, agent_id: update_agent(caller, agent_id, {"is_paused": False}),
    "revoke": revoke_agent_token,
    "remove": remove_agent,
}


async def post(request: Request, caller: CurrentCaller, agent_id: UUID) -> Response:
    """A new token stands in the answer itself, and nowhere after."""
    action = (await form_of(request)).get("action", "")
    try:
        if action == "rotate":
            made = await rotate_agent_token(caller, agent_id)
            return await show(request, caller, agent_id, made=made, status_code=201)
        if action not in _ACTS:
            raise Invalid(
                "There is no such button", errors=[{"field": "action", "message": f"{action[:40]!r} is none"}]
            )
        await _ACTS[action](caller, agent_id)
    except Conflict as error:
        words = ". ".join(part for part in (error.message, error.detail, error.hint) if part)
        return await show(request, caller, agent_id, problem=words, status_code=error.status)
    return back_to("/agents" if action == "remove" else f"/agents/{agent_id}")
