"""Web processes that reach the database over HTTP: how they show themselves. Service only."""

import os
import socket
from uuid import UUID

from pydantic import AwareDatetime

from core.database import Caller
from tasks.models import Record


class WebProcess(Record):
    """A process that was heard of lately."""

    id: UUID
    host: str
    pid: int
    started_at: AwareDatetime
    heartbeat_at: AwareDatetime


async def heartbeat_web_process(caller: Caller, process_id: UUID) -> None:
    """Show that this process lives."""
    await caller.call("heartbeat_web_process", process_id=process_id, host=socket.gethostname(), pid=os.getpid())


async def retire_web_process(caller: Caller, process_id: UUID) -> None:
    """This process ended in order."""
    await caller.call("retire_web_process", process_id=process_id)


async def list_web_processes(caller: Caller) -> list[WebProcess]:
    """Those heard of in the last minute, the oldest first."""
    return [WebProcess.model_validate(row) for row in await caller.call("list_web_processes")]
