"""When the rules ahead of being asked look at a tenant: after changes, and every so often."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from core.database import Caller
from tasks.models import Record, Task


class Watch(Record):
    """A tenant to be looked at, in the name of each member; the first owner comes first."""

    organization_id: UUID
    user_ids: list[UUID]


async def take_watch(service: Caller, every_seconds: float, lease_seconds: float) -> Watch | None:
    """The next tenant to look at, for one worker at a time; None when none is due."""
    row = await service.call("take_watch", every_seconds=every_seconds, lease_seconds=lease_seconds)
    return Watch.model_validate(row) if row else None


async def end_watch(service: Caller, problem: str | None = None) -> None:
    """The rules have looked at the caller's tenant; or why they could not."""
    await service.call("end_watch", problem=problem)


class WatchedMail(Record):
    """A mail as the rules read it, with what it quotes."""

    message_id: str
    thread_key: str
    account: str
    from_name: str = ""
    from_address: str = ""
    to_addresses: list[str] = Field(default_factory=list[str])
    cc_addresses: list[str] = Field(default_factory=list[str])
    subject: str = ""
    sent_at: datetime
    text_body: str = ""
    is_from_me: bool = False
    category: str | None = None
    suspicious: str | None = None
    auto_submitted: str | None = None


async def list_watched_mail(caller: Caller, since: datetime, until: datetime) -> list[WatchedMail]:
    """Mail of a span, oldest first; of more than 2,000 the newest."""
    rows = await caller.call("list_watched_mail", since=since, until=until)
    return [WatchedMail.model_validate(row) for row in rows]


async def list_own_addresses(caller: Caller) -> list[str]:
    """The addresses that the person writes from, in lower case."""
    return [str(row) for row in await caller.call("list_own_addresses")]


async def list_watched_tasks(caller: Caller, since: datetime) -> list[Task]:
    """Open tasks, and those that ended since then; the newest first, 2,000 at most."""
    return [Task.model_validate(row) for row in await caller.call("list_watched_tasks", since=since)]
