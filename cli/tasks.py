"""Commands on tasks: list, show, done, reopen, pause, resume, cancel, retry, delete."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, get_args
from uuid import UUID

import typer
from rich.text import Text

from cli import rendering
from cli.door import DoorCommand, IdArgument, JsonOption, ask, in_house
from cli.output import Output, WrongUse, one_line
from cli.task_lines import say_let_go, say_next, say_task
from cli.undo import held_of, say_leaving
from core.database import Caller
from core.errors import NotFound
from tasks import day_plans, functions, review
from tasks.events import list_task_events
from tasks.functions import TaskFilter
from tasks.models import ExecutionStatus, ExecutionType, Priority, Source, Task
from tasks.repeating import continue_ended
from tasks.snoozing import count_snoozed_tasks

if TYPE_CHECKING:
    from app.house import House
    from core.clock import Clock

OPEN: list[ExecutionStatus] = ["pending", "queued", "in_progress", "paused", "blocked", "failed"]
PAGE = 200
EVENTS_READ = 1000
NOTHING_OPEN = 'Nothing to do. `steward chat "..."` or `steward add "..."` makes a task.'


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("list", cls=DoorCommand, rich_help_panel="Tasks")(list_command)
    app.command("show", cls=DoorCommand, rich_help_panel="Tasks")(show_command)
    app.command("done", cls=DoorCommand, rich_help_panel="Tasks")(done_command)
    app.command("reopen", cls=DoorCommand, rich_help_panel="Tasks")(reopen_command)
    app.command("pause", cls=DoorCommand, rich_help_panel="Tasks")(pause_command)
    app.command("resume", cls=DoorCommand, rich_help_panel="Tasks")(resume_command)
    app.command("cancel", cls=DoorCommand, rich_help_panel="Tasks")(cancel_command)
    app.command("retry", cls=DoorCommand, rich_help_panel="Tasks")(retry_command)
    app.command("delete", cls=DoorCommand, rich_help_panel="Tasks")(delete_command)


async def find_task(caller: Caller, given: str) -> Task:
    """The one task whose id is, or begins with, `given`.

    Raises WrongUse when it is no beginning of an id or fits several, NotFound when it fits none.
    """
    prefix = given.strip().lower()
    if not re.fullmatch(r"[0-9a-f-]{4,36}", prefix):
        raise WrongUse(
            f"{given!r} is not the id of a task",
            hint="An id begins with at least 4 of the digits 0-9 a-f that `steward list` shows.",
        )
    if len(prefix) == 36:
        return await functions.get_task(caller, _uuid(prefix))
    found = await functions.find_tasks(caller, prefix)
    if not found:
        raise NotFound(f"No task has an id that begins with {prefix}", hint="`steward list` shows them.")
    if len(found) > 1:
        raise WrongUse(
            f"{len(found)} tasks have an id that begins with {prefix}",
            hint="Give more of it.",
            errors=[{"id": str(task.id), "message": task.title} for task in found],
        )
    return found[0]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise WrongUse(f"{text!r} is not a complete id") from error


def parse_limit_day(text: str, clock: "Clock") -> datetime:
    """The moment that `--due-before` means: ISO 8601, or the start of today, tomorrow, the day in a week."""
    today = clock.now().astimezone(clock.timezone).date()
    words = {"today": today, "tomorrow": today + timedelta(days=1), "week": today + timedelta(days=7)}
    day = words.get(text.strip().lower())
    if day is not None:
        return datetime.combine(day, time(), clock.timezone)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise WrongUse(
            f"--due-before does not understand {text!r}",
            hint="Give a day as 2026-03-06, a moment as 2026-03-06T12:00, or today, tomorrow, week.",
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=clock.timezone)


async def read_tasks(caller: Caller, where: TaskFilter, limit: int) -> tuple[list[Task], bool]:
    """Up to `limit` tasks, most urgent first; and are there more?"""
    tasks: list[Task] = []
    after = None
    while len(tasks) < limit:
        page = await functions.list_tasks(caller, where, after=after, limit=min(PAGE, limit - len(tasks)))
        tasks += page.items
        after = page.after
        if after is None:
            return tasks, False
    more = await functions.list_tasks(caller, where, after=after, limit=1)
    return tasks, bool(more.items)


def _choice(option: str, value: str | None, allowed: tuple[str, ...]) -> str | None:
    if value is None or value in allowed:
        return value
    raise WrongUse(f"{option} has no value {value!r}", hint=f"Allowed: {', '.join(allowed)}.")


def list_command(
    status: Annotated[
        list[str] | None, typer.Option("--status", "-s", help="Only this state; may be given again.")
    ] = None,
    execution_type: Annotated[
        str | None, typer.Option("--type", "-t", help=f"Only one of {', '.join(get_args(ExecutionType))}.")
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="Only what came from chat, mail, manual, ...")] = None,
    priority: Annotated[
        str | None, typer.Option("--priority", "-p", help=f"Only one of {', '.join(get_args(Priority))}.")
    ] = None,
    label: Annotated[str | None, typer.Option("--label", "-l", help="Only with this label.")] = None,
    search: Annotated[str | None, typer.Option("--search", help="Only with these words.")] = None,
    due_before: Annotated[
        str | None,
        typer.Option("--due-before", help="Only due before 2026-03-06, today, tomorrow or (in a) week."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most so many.")] = 50,
    all_: Annotated[bool, typer.Option("--all", "-a", help="Also what is done and cancelled.")] = False,
    snoozed: Annotated[bool, typer.Option("--snoozed", help="Only what is snoozed.")] = False,
    steps: Annotated[bool, typer.Option("--steps", help="Also the steps below tasks.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List tasks, most urgent first: the open ones, unless a filter says otherwise.

    [dim]steward list --due-before tomorrow[/dim]
    [dim]steward list --status blocked --json[/dim]
    """

    async def action(house: "House") -> None:
        statuses = [_choice("--status", s, get_args(ExecutionStatus)) for s in status or []]
        where = TaskFilter.model_validate(
            {
                "status": statuses or (None if all_ else OPEN),
                "execution_type": _choice("--type", execution_type, get_args(ExecutionType)),
                "source": _choice("--source", source, get_args(Source)),
                "priority": _choice("--priority", priority, get_args(Priority)),
                "label": label.removeprefix("#")[:100] if label else None,
                "text": search[:500] if search else None,
                "due_before": parse_limit_day(due_before, house.clock) if due_before else None,
                "parent": None if steps else "none",
                "snoozed": "true" if snoozed else None if status or all_ or search else "false",
                "at": house.clock.now(),
            }
        )
        tasks, has_more = await read_tasks(house.caller, where, limit)
        out = Output(as_json)
        out.data({"items": tasks, "has_more": has_more})
        if not tasks:
            if not as_json:
                await _say_nothing_found(out, house.caller, where)
            return
        table = rendering.task_table(tasks, house.clock.now(), house.clock.timezone, out.console.width)
        out.table(table)
        if has_more:
            out.note(f"These are the first {limit}; --limit shows more.")
        if any(task.blocked_on == "review" for task in tasks):
            out.note("Something waits for your review: steward review")

    in_house(action)


