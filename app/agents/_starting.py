"""How an agent is started: lines to copy."""

from fastapi import Request

from app._agents.starting import starting_lines
from app.seen import house_of
from tasks.agents import NewAgent


def starting(request: Request, made: NewAgent) -> str:
    """Shell lines that fetch the client and have it sign in as this agent; they hold its token."""
    settings = house_of(request).settings
    return starting_lines((settings.public_url or str(request.base_url)).rstrip("/"), made.token)
