"""The journal of a run: each model and tool call is recorded before and after its effect, under a deterministic key.

A retried run asks here first: what finished is replayed, what an earlier run began and did not end is found out with
the outside, or is a person's to decide. Recording outlasts a restart of the database: an effect that took place is not
forgotten because the database was away for a moment.

StewardError
├── RunStopped (409)     the task was paused, cancelled or taken over: this run ends and leaves the task alone
├── BoundReached (409)   the tree has used up what it may use
└── StepUncertain (409)  nobody can know whether a step took effect
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from agents.thinking import ModelCall, RecordedCall
from core.database import Caller
from core.errors import Conflict, NotFound, StewardError, Unavailable
from core.outside.errors import Uncertain
from core.tracing import span
from tasks import steps
from tasks.steps import StepKind, StepStart

T = TypeVar("T")
PATIENCE_SECONDS = 90.0
LONGEST_PAUSE_SECONDS = 2.0


class RunStopped(StewardError):
    """The run may not go on: its task was paused, cancelled or taken over."""

    status = 409
    type = "run-stopped"
    title = "The run may not go on"


class BoundReached(StewardError):
    """A bound of the tree is reached."""

    status = 409
    type = "bound-reached"
    title = "A bound of the tree is reached"


class StepUncertain(StewardError):
    """Nobody can know whether a step took effect."""

    status = 409
    type = "step-uncertain"
    title = "Nobody knows whether this took effect"


async def insist(call: Callable[[], Awaitable[T]], patience_seconds: float = PATIENCE_SECONDS) -> T:
    """The call's answer, tried again while the database is out of reach. For calls that may be made twice."""
    until = time.monotonic() + patience_seconds
    pause = 0.05
    while True:
        try:
            return await call()
        except Unavailable:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


@dataclass
class Journal:
    """Steps of one run of one task. `generation` counts how often the work was asked for anew."""

    caller: Caller
    task_id: UUID
    generation: int
    begun: StepStart | None = None  # the step of the task's tool, where it began together with the run
    _numbers: Counter[str] = field(default_factory=Counter[str])

    async def begin_call(
        self, purpose: str, number: int | None = None, hold: Mapping[str, Any] | None = None
    ) -> RecordedCall:
        """Before a request to a model: the recorded answer if there is one, else a step to be ended.

        `number` repeats an earlier request of this run that failed; None is the next one. With `hold` the budgets are asked
        together with it ({cost_usd, limits}); what they said is in the answer.
        """
        if number is None:
            number = self._numbers[purpose]
            self._numbers[purpose] += 1
        key = f"{self.generation}/{purpose}/{number}"
        if hold is None:
            start = await self._begin(key, "model", purpose)
            return RecordedCall(step_id=start.step_id, number=number, answer=start.value)
        start = _insisted(
            await self._insist_on(lambda: steps.begin_model_call(self.caller, self.task_id, key, purpose, **hold))
        )
        return RecordedCall(step_id=start.step_id, number=number, answer=start.value, held=start.budget)

    async def end_call(self, begun: RecordedCall, call: ModelCall, answer: Any) -> None:
        """After a request: its answer, or None when it failed (`call.error` says how)."""
        step_id = begun.step_id
        if step_id is None:
            return
        if call.error is None:
            await insist(lambda: steps.finish_step(self.caller, step_id, answer, call.as_json()))
        else:
            error = call.error
            await insist(lambda: steps.fail_step(self.caller, step_id, error, call=call.as_json()))

    async def use_tool(
        self,
        kind: StepKind,
        name: str,
        do: Callable[[], Awaitable[Any]],
        find: Callable[[], Awaitable[Any | None]] | None = None,
    ) -> Any:
        """The result of a tool call, made at most once for an act.

        An act that an earlier run began and did not end is looked for with `find` (None: it certainly did not happen;
        StepUncertain: it cannot be known). Raises StepUncertain where nobody can know.
        """
        step_id, result = await self.begin_and_do(kind, name, do, find)
        if step_id is not None:
            await self.finish(step_id, result)
        return result

    async def begin_and_do(
        self,
        kind: StepKind,
        name: str,
        do: Callable[[], Awaitable[Any]],
        find: Callable[[], Awaitable[Any | None]] | None = None,
        approval_id: UUID | None = None,
        own: Mapping[str, object] | None = None,
    ) -> tuple[UUID | None, Any]:
        """As `use_tool`, but the step is left for the caller to end, together with the task; None when it had ended before.

        `approval_id`: the yes that the step uses up as it begins; `own`: what an own act does, kept as its approval.
        """
        key = f"{self.generation}/{name}/{self._numbers[name]}" if kind == "read" else f"{name}/{self._numbers[name]}"
        self._numbers[name] += 1
        start, self.begun = self.begun or await self._begin(key, kind, name, approval_id, own), None
        if start.state == "finished":
            return None, start.value
        step_id = start.step_id
        if start.state == "uncertain" or step_id is None:
            raise StepUncertain(f"Nobody knows whether {name} took effect")
        if start.state == "unknown":
            found = await self._find(step_id, name, find)
            if found is not None:
                return step_id, found
        return step_id, await self._do(step_id, kind, name, do)

    async def finish(self, step_id: UUID, result: Any) -> None:
        """Record that a step took effect, and what came out."""
        await insist(lambda: steps.finish_step(self.caller, step_id, result))

    async def _begin(
        self,
        key: str,
        kind: StepKind,
        name: str,
        approval_id: UUID | None = None,
        own: Mapping[str, object] | None = None,
    ) -> StepStart:
        return _insisted(
            await self._insist_on(
                lambda: steps.begin_step(self.caller, self.task_id, key, kind, name, approval_id, own)
            )
        )

    async def _insist_on(self, begin: Callable[[], Awaitable[StepStart]]) -> StepStart:
        try:
            return await insist(begin)
        except (Conflict, NotFound) as stop:
            raise RunStopped(stop.message, detail=stop.detail) from stop

    async def _find(self, step_id: UUID, name: str, find: Callable[[], Awaitable[Any | None]] | None) -> Any | None:
        reason = f"An earlier run began {name} and broke off; whether it took effect cannot be looked up"
        try:
            if find is not None:
                return await find()
        except (StepUncertain, Uncertain) as uncertain:
            reason = uncertain.message
        await insist(lambda: steps.fail_step(self.caller, step_id, reason, is_uncertain=True))
        raise StepUncertain(reason)

    async def _do(self, step_id: UUID, kind: StepKind, name: str, do: Callable[[], Awaitable[Any]]) -> Any:
        try:
            with span("step", kind=kind, name=name):
                return await do()
        except (StepUncertain, Uncertain) as uncertain:
            reason = uncertain.message
            await insist(lambda: steps.fail_step(self.caller, step_id, reason, is_uncertain=True))
            raise StepUncertain(reason) from uncertain
        except StewardError as error:
            # A tool that raises one of ours says that nothing took effect.
            reason = error.message
            await insist(lambda: steps.fail_step(self.caller, step_id, reason))
            raise
        except Exception as error:
            reason = f"{name} ended with an unexpected error: {type(error).__name__}"
            is_uncertain = kind == "act"
            await insist(lambda: steps.fail_step(self.caller, step_id, reason, is_uncertain=is_uncertain))
            if is_uncertain:
                raise StepUncertain(reason) from error
            raise


def _insisted(start: StepStart) -> StepStart:
    """Raises BoundReached where the step may not begin."""
    if start.state == "refused":
        raise BoundReached(f"The tree has reached its bound: {start.reason}")
    return start
