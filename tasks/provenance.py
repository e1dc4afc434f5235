"""What a run knew, and what taints it: one thin typed call per SQL function."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from core.database import Caller
from tasks.actions import Permission
from tasks.models import Record, Taint


class ReadText(Record):
    """What others wrote that a task came from. `why`: what is suspicious about it. A file comes as base64.

    `is_anothers`: it is mail of another member than whoever the task belongs to, who may not read it.
    """

    kind: str
    title: str = ""
    text: str = ""
    base64: str | None = None
    why: str | None = None
    is_anothers: bool = False


class LookedUp(Record):
    """What a tool answered, as it was kept; `is_tainted`: a run that had read what others wrote gave it."""

    tool: str | None = None
    title: str = ""
    text: str | None = None
    is_tainted: bool = False


class StandingPermission(Record):
    """A permission with how often it was used."""

    id: str
    action: str
    targets: list[str]
    task_kinds: list[str] = Field(default_factory=list[str])
    carries: str
    max_per_hour: int
    max_per_day: int
    used_this_hour: int
    used_today: int
    expires_at: datetime | None = None
    is_enabled: bool

    def as_permission(self) -> Permission:
        """The permission as the policy takes it."""
        return Permission(**self.model_dump())


class RunKnowledge(Record):
    """All that the policy asks about a run. `task_kind` is that of the task that no agent planned."""

    task_kind: str | None = None
    tainted_by: list[Taint] = Field(default_factory=list[Taint])
    user: list[str]
    contacts: dict[str, str]
    own_addresses: list[str]
    read: list[ReadText]
    looked_up: list[LookedUp]
    permissions: list[StandingPermission]
    is_stopped: bool
    now: datetime


async def get_provenance(caller: Caller, task_id: Any) -> RunKnowledge:
    """What a run knew, where it came from, and what is permitted, in one call (worker only)."""
    return RunKnowledge.model_validate(await caller.call("get_provenance", task_id=task_id))


async def taint_task(caller: Caller, task_id: Any, sources: Sequence[Taint]) -> Sequence[Mapping[str, Any]]:
    """A running task is about to read what others wrote; it stays tainted. What taints it by now (worker only)."""
    told = [one.model_dump(mode="json", exclude_none=True) for one in sources]
    return await caller.call("taint_task", task_id=task_id, sources=told)
