"""Slack's side of Socket Mode, a small fake: the emulator has none.

It gives out the address of its WebSocket (`apps.connections.open`), says hello, sends the envelopes it is given and
keeps the answers (docs.slack.dev, "Using Socket Mode").
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

APP_TOKEN = "xapp-not-a-token"


@dataclass
class SocketSlack:
    """A running fake; `refusals` are errors that the next requests for an address get."""

    api_url: str = ""
    refusals: list[str] = field(default_factory=list[str])
    answers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    opened: int = 0
    _lines: list[web.WebSocketResponse] = field(default_factory=list[web.WebSocketResponse])

    async def open(self, request: web.Request) -> web.Response:
        """`apps.connections.open`."""
        if request.headers.get("Authorization") != f"Bearer {APP_TOKEN}":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if self.refusals:
            return web.json_response({"ok": False, "error": self.refusals.pop(0)})
        return web.json_response({"ok": True, "url": self.api_url.replace("http://", "ws://") + "link"})

    async def link(self, request: web.Request) -> web.WebSocketResponse:
        """The WebSocket."""
        line = web.WebSocketResponse(timeout=0.5)
        await line.prepare(request)
        self.opened += 1
        self._lines.append(line)
        await line.send_str(json.dumps({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}}))
        async for message in line:
            if message.type == WSMsgType.TEXT and not str(message.data).startswith("sdk_ping_pong"):
                self.answers.append(json.loads(message.data))
        return line

    async def send(self, kind: str, payload: Mapping[str, Any], envelope: str) -> None:
        """An envelope on the newest line."""
        body = {"type": kind, "envelope_id": envelope, "payload": dict(payload), "accepts_response_payload": True}
        await self._lines[-1].send_str(json.dumps(body))

    async def cut(self) -> None:
        """Every line is closed from this side."""
        for line in self._lines:
            await line.close()


@asynccontextmanager
async def socket_slack() -> AsyncGenerator[SocketSlack]:
    """The fake on loopback for the length of the block."""
    fake = SocketSlack()
    app = web.Application()
    app.router.add_post("/api/apps.connections.open", fake.open)
    app.router.add_get("/api/link", fake.link)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = runner.addresses[0]
    fake.api_url = f"http://127.0.0.1:{address[1]}/api/"
    try:
        yield fake
    finally:
        await fake.cut()
        await asyncio.wait_for(runner.cleanup(), 5)