async def _say_nothing_found(out: Output, caller: Caller, where: TaskFilter) -> None:
    if where.model_dump(exclude_none=True, exclude={"at"}) == {"status": OPEN, "parent": "none", "snoozed": "false"}:
        waiting = len((await review.list_drafts(caller, states=["draft"], limit=20)).items)
        if waiting:
            out.say(
                f"No open task. {waiting} {'draft waits' if waiting == 1 else 'drafts wait'} for you: steward review"
            )
        else:
            out.say(NOTHING_OPEN)
        if where.at and (snoozed := await count_snoozed_tasks(caller, where.at)):
            out.note(f"{snoozed} {'is' if snoozed == 1 else 'are'} snoozed: steward list --snoozed")
        return
    out.say("No task is like that." if where.status != OPEN else "No open task is like that.")
    wider = [("--steps", "is a step below another", {"parent": None})] if where.parent else []
    if where.status == OPEN:
        wider.insert(0, ("--all", "is done or cancelled", {"status": None}))
    if len(wider) == 2:
        wider.append(("--all --steps", "is a step that is done or cancelled", {"status": None, "parent": None}))
    for options, state, change in wider:
        if (await functions.list_tasks(caller, where.model_copy(update=change), limit=1)).items:
            out.note(f"One that fits {state}: {options} shows it.")
            return


