"""The command execute, and following a run until it is settled."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from cli import rendering
from cli.door import DoorCommand, IdArgument, JsonOption, in_house
from cli.handing import AgentOption, CanOption, InputOption, TellOption, hand_over, say_handed, wish_of
from cli.output import Output, one_line
from cli.task_lines import say_result
from cli.tasks import find_task
from core.database import Caller
from tasks import functions, review
from tasks.drafts import Draft
from tasks.events import TaskEvent, list_task_events
from tasks.functions import TaskNode
from tasks.models import Task

if TYPE_CHECKING:
    from app.house import House

UNSETTLED = {"queued", "in_progress"}
LOOK_SECONDS = 0.2
EVENT_PAGE = 1000


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("execute", cls=DoorCommand, rich_help_panel="Tasks")(execute_command)


def execute_command(
    task_id: IdArgument,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Queue it and go; a running Steward does it.")] = False,
    agent: AgentOption = "",
    can: CanOption = None,
    given: InputOption = "",
    told: TellOption = "",
    as_json: JsonOption = False,
) -> None:
    """Have Steward work on a task: it does it, breaks it down, or says what only you can do.

    A mail becomes a draft that waits in `steward review`; it leaves by itself only where a permission of yours covers it.
    With --agent or --can it is given to other people's agents instead; `steward agents` shows them.

    [dim]steward execute 22afbe6a --agent Larry --input '{"text": "two words"}'[/dim]
    """
    wish = wish_of(agent, can, given, told)

    async def action(house: "House") -> int:
        found = await find_task(house.caller, task_id)
        out = Output(as_json)
        if wish is not None:
            ids = await hand_over(house, found, wish)
            out.data({"task": await functions.get_task(house.caller, found.id), "task_ids": ids})
            say_handed(out, wish, ids, found)
            return 0
        seen = await last_event_id(house.caller, found.id)
        task = await functions.queue_task_execution(house.caller, found.id)
        if no_wait:
            out.data({"task": task})
            out.say(Text.assemble(rendering.mark(task.execution_status), f" Queued: {one_line(task.title)}"))
            return 0
        async with progress(out, house) as show:
            await follow(house, found.id, seen, show)
        task = await functions.get_task(house.caller, found.id)
        tree = await functions.get_task_tree(house.caller, found.id)
        out.data(answer_json(task, tree))
        if not as_json:
            await say_answer(house.caller, out, task, tree)
        return 1 if task.execution_status == "failed" else 0

    raise typer.Exit(in_house(action))


async def last_event_id(caller: Caller, task_id: UUID) -> int:
    """The id of the latest event of a task; 0 before the first."""
    seen = 0
    while events := await list_task_events(caller, task_id, after=seen, limit=EVENT_PAGE):
        seen = events[-1].id
    return seen


@asynccontextmanager
async def progress(out: Output, house: "House") -> AsyncGenerator[Callable[[TaskEvent], None], None]:
    """Shows events as they come: lines beside a spinner on a terminal, plain lines elsewhere, nothing with --json."""

    def line(event: TaskEvent) -> None:
        words = leaving_words(event, house.clock.timezone) or event_words(event)
        if words and not out.as_json:
            out.errors.print(Text(f"  {words}", "dim"), soft_wrap=True)

    if out.as_json or not out.errors.is_terminal:
        yield line
    else:
        with out.errors.status("Working ..."):
            yield line


def leaving_words(event: TaskEvent, zone: ZoneInfo) -> str:
    """What a permission has just let go: when it leaves, and how to undo it; empty for any other event."""
    data = event.data
    if event.kind != "approval" or event.message != "approved" or data.get("decided_how") != "permission":
        return ""
    held = data.get("hold_until")
    at = f"at {datetime.fromisoformat(held).astimezone(zone):%H:%M:%S}" if held else "now"
    short = str(data.get("draft_id") or data.get("approval_id"))[:8]
    return f"Leaves {at} by your permission. Undo: steward review --undo {short}"


def event_words(event: TaskEvent) -> str:
    """An event in a few words; empty for what nobody needs to see."""
    if event.kind in {"changed", "approval"}:
        return ""
    if event.kind == "state":
        reason = event.data.get("reason")
        words = f"{event.message}: {event.data.get('title') or ''}"
        return one_line(f"{words} ({reason})" if reason else words)
    return one_line(f"{event.kind}: {event.message}" if event.kind == "draft" else event.message)


async def follow(house: "House", task_id: UUID, seen: int, show: Callable[[TaskEvent], None]) -> None:
    """Work on a task, and then on what it queued below itself, until nothing of it is queued or running.

    The work is done by a worker that is alive somewhere, else in this process. Raises what the worker raises.
    """
    done: set[UUID] = set()
    while working := await _unsettled(house.caller, task_id) - done:
        for one in sorted(working):
            seen = await _work_on(house, one, task_id, seen, show)
        done |= working
    await _show_new(house.caller, task_id, seen, show)


async def _work_on(house: "House", one: UUID, root: UUID, seen: int, show: Callable[[TaskEvent], None]) -> int:
    worker = asyncio.create_task(house.work_until(one))
    try:
        while not worker.done():
            await asyncio.wait({worker}, timeout=LOOK_SECONDS)
            seen = await _show_new(house.caller, root, seen, show)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    worker.result()
    return seen


async def _show_new(caller: Caller, task_id: UUID, seen: int, show: Callable[[TaskEvent], None]) -> int:
    for event in await list_task_events(caller, task_id, after=seen, limit=EVENT_PAGE):
        show(event)
        seen = event.id
    return seen


async def _unsettled(caller: Caller, task_id: UUID) -> set[UUID]:
    tree = await functions.get_task_tree(caller, task_id)
    return {node.id for node in _nodes(tree) if node.execution_status in UNSETTLED}


def _nodes(tree: TaskNode) -> list[TaskNode]:
    found = [tree]
    for child in tree.children:
        found += _nodes(child)
    return found


def answer_json(task: Task, tree: TaskNode) -> dict[str, Any]:
    """The same object as POST /api/tasks/execute answers, and the task."""
    result: dict[str, Any] = task.result or {}
    answer: dict[str, Any] = {
        "success": task.execution_status != "failed" and task.strategy != "blocked",
        "strategy": None if task.execution_status == "failed" else task.strategy,
        "execution_status": task.execution_status,
        "message": result.get("message") or rendering.status_line(task),
    }
    if task.execution_status == "failed":
        answer["reason"] = task.failure_reason
    elif task.strategy == "decompose":
        answer["subtasks"] = [
            child.model_dump(mode="json", include={"id", "title", "execution_type", "execution_status"})
            for child in tree.children
            if child.tool is None
        ]
    elif task.strategy == "immediate":
        answer |= {"result": result.get("output"), "draft_id": task.open_draft_id or result.get("draft_id")}
    else:
        answer |= {"reason": task.blocked_reason, "unblocked_by": task.unblocked_by}
    return {**answer, "task": task}


def say_sent(out: Output, draft: Draft) -> None:
    """What became of an approved draft."""
    recipients = ", ".join([*draft.to_recipients, *draft.cc_recipients, *draft.bcc_recipients])
    recipients = recipients or str(draft.target.get("name") or draft.target.get("channel") or "")
    match draft.state:
        case "sent":
            out.say(Text.assemble(("✓ ", "green"), one_line(f"Sent to {recipients}")))
            if draft.provider_ref:
                out.note(f"It lies in {draft.provider_ref}")
        case "approved" | "sending":
            out.say(f"Approved. It is on its way to {recipients}.")
        case _:
            reason = f": {draft.failure_reason}" if draft.failure_reason else ""
            out.say(Text.assemble(("✗ ", "red"), one_line(f"{draft.state}{reason}")))


async def say_answer(caller: Caller, out: Output, task: Task, tree: TaskNode) -> None:
    """How a run ended, in words: done, broken down, blocked or failed, and what comes next."""
    title = one_line(task.title)
    match task.execution_status:
        case "completed" if task.is_drafted:
            out.say(Text.assemble(rendering.task_mark(task), " Drafted: ", (title, "bold")))
        case "completed":
            out.say(Text.assemble(("✓ ", "green"), "Done: ", (title, "bold")))
        case "failed":
            out.say(Text.assemble(("✗ ", "red"), f"Failed: {title}"), f"  {task.failure_reason or 'no reason given'}")
            out.note(f"Try again with: steward retry {rendering.short_id(task)}")
            return
        case "blocked" if task.blocked_on not in {"review", "subtasks"}:
            out.say(Text.assemble(("! ", "yellow"), "Blocked: ", (title, "bold")), f"  {task.blocked_reason or ''}")
            if task.unblocked_by:
                out.say(f"  What helps: {task.unblocked_by}")
            return
        case _:
            out.say(
                Text.assemble(
                    rendering.mark(task.execution_status), f" {rendering.status_line(task)}: ", (title, "bold")
                )
            )
    if task.strategy == "decompose":
        out.console.print(rendering.task_tree(tree))
    elif task.open_draft_id:
        draft = await review.get_draft(caller, task.open_draft_id)
        out.say()
        out.say(*rendering.draft_as_mail(draft))
        out.note(f"\nNothing is sent before you approve it: steward review  (draft {rendering.short_id(draft)})")
    else:
        say_result(out, task)
        if (newest := (await review.list_drafts(caller, task_id=task.id, limit=1)).items) and newest[
            0
        ].state != "draft":
            say_sent(out, newest[0])
        if task.blocked_on == "review":
            out.note("\nIs it right? steward review")
