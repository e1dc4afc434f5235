"""`/agents/steward_agent.py`: the client for agent authors, one file, for everybody."""

from importlib.resources import files

from starlette.responses import Response

from app._agents.starting import CLIENT
from core.errors import NotFound


async def get(file: str) -> Response:
    """The file as a download."""
    if file != CLIENT:
        raise NotFound("There is no such file")
    content = (files("cli") / CLIENT).read_bytes()
    headers = {"Content-Disposition": f'attachment; filename="{CLIENT}"', "Cache-Control": "no-cache"}
    return Response(content, media_type="text/x-python", headers=headers)
