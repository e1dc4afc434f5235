"""One go through the parts of an orchestration: each after what it needs, each order once, no further than the money goes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from agents.base_agent_forms import AgentOrder, AgentResult, Material, Usage, digest_of, paid_before, read_form
from agents.orchestrator_forms import AgentObjective, AgentPart, Division, PartOutcome
from core.errors import StewardError

log = structlog.get_logger()
SPENT = "As much was spent as may be (most_cost_usd: {:.2f}); the same again goes on from here"


class AgentCaller(Protocol):
    """Calls one base agent with an order as JSON. Raises StewardError; `is_retryable` says whether again may help."""

    async def call(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """The `AgentResult` as JSON."""
        ...


@dataclass
class Run:
    """One go through the parts. `paid` is what this run has spent so far; nothing is begun once it is `most_cost_usd`."""

    asked: AgentObjective
    division: Division
    caller: AgentCaller
    first_pause_seconds: float
    most_cost_usd: float | None
    paid: Usage
    outcomes: dict[str, PartOutcome] = field(default_factory=dict[str, PartOutcome])
    results: dict[str, AgentResult] = field(default_factory=dict[str, AgentResult])

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.asked.concurrency)
        for part in self.division.parts:
            waits = PartOutcome(id=part.id, title=part.title, status="waiting", depends_on=part.depends_on)
            self.outcomes[part.id] = waits
        self._over = {part.id: asyncio.Event() for part in self.division.parts}
        self._locks: dict[str, asyncio.Lock] = {}  # of orders, by their digest
        self._done: dict[str, str] = {}  # the part that an order was done for

    async def all(self) -> None:
        """Return when every part has ended, each after all it depends on."""
        try:
            async with asyncio.TaskGroup() as group:
                for part in self.division.parts:
                    group.create_task(self._one(part), name=f"part {part.id}")
        finally:
            for name, one in self.outcomes.items():
                if one.status == "waiting":
                    self._tell(name, status="unfinished", reason="Time was up; the same again goes on from here")

    async def _one(self, part: AgentPart) -> None:
        for need in part.depends_on:
            await self._over[need].wait()
        open_ones = [need for need in part.depends_on if self.outcomes[need].status != "completed"]
        if part.for_a_person:
            self._tell(part.id, status="for_a_person", reason="A person or a tool of the house does this")
        elif open_ones:
            self._tell(part.id, status="skipped", reason=f"It needs {', '.join(open_ones)}")
        else:
            try:
                order = self._order(part)
                async with self._locks.setdefault(digest_of(order), asyncio.Lock()):
                    await self._once(part, order)
            except Exception as error:
                self._tell(part.id, status="failed", reason=in_short(error))
                if not isinstance(error, StewardError):
                    await log.aexception("part_failed", part=part.id)
        self._over[part.id].set()

    async def _once(self, part: AgentPart, order: Mapping[str, Any]) -> None:
        """Call, but for an order that another part's call has answered: that answer holds for both."""
        first = self._done.get(digest_of(order))
        if first is None:
            self._done[digest_of(order)] = part.id
            async with self._slots:
                await self._call(part, order)
            return
        kept = {"usage_now": Usage(), "unknown": 0, "tries": 0, "was_known": first in self.results}
        same = self.outcomes[first].model_copy(update=kept)
        own = self.outcomes[part.id]
        self.outcomes[part.id] = same.model_copy(
            update={name: getattr(own, name) for name in ("id", "title", "depends_on")}
        )
        if first in self.results:
            self.results[part.id] = self.results[first]

    async def _call(self, part: AgentPart, order: Mapping[str, Any]) -> None:
        pause = self.first_pause_seconds
        for tries in range(1, self.asked.tries + 1):
            if self._is_spent():
                self._tell(part.id, status="unfinished", reason=SPENT.format(self.most_cost_usd))
                return
            self._tell(part.id, tries=tries)
            try:
                result = read_form(AgentResult, await self.caller.call(order))
            except asyncio.CancelledError as error:
                self._count(part, paid_before(error), is_cut_off=True)
                raise
            except Exception as error:
                self._count(part, paid_before(error))
                if isinstance(error, StewardError) and error.is_retryable and tries < self.asked.tries:
                    await asyncio.sleep(max(pause, error.retry_after_seconds or 0))
                    pause *= 2
                    continue
                raise
            self._count(part, result.paid)
            self._completed(part, result)
            return

    def _completed(self, part: AgentPart, result: AgentResult) -> None:
        manifest = result.manifest
        self.results[part.id] = result
        self._tell(
            part.id,
            status=manifest.status,
            key=manifest.key,
            address=result.address,
            reason=manifest.reason,
            was_known=result.was_known,
            tainted=manifest.tainted,
            usage=manifest.usage,
        )

    def _count(self, part: AgentPart, paid: Usage | None, *, is_cut_off: bool = False) -> None:
        """Add what a call took; None, and what was under way when it was cut off, nobody knows."""
        own = self.outcomes[part.id]
        unknown = own.unknown + (paid is None or is_cut_off)
        self._tell(part.id, usage_now=own.usage_now.plus(paid or Usage()), unknown=unknown)
        self.paid = self.paid.plus(paid or Usage())

    def _is_spent(self) -> bool:
        spent, most = self.paid.cost_usd, self.most_cost_usd
        return most is not None and spent is not None and spent >= most and (spent > 0 or most == 0)

    def _order(self, part: AgentPart) -> dict[str, Any]:
        """The part with the results it builds on; what words of others went into is fenced again for whoever reads it."""
        before = [
            Material(
                name=f"Result of {need} (key {result.manifest.key})",
                text=result.text,
                is_own=not result.manifest.tainted,
            )
            for need in part.depends_on
            for result in (self.results[need],)
        ]
        order = {
            "instructions": part.instructions,
            "context": (*part.context, *before),
            "format": part.format,
            "tools": part.tools,
        }
        return read_form(AgentOrder, order).model_dump(mode="json")

    def _tell(self, name: str, **changes: object) -> None:
        self.outcomes[name] = self.outcomes[name].model_copy(update=changes)


def in_short(error: Exception) -> str:
    """What went wrong, for a report; the rest of it is in the log."""
    if not isinstance(error, StewardError):
        return f"Something unforeseen: {type(error).__name__}"
    return f"{error.message}: {error.detail}" if error.detail else error.message
