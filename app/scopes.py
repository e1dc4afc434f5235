"""What a program's token may do: each part of the API is an area, and a request needs its read or write scope.

What is not named here is a person's own: a new part of the API is closed to tokens until somebody opens it.
"""

import re
from collections.abc import Collection
from uuid import UUID

from core.errors import Forbidden

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
AREAS: dict[str, str] = {  # the first segment after /api -> the area of its scopes
    "tasks": "tasks",
    "chat": "tasks",
    "conversations": "tasks",
    "events": "tasks",
    "artifacts": "tasks",
    "metrics": "tasks",
    "calendar": "tasks",
    "day": "tasks",
    "nudges": "tasks",
    "digests": "tasks",
    "attention": "tasks",
    "hours": "tasks",
    "commitments": "tasks",
    "plans": "tasks",
    "executions": "tasks",
    "insights": "tasks",
    "organizations": "tasks",
    "workflows": "tasks",
    "drafts": "review",
    "approvals": "review",
    "policies": "review",
    "preferences": "review",
    "mail": "mail",
    "agents": "agents",
}
BY_TOOL = "/mcp"  # any token may knock there: each tool says which scope it needs
AGENT_ITSELF = "/api/agents/me"
AGENT_REPORTS = re.compile(r"/api/executions/[0-9a-fA-F-]{36}/events")
PERSONS_OWN = ("/api/mail/accounts", "/api/calendar/feed")  # inside an area, but they sign in or give access


def needed_scope(path: str, method: str) -> str | None:
    """The scope that a token needs for a request; None where no token is taken. `path` is the URL's, or a route's."""
    if any(path == own or path.startswith(f"{own}/") for own in PERSONS_OWN):
        return None
    if path.startswith("/api/tasks/") and path.endswith("/hand-over"):
        return None  # whom a task is shown to is a person's own to say
    parts = path.split("/")
    area = AREAS.get(parts[2]) if len(parts) > 2 and parts[1] == "api" else None
    if area is None:
        return None
    if area == "agents":
        return "agents" if method in SAFE_METHODS else None  # who works here is a person's own to say
    if parts[2] == "organizations" and (len(parts) > 3 or method not in SAFE_METHODS):
        return None  # who belongs where is a person's own to see and say
    if method not in SAFE_METHODS and parts[2] in {"attention", "nudges", "hours"}:
        return None  # how much one wants to be told, when, and of what use it was, is a person's own to say
    if path.endswith("/feedback") or (area == "tasks" and path.endswith("/approve")):
        return "review:write"  # a person's own words about the work, or their decision
    if parts[2] in {"preferences", "workflows"} and method not in SAFE_METHODS:
        return None  # what is learned of a person, and what their work is told, is their own to say
    if method in SAFE_METHODS:
        return f"{area}:read"
    if method in {"PUT", "DELETE"} and path.startswith("/api/policies"):
        return None  # what may leave by itself is a person's own to say
    return None if area == "mail" else f"{area}:write"


def refuse_out_of_scope(scopes: tuple[str, ...], path: str, method: str) -> None:
    """Raises Forbidden where a token with these scopes may not do this."""
    if path == BY_TOOL:
        return
    needed = needed_scope(path, method)
    if needed is None:
        raise Forbidden("No token is taken here", hint="Sign in yourself: this is a person's own.")
    refuse_without(scopes, needed)


def refuse_agent_elsewhere(agent_id: UUID, path: str, method: str) -> None:
    """Raises Forbidden where an outside agent's own token is of no use: it works, and reports what it did."""
    own = f"/api/agents/{agent_id}/"
    is_report = method == "POST" and AGENT_REPORTS.fullmatch(path) is not None
    if path not in {BY_TOOL, AGENT_ITSELF} and not path.casefold().startswith(own) and not is_report:
        raise Forbidden(
            "An agent's token is not taken here",
            detail=f"it is taken below {own}, at {AGENT_ITSELF}, and for POST /api/executions/{{execution_id}}/events",
            hint="What a person or another program may do needs a token of theirs.",
        )


def refuse_without(scopes: Collection[str] | None, needed: str) -> None:
    """Raises Forbidden where these scopes lack the one that is needed; None is a person's own session."""
    if scopes is not None and needed not in scopes:
        raise Forbidden(
            f"This token lacks the scope {needed}",
            detail=f"it has {', '.join(scopes) or 'none'}",
            hint="Make a token with that scope under Settings, or by `steward token create`.",
        )