def show_command(task_id: IdArgument, as_json: JsonOption = False) -> None:
    """Show one task: what it waits for, its steps, its result, its draft and its log."""

    async def action(house: "House") -> None:
        from app.tasks.by_task_id._duration import duration_line

        task = await find_task(house.caller, task_id)
        task = await functions.get_task(house.caller, task.id)
        tree = await functions.get_task_tree(house.caller, task.id)
        drafts = (await review.list_drafts(house.caller, task_id=task.id)).items
        out = Output(as_json)
        held = await held_of(house, task, tree)
        children = [child.model_dump(mode="json") for child in tree.children]
        out.data({"task": task, "children": children, "drafts": drafts, "held": held})
        if not as_json:
            say_task(out, task, tree, drafts, house.clock)
            if line := await duration_line(house.caller, task, house.clock.now()):
                out.say("", line)
            for event in await list_task_events(house.caller, task.id, 0, EVENTS_READ):
                say_let_go(out, event, task, house.clock)
            say_leaving(house, out, held)

    in_house(action)


Change = Callable[[Caller, UUID], Awaitable[Task]]


def _change(task_id: str, as_json: bool, change: Change, said: str, *, known_as: ExecutionStatus | None = None) -> None:
    """`known_as`: the state that the task may be in already; then that is said."""

    async def action(house: "House") -> None:
        before = await find_task(house.caller, task_id)
        task = await change(house.caller, before.id)
        following = await next_of(house, task)
        out = Output(as_json)
        words = f"Was {said.lower()} already" if before.execution_status == known_as else said
        out.data({"task": task, "next": following} if following else {"task": task})
        out.say(Text.assemble(rendering.mark(task.execution_status), f" {words}: ", (one_line(task.title), "bold")))
        if task.execution_status == "queued":
            out.note("A running Steward does it; without one: steward execute " + rendering.short_id(task))
        if task.id != before.id:
            out.say(Text.assemble("  New: ", (rendering.short_id(task), "dim")))
        if following:
            say_next(out, following, house.clock)

    in_house(action)


async def next_of(house: "House", task: Task) -> Task | None:
    """What comes after a task that repeats and is over: it is there at once."""
    if not task.repeats or task.execution_status not in {"completed", "cancelled"}:
        return None
    return next(iter(await continue_ended(house.database, house.clock, [task.id])), None)


def done_command(
    task_id: IdArgument,
    took: Annotated[
        int | None, typer.Option("--took", min=1, max=100_000, help="How many minutes it took you; estimates learn it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tick a task off: you did it.

    [dim]steward done 3f2a --took 25[/dim]
    """

    async def tick_off(caller: Caller, found: UUID) -> Task:
        changes = {"execution_status": "completed"}
        if took is not None:
            return await day_plans.save_time_spent(caller, found, took, changes)
        return await functions.update_task(caller, found, changes)

    _change(task_id, as_json, tick_off, "Done", known_as="completed")


def reopen_command(task_id: IdArgument, as_json: JsonOption = False) -> None:
    """Not done after all: a new open task in the place of one that you ticked off."""
    _change(task_id, as_json, functions.reopen_task, "Open again")


def pause_command(task_id: IdArgument, as_json: JsonOption = False) -> None:
    """Pause a task and everything below it."""
    _change(task_id, as_json, functions.pause_task, "Paused")


def resume_command(task_id: IdArgument, as_json: JsonOption = False) -> None:
    """Take the pause off again; what was waiting to run is queued."""
    _change(task_id, as_json, functions.resume_task, "Resumed")


def cancel_command(task_id: IdArgument, as_json: JsonOption = False) -> None:
    """Cancel a task and everything below it. Drafts of it become void; finished work stays."""
    _change(task_id, as_json, functions.cancel_task, "Cancelled")


def retry_command(task_id: IdArgument, as_json: JsonOption = False) -> None:
    """Have a failed task tried again."""
    _change(task_id, as_json, functions.retry_task, "Queued again")


def delete_command(
    task_id: IdArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete a task and everything below it, for good. Asks first."""

    async def action(house: "House") -> None:
        task = await find_task(house.caller, task_id)
        out = Output(as_json)
        if not yes:
            below = f" and its {task.subtask_count} steps" if task.subtask_count else ""
            if not out.is_interactive:
                raise WrongUse("Nothing is deleted without a yes", hint="Add --yes to delete without a question.")
            if ask(f"Delete “{one_line(task.title)}”{below} for good? [y/N] ").strip().lower() not in {
                "y",
                "yes",
            }:
                out.say("Nothing was deleted.")
                return
        await functions.delete_task(house.caller, task.id)
        out.data({"deleted": task.id})
        out.say(f"Deleted: {one_line(task.title)}")

    in_house(action)
