"""Whom the settings serve: what whoever runs the installation wrote there is the owner's, and of nobody who signs up.

Keys, tokens, servers and hosts of the settings serve the owner's personal organization, and everybody else only where
STEWARD_SHARED_TOOLS names them. Whoever opens something with them asks here.
"""

from typing import TYPE_CHECKING

from core.database import Caller
from jobs.outside.world import Given
from tasks.mail import serves_owner

if TYPE_CHECKING:
    from integrations.web.guard import Guard

MCP, HOSTS, SITES = "mcp", "private_hosts", "browser_sites"


async def is_lent(given: Given, caller: Caller, what: str) -> bool:
    """May what the settings say of this be used for the organization that the caller, a person or the worker, acts in?"""
    return what in given.settings.shared_tool_names or await serves_owner(caller, given.settings.owner_email)


async def guard_for(given: Given, caller: Caller, own_url: str | None = None) -> "Guard":
    """The guard of this installation for an organization: hosts of the own network are reached where they are lent.

    `own_url`: an address out of the settings, which is reached wherever it is.
    """
    from integrations.web.guard import Guard

    is_needed = bool(given.settings.private_hosts.strip())
    guard = Guard.from_settings(given.settings) if is_needed and await is_lent(given, caller, HOSTS) else Guard()
    return guard.trusting(own_url) if own_url else guard
