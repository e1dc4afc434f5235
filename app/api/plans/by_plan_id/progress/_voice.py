"""The events of a plan as messages for whoever watches it: log lines, output of models, progress, changes of state."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import orjson
import structlog
from pydantic import BaseModel, Field

from app._plans.making import in_organization_of
from app.api._answers import Listing
from app.api.events._streams import Aside
from app.cursors import encode_cursor
from app.subscription import Subscription, Told
from core.database import Caller
from core.errors import StewardError
from tasks.events import TaskEvent, list_task_events
from tasks.plans import PlanState, PlanSummary, get_plan_progress

log = structlog.get_logger()
LOOK_SECONDS = 1.0  # at most so often a stream asks how far the plan is
OVER = {"completed", "failed", "cancelled"}
UNSAID = {"changed"}  # somebody edited a field: nothing to watch
COUNTED = {"state", "progress"}  # these may move the percentage
Type = Literal["log", "output", "reasoning", "progress", "state"]


class ProgressMessage(BaseModel):
    """One message. `id` grows; ask for what comes after it with `?after=` or `Last-Event-ID`.

    log: a line of what is done. output: a piece of a model's answer as it comes (`purpose` says of which question).
    progress: how far a stage (`done` of `total`), or the whole plan (`percent`) is. state: a task, or the plan, changed.
    """

    id: int
    type: Type
    at: datetime
    task_id: UUID | None = None
    stage: str | None = None
    message: str = ""
    percent: float | None = Field(default=None, description="Of the whole plan")
    state: str | None = Field(default=None, description="Of the task, or of the plan where task_id is the plan's")
    reason: str | None = None
    title: str | None = None
    purpose: str | None = None
    done: int | None = None
    total: int | None = None
    counts: dict[str, int] | None = Field(default=None, description="State to number of tasks")


class ProgressPage(Listing[ProgressMessage]):
    """Messages, oldest first, and how far the plan is now."""

    percent: float
    state: PlanState


STATES = {
    "created": "pending",
    "unqueued": "pending",
    "retry_queued": "queued",
    "started": "in_progress",
    "resumed": "in_progress",
}


def message_of(event: TaskEvent, stages: Mapping[UUID, str]) -> ProgressMessage | None:
    """An event as it is told to who watches the plan; None for one that nobody needs to see. `stages`: task to stage."""
    if event.kind in UNSAID:
        return None
    data = event.data
    told: dict[str, Any] = {"id": event.id, "at": event.created_at, "task_id": event.task_id, "message": event.message}
    if event.task_id is not None and event.task_id in stages:
        told["stage"] = stages[event.task_id]
    match event.kind:
        case "state":
            to = data.get("to") or STATES.get(event.message, event.message)
            more = {"type": "state", "state": to, "reason": data.get("reason"), "title": data.get("title")}
        case "progress":
            more = {"type": "progress", **{name: data[name] for name in ("stage", "done", "total") if name in data}}
        case "output":
            purpose = str(data.get("purpose") or "")
            kind = "reasoning" if data.get("is_thought") else "output"
            more = {"type": kind, "purpose": purpose, "stage": purpose.partition("/")[0] or told.get("stage")}
        case _:
            more = {"type": "log", "message": _line(event)}
    return ProgressMessage.model_validate({**told, **more})


def _line(event: TaskEvent) -> str:
    """An event as a line of a log; of a step its name, how it went, and how long it took."""
    data = event.data
    if event.kind != "step":
        return f"{event.kind}: {event.message}"
    if "step_id" not in data:
        return event.message
    took = data.get("latency_ms")
    words = f"{data.get('name')}: {event.message}"
    words += f" after {took / 1000:.1f} s" if isinstance(took, int | float) else ""
    return f"{words} ({data['error']})" if data.get("error") else words


class Said:
    """A message in both wire forms."""

    def __init__(self, told: ProgressMessage) -> None:
        self._data = orjson.dumps(told.model_dump(mode="json", exclude_none=True))
        self._head = f"id: {told.id}\nevent: {told.type}\n".encode()

    @property
    def server_sent(self) -> bytes:
        """As `text/event-stream` has it."""
        return self._head + b"data: " + self._data + b"\n\n"

    @property
    def message(self) -> str:
        """As a WebSocket message."""
        return self._data.decode()


@dataclass
class PlanVoice:
    """Words the events of one plan, and says how far it is, at most once a second, whenever that may have changed."""

    caller: Caller
    plan_id: UUID
    stages: dict[UUID, str]
    _moved: asyncio.Event = field(default_factory=asyncio.Event)
    _at: int = 0
    _highest: float = -1
    _last: tuple[float, PlanState] | None = None

    def server_sent(self, told: Told) -> bytes:
        said = self._worded(told)
        return said.server_sent if said else b""

    def message(self, told: Told) -> str:
        said = self._worded(told)
        return said.message if said else ""

    async def beside(self, subscription: Subscription, say: Callable[[Aside], Awaitable[None]]) -> None:
        """How far the plan is: now, and whenever something of it has moved."""
        self._at = max(self._at, subscription.seen)
        self._moved.set()
        while True:
            await self._moved.wait()
            self._moved.clear()
            try:
                found = await asyncio.shield(get_plan_progress(self.caller, self.plan_id))
            except StewardError as error:
                await log.awarning("plan_not_read", error=error.message)
            else:
                self.stages = found.stages
                for message in self._news(found):
                    await say(Said(message))
            await asyncio.sleep(LOOK_SECONDS)

    def _worded(self, told: Told) -> Said | None:
        self._at = told.id
        if told.event.kind in COUNTED:
            self._moved.set()
        message = message_of(told.event, self.stages)
        return Said(message) if message else None

    def _news(self, plan: PlanSummary) -> list[ProgressMessage]:
        """What is new about the plan as a whole. Its percentage never falls, but where a finished plan goes on."""
        was = self._last[1] if self._last else None
        if was in OVER and plan.state not in OVER:
            self._highest = -1
        percent = self._highest = max(self._highest, plan.percent)
        if self._last == (percent, plan.state):
            return []
        self._last = (percent, plan.state)
        about = {"id": self._at, "at": datetime.now(UTC), "task_id": plan.id, "percent": percent, "counts": plan.counts}
        said = [ProgressMessage.model_validate({**about, "type": "progress", "message": f"{percent:g} %"})]
        if was != plan.state:
            words = {
                "type": "state",
                "message": plan.state,
                "state": plan.state,
                "reason": plan.reason,
                "title": plan.title,
            }
            said.append(ProgressMessage.model_validate({**about, **words}))
        return said


async def voice_for(caller: Caller, plan_id: UUID) -> PlanVoice:
    """Who words a plan's events. NotFound for a task that is no plan."""
    found = await get_plan_progress(caller, plan_id)
    return PlanVoice(in_organization_of(caller, found.organization_id), plan_id, found.stages)


async def page_of(caller: Caller, plan_id: UUID, after: int, limit: int) -> ProgressPage:
    """A page of messages; its cursor stands for the last event, where the page is full."""
    events = await list_task_events(caller, plan_id, after, limit)
    plan = await get_plan_progress(caller, plan_id)
    return ProgressPage(
        items=[message for event in events if (message := message_of(event, plan.stages))],
        next_cursor=encode_cursor([events[-1].id]) if len(events) == limit else None,
        percent=plan.percent,
        state=plan.state,
    )
