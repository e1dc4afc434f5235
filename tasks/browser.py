"""The browser of a task between its runs: one thin typed call per SQL function."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from core.database import Caller
from tasks.models import Record


class BrowserPlace(Record):
    """Where the browser of a task stands. `url` is without its query; `moves` counts what was done on pages."""

    task_id: UUID
    moves: int = 0
    held_by: Literal["agent", "person"] = "agent"
    note: str | None = None
    url: str = ""
    title: str = ""
    updated_at: datetime


class SealedCommand(Record):
    """A move of the person who has the page, as ciphertext."""

    id: int
    sealed: str


class OpenedPlace(BrowserPlace):
    """The place as the run of the task sees it, and the person's moves that are still to be made."""

    sealed: str | None = None
    commands: list[SealedCommand] = Field(default_factory=list[SealedCommand])


async def get_browser(caller: Caller, task_id: UUID) -> BrowserPlace | None:
    """Where the browser stands; None where the task never had one."""
    row = await caller.call("get_browser", task_id=task_id)
    return BrowserPlace.model_validate(row) if row else None


async def open_browser(caller: Caller, task_id: UUID) -> OpenedPlace:
    """The place for the run of a task (worker only)."""
    return OpenedPlace.model_validate(await caller.call("open_browser", task_id=task_id))


async def save_browser(
    caller: Caller, task_id: UUID, sealed: str, moves: int, url: str, title: str, command_id: int | None = None
) -> None:
    """After a move; `command_id` is the person's move that this was (worker only)."""
    await caller.call(
        "save_browser", task_id=task_id, sealed=sealed, moves=moves, url=url, title=title, command_id=command_id
    )


async def rest_browser(caller: Caller, task_id: UUID, reason: str, unblocked_by: str) -> bool:
    """Wait for the person who has the page; False when they did something meanwhile (worker only)."""
    return bool(await caller.call("rest_browser", task_id=task_id, reason=reason, unblocked_by=unblocked_by))


async def read_browser_note(caller: Caller, task_id: UUID) -> str | None:
    """What the person said as they handed the page back, once (worker only)."""
    return await caller.call("read_browser_note", task_id=task_id)


async def take_over_browser(caller: Caller, task_id: UUID) -> BrowserPlace:
    """A person takes the page of a waiting task. Conflict while it does not wait."""
    return BrowserPlace.model_validate(await caller.call("take_over_browser", task_id=task_id))


async def add_browser_command(caller: Caller, task_id: UUID, sealed: str) -> int:
    """A move of the person who has the page; its id."""
    return int(await caller.call("add_browser_command", task_id=task_id, sealed=sealed))


async def hand_back_browser(caller: Caller, task_id: UUID, note: str = "") -> BrowserPlace:
    """The page goes back to its task, which goes on from there."""
    return BrowserPlace.model_validate(await caller.call("hand_back_browser", task_id=task_id, note=note or None))
