"""How an agent is started: lines to copy."""

from fastapi import Request

from tasks.agents import NewAgent

CLIENT = "steward_agent.py"


def starting(request: Request, made: NewAgent) -> str:
    """Shell lines that fetch the client and have it sign in as this agent; they hold its token."""
    settings = request.app.state.house.settings
    url = (settings.public_url or str(request.base_url)).rstrip("/")
    return "\n".join(
        [
            f"curl -O {url}/agents/{CLIENT}",
            f"export STEWARD_URL={url}",
            f"export STEWARD_AGENT_TOKEN={made.token}",
            f"python {CLIENT} me",
        ]
    )
