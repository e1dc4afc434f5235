"""How an agent is started: lines to copy."""

CLIENT = "steward_agent.py"


def starting_lines(url: str, token: str) -> str:
    """Shell lines that fetch the client from the house at this address, and have it sign in with this token."""
    return "\n".join(
        [
            f"curl -O {url}/agents/{CLIENT}",
            f"export STEWARD_URL={url}",
            f"export STEWARD_AGENT_TOKEN={token}",
            f"python {CLIENT} me",
        ]
    )
