"""WebSocket /api/executions/{execution_id}/stream: the events of an execution, live, after those that were missed."""

from uuid import UUID

from fastapi import WebSocket

from app._executions.acting import check_execution
from app.api.events._streams import Voice, serve_websocket
from core.database import Caller


async def websocket(websocket: WebSocket, execution_id: UUID) -> None:
    async def opening(caller: Caller) -> tuple[Caller, Voice | None]:
        await check_execution(caller, execution_id)
        return caller, None

    await serve_websocket(websocket, execution_id, opening)
