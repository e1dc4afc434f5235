"""A mail server on loopback that misbehaves: it takes, refuses, and drops the line after DATA; and it counts.

The protocol is aiosmtpd's; only what goes wrong is ours. What it took is the count that the storm is judged by.
"""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy

from aiosmtpd import smtp as aiosmtpd
from aiosmtpd.smtp import Envelope, Session


@dataclass
class SmtpSink:
    """Chances of each misfortune, from 0 to 1. `taken` counts messages by Message-ID, whether the client heard of it or not."""

    chance: random.Random
    refuse_for_now: float = 0.05
    refuse: float = 0.01
    drop_taken: float = 0.02
    drop_untaken: float = 0.02
    taken: Counter[str] = field(default_factory=Counter[str])
    dropped: set[str] = field(default_factory=set[str])
    refused: set[str] = field(default_factory=set[str])
    on_taken: Callable[[str], None] | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(self, server: aiosmtpd.SMTP, session: Session, envelope: Envelope) -> str:
        """Take the message, or not, and say so, or not."""
        content = envelope.content or b""
        message = message_from_bytes(content if isinstance(content, bytes) else content.encode(), policy=policy.SMTP)
        message_id = str(message["Message-ID"]).strip()
        fate = self.chance.random()
        if (fate := fate - self.refuse_for_now) < 0:
            return "451 try again later"
        if (fate := fate - self.refuse) < 0:
            self.refused.add(message_id)
            return "550 not wanted here"
        if (fate := fate - self.drop_untaken) < 0:
            self.dropped.add(message_id)
            return self._drop(server)
        self.taken[message_id] += 1
        if self.on_taken is not None:
            self.on_taken(message_id)
        if fate - self.drop_taken < 0:
            self.dropped.add(message_id)
            return self._drop(server)
        return "250 taken"

    def _drop(self, server: aiosmtpd.SMTP) -> str:
        transport: asyncio.Transport = server.transport  # pyright: ignore[reportUnknownMemberType, reportAssignmentType]
        transport.abort()
        return "250 unheard"


@asynccontextmanager
async def running_sink(sink: SmtpSink) -> AsyncGenerator[SmtpSink]:
    """The sink listens on a free port of loopback while the block runs."""
    loop = asyncio.get_running_loop()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    sink.port = int(listening.getsockname()[1])
    server = await loop.create_server(lambda: aiosmtpd.SMTP(sink, loop=loop), sock=listening)
    try:
        yield sink
    finally:
        server.close()
