"""Following a plan on the terminal until it is done, or waits for a person."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from app._view.sequence import parts_of, walk
from cli.execute import EVENT_PAGE, event_words, last_event_id, leaving_words
from cli.output import Output, one_line
from core.database import Caller
from tasks import plans
from tasks.events import list_task_events
from tasks.plans import PlanState, PlanSummary, PlanTree

if TYPE_CHECKING:
    from app.house import House

LOOK_SECONDS = 0.3
MOST_HINTS = 5
UNSHOWN = {"output", "changed", "approval"}
STATE_STYLES: dict[PlanState, tuple[str, str]] = {
    "planning": ("▶ planning", "cyan"),
    "ready": ("○ ready to start", ""),
    "running": ("▶ running", "cyan"),
    "waiting": ("! waiting", "yellow"),
    "paused": ("‖ paused", "yellow"),
    "completed": ("✓ done", "green"),
    "failed": ("✗ failed", "red"),
    "cancelled": ("– cancelled", "dim"),
}
Show = Callable[[str, PlanSummary], None]


def state_text(state: PlanState) -> Text:
    """The state of a plan, with its mark."""
    return Text(*STATE_STYLES[state])


async def follow_plan(house: "House", out: Output, plan_id: UUID) -> PlanTree:
    """Follow a plan until nobody but a person could move it on, and return it.

    The work is done by a worker that is alive somewhere, else in this process.
    """
    from app.house import worker_lives
    from jobs.worker import working

    seen = await last_event_id(house.caller, plan_id)
    async with _shown(out) as show:
        if await worker_lives(house.database):
            return await _watch(house, plan_id, seen, show)
        async with working(await house.worker()):
            return await _watch(house, plan_id, seen, show)


async def _watch(house: "House", plan_id: UUID, seen: int, show: Show) -> PlanTree:
    while True:
        plan = await plans.get_plan_progress(house.caller, plan_id)
        seen = await _show_new(house, plan, seen, show)
        if is_settled(plan):
            found = await plans.get_plan(house.caller, plan_id)
            if is_settled(found.plan):  # nobody moved it on in between
                return found
        await asyncio.sleep(LOOK_SECONDS)


def is_settled(plan: PlanSummary) -> bool:
    """Is there nothing that the plan goes on with by itself?"""
    if plan.state in {"completed", "failed", "cancelled", "ready", "paused"}:
        return True
    return plan.state == "waiting" and plan.waiting_for_you > 0


async def _show_new(house: "House", plan: PlanSummary, seen: int, show: Show) -> int:
    caller: Caller = house.caller
    show("", plan)
    for event in await list_task_events(caller, plan.id, after=seen, limit=EVENT_PAGE):
        seen = event.id
        words = leaving_words(event, house.clock.timezone)
        if not words and event.kind not in UNSHOWN:
            words = event_words(event)
        if words:
            show(words, plan)
    return seen


@asynccontextmanager
async def _shown(out: Output) -> AsyncGenerator[Show]:
    """A bar of finished work with lines above it on a terminal, plain lines elsewhere, nothing with --json."""

    def line(words: str, plan: PlanSummary) -> None:
        if words and not out.as_json:
            out.errors.print(Text(f"  {words}", "dim"), soft_wrap=True)

    if out.as_json or not out.errors.is_terminal:
        yield line
        return
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=out.errors, transient=True) as bar:
        row = bar.add_task("", total=100)

        def both(words: str, plan: PlanSummary) -> None:
            line(words, plan)
            bar.update(row, completed=plan.percent, description=counts_words(plan))

        yield both


def counts_words(plan: PlanSummary) -> str:
    """How the parts stand, in a line: 12 done, 3 running, 40 open."""
    names = {
        "completed": "done",
        "in_progress": "running",
        "queued": "queued",
        "blocked": "waiting",
        "failed": "failed",
    }
    said = [f"{plan.counts[state]} {word}" for state, word in names.items() if plan.counts.get(state)]
    rest = sum(count for state, count in plan.counts.items() if state not in {*names, "cancelled"})
    return ", ".join([*said, *([f"{rest} open"] if rest else [])]) or "planning"


def say_waiting(out: Output, found: PlanTree) -> None:
    """What a person is asked, and how to answer."""
    waiting = [one for one in found.approvals if one.state == "open"]
    short = str(found.plan.id)[:8]
    for one in waiting:
        out.say(Text.assemble(("! ", "yellow"), one_line(one.title), (f"  {str(one.id)[:8]}", "dim")))
    if waiting:
        out.note("\nIt waits for your yes or no: steward review")
    elif found.plan.state == "waiting":
        for help_ in _what_helps(found):
            out.note(f"\n{help_}")
    elif found.plan.state == "ready":
        out.note(f"\nStart it with: steward plan start {short}")
    elif found.plan.state == "failed" or found.plan.counts.get("failed"):
        out.note(f"\nTry what failed again with: steward plan retry {short}")


def _what_helps(found: PlanTree) -> list[str]:
    """What would move a plan on that waits for a person without asking: each thing once."""
    parts = [part for part in walk(found.tree) if not parts_of(part)]
    said = [part.unblocked_by or "" for part in parts if part.execution_status == "blocked"]
    ids = {part.id for part in parts if part.execution_status == "completed"}
    yours = [
        part
        for part in parts
        if part.execution_type == "manual" and part.execution_status == "pending" and set(part.depends_on) <= ids
    ]
    if yours:
        said.append(f"{len(yours)} of its parts are yours; tick off what you did: steward done {str(yours[0].id)[:8]}")
    lacking = [part for part in (found.tree, *parts) if part.blocked_on in {"model", "account", "bounds"}]
    if any(part.execution_status == "blocked" for part in lacking):
        said.append(f"When it is there: steward plan retry {str(found.plan.id)[:8]}")
    return [one_line(one) for one in dict.fromkeys(said) if one][:MOST_HINTS]
