"""Who speaks: the agent itself, and nobody for it."""

from uuid import UUID

from core.database import Caller
from core.errors import Forbidden

HINT = "Send its own token (sta_...), which was shown when it was registered; the agent's page gives a new one."


def speaking_agent(caller: Caller, agent_id: UUID | None = None) -> UUID:
    """The id of the agent that asks. Raises Forbidden for people, other programs, and any agent but `agent_id`."""
    own = caller.identity.agent_id
    if own is None:
        raise Forbidden("Only an agent itself can do this", hint=HINT)
    if agent_id is not None and own != agent_id:
        raise Forbidden(
            "This is another agent's", detail=f"you are agent {own}", hint="An agent speaks for itself alone."
        )
    return own
