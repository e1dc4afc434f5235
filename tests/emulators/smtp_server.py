"""SMTP servers on loopback, in the event loop of the test: aiosmtpd, which answers as it is told, and one that only talks."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd import smtp as aiosmtpd
from aiosmtpd.smtp import Envelope, Session


@dataclass
class Handler:
    """Takes mail, or answers a recipient or the text as told."""

    rcpt: dict[str, str] = field(default_factory=dict[str, str])
    data: str = "250 taken"
    taken: list[Envelope] = field(default_factory=list[Envelope])

    async def handle_RCPT(
        self, server: aiosmtpd.SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: aiosmtpd.SMTP, session: Session, envelope: Envelope) -> str:
        if self.data == "drop":
            assert session.peer
            transport: asyncio.Transport = server.transport  # pyright: ignore[reportUnknownMemberType, reportAssignmentType]
            transport.abort()
            return "250 unheard"
        if self.data.startswith("250"):
            self.taken.append(envelope)
        return self.data


@asynccontextmanager
async def serving(handler: Handler, **options: Any) -> AsyncGenerator[str]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: aiosmtpd.SMTP(handler, loop=loop, **options), "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def talking(talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncGenerator[str]:
    """A server that says just what `talk` says."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
