"""A mail server on loopback that misbehaves: it takes, refuses, and drops the line after DATA; and it counts.

The protocol is aiosmtpd's; only what goes wrong is ours, and follows from the seed, the subject and how often it was
tried. What it took is the count that a run is judged by, whether the client heard of it or not.
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

GONE = "gone-"


@dataclass
class SmtpSink:
    """Chances of each misfortune, from 0 to 1; a recipient that begins with "gone-" is refused for good.

    `slow_seconds`: how long it takes at most before it takes a mail, and before it says so.
    `taken` counts by Message-ID, `taken_about` the Message-IDs taken with a subject; `dropped`: Message-IDs whose line broke.
    """

    seed: int = 1
    slow_seconds: float = 0.0
    refuse_for_now: float = 0.06
    drop_taken: float = 0.02
    drop_untaken: float = 0.02
    taken: Counter[str] = field(default_factory=Counter[str])
    taken_about: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    dropped: set[str] = field(default_factory=set[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    tries: Counter[str] = field(default_factory=Counter[str])
    on_recipient: Callable[[str], None] | None = None
    on_taken: Callable[[str], None] | None = None
    port: int = 0

    @property
    def url(self) -> str:
        """What STEWARD_SMTP_URL has to be."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(
        self, server: aiosmtpd.SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse who is gone, take anybody else."""
        if address.startswith(GONE):
            self.refused["for good"] += 1
            return "550 no such mailbox"
        if self.on_recipient is not None:
            self.on_recipient(address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: aiosmtpd.SMTP, session: Session, envelope: Envelope) -> str:
        """Take the message, or not, and say so, or not."""
        content = envelope.content or b""
        message = message_from_bytes(content if isinstance(content, bytes) else content.encode(), policy=policy.SMTP)
        message_id, subject = str(message["Message-ID"]).strip(), str(message["Subject"])
        chance = random.Random(f"{self.seed}/{subject}/{self.tries[subject]}")
        fate = chance.random()
        self.tries[subject] += 1
        await asyncio.sleep(chance.uniform(0, self.slow_seconds))
        if (fate := fate - self.refuse_for_now) < 0:
            self.refused["for now"] += 1
            return "451 try again later"
        if (fate := fate - self.drop_untaken) < 0:
            return self._drop(server, message_id)
        self.taken[message_id] += 1
        self.taken_about.setdefault(subject, set()).add(message_id)
        if self.on_taken is not None:
            self.on_taken(message_id)
        await asyncio.sleep(chance.uniform(0, self.slow_seconds))
        if fate - self.drop_taken < 0:
            return self._drop(server, message_id)
        return "250 taken"

    def _drop(self, server: aiosmtpd.SMTP, message_id: str) -> str:
        self.dropped.add(message_id)
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
