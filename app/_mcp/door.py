"""`POST /mcp`: the Model Context Protocol over streamable HTTP. Stateless: each request brings its token and is answered by itself.

GET and DELETE, which open a stream and end a session, are not served: there is neither (the protocol allows 405).
"""

import asyncio
import importlib
from functools import partial

from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app._mcp.tool import Visit
from app.api.tasks._execution import settled_at
from app.dependencies import bearer_caller
from app.house import House


async def mcp(request: Request) -> Response:
    """Whoever comes with a token uses tools. Raises what `bearer_caller` does."""
    house: House = request.app.state.house
    caller = await bearer_caller(request)
    await asyncio.to_thread(importlib.import_module, "app._mcp.server")  # takes a second, the first time
    return _Conversation(Visit(house, caller, partial(settled_at, house.hub, caller)), house)


class _Conversation(Response):
    """One message of a program and the answer to it, written by the SDK."""

    def __init__(self, visit: Visit, house: House) -> None:
        super().__init__()
        self._visit = visit
        self._most_bytes = house.settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from app._mcp.server import server_for

        manager = StreamableHTTPSessionManager(
            server_for(self._visit),
            json_response=True,
            stateless=True,
            max_request_body_size=self._most_bytes,
        )
        async with manager.run():
            await manager.handle_request(scope, receive, send)
