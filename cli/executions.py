"""The command executions: what is carried out, how far it is and what it waits for; paused, resumed, cancelled."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output, WrongUse, one_line
from cli.tasks import find_task

if TYPE_CHECKING:
    from uuid import UUID

    from app.house import House
    from tasks.executions import ExecutionDetail, ExecutionState, Wanted

Action = Literal["list", "show", "pause", "resume", "cancel"]
State = Literal["created", "queued", "running", "blocked", "paused", "completed", "failed", "cancelled"]
WANTED: "dict[Action, Wanted]" = {"pause": "paused", "resume": "running", "cancel": "cancelled"}


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("executions", cls=DoorCommand, rich_help_panel="Tasks")(executions_command)


def executions_command(
    action: Annotated[Action, typer.Argument(help="list; show, pause, resume or cancel one.")] = "list",
    execution_id: Annotated[
        str, typer.Argument(metavar="ID", help="Its id, or the id of a task in it; the first 4 characters do.")
    ] = "",
    state: Annotated[State | None, typer.Option("--state", help="list: only those in this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="list: so many at most.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """What is carried out: plans, and tasks with their parts; how far each is, who is at it and what it waits for.

    [dim]steward executions show 22afbe6a[/dim]
    """
    if (action == "list") == bool(execution_id.strip()):
        what = "takes no id" if action == "list" else "needs an id; `steward executions` shows those that there are"
        raise WrongUse(f"steward executions {action} {what}")

    async def visit(house: "House") -> None:
        out = Output(as_json)
        if action == "list":
            await _list(house, out, state, limit)
            return
        task = await find_task(house.caller, execution_id)
        root = task.root_task_id or task.id
        if action == "show":
            await _show(house, out, root)
        else:
            await _bring(house, out, root, WANTED[action])

    in_house(visit)


async def _list(house: "House", out: Output, state: "ExecutionState | None", limit: int) -> None:
    from app.executions._words import STATE
    from tasks.executions import list_executions

    page = await list_executions(house.caller, state, limit=limit)
    out.data(page)
    if not page.items:
        out.say("There are no executions here. Begin one: steward execute ID, or steward plan start ID")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("ID", "Title", "State", "Done", "Agents at it", "Waits for you"):
        table.add_column(heading)
    for one in page.items:
        numbers = [str(count) if count else "" for count in (one.agents_at_work, one.waiting_for_you)]
        table.add_row(str(one.id)[:8], one_line(one.title), STATE[one.state][1], f"{one.percent:.0f} %", *numbers)
    out.table(table)


async def _show(house: "House", out: Output, execution_id: "UUID") -> None:
    from tasks.executions import get_execution

    found = await get_execution(house.caller, execution_id)
    out.data(found)
    out.say(one_line(found.title), style="bold")
    table = Table(box=None, pad_edge=False, show_header=False)
    for label, value in _facts(found):
        table.add_row(label, value)
    out.table(table)


def _facts(found: "ExecutionDetail") -> list[tuple[str, str]]:
    from app.executions._words import RISK, STATE, WAITS

    at_work = [
        f"{one_line(one.name or one.by)}: {one_line(one.title)}"
        + (f", {one.percent:.0f} %" if one.percent is not None else "")
        for one in found.at_work
    ]
    waits = [
        f"{one_line(one.title)}: waits for {one_line(one.whom or ', '.join(one.capabilities) or WAITS[one.waits_for])}"
        + (f" ({one_line(one.reason)})" if one.reason else "")
        for one in found.blockers
    ]
    facts = [
        ("id", str(found.id)),
        ("state", STATE[found.state][1]),
        ("why", one_line(found.reason or "")),
        ("done", f"{found.percent:.0f} %"),
        ("tasks", ", ".join(f"{count} {status}" for status, count in found.counts.items())),
        ("at work", "\n".join(at_work)),
        ("waits", "\n".join(waits)),
        (
            "risks",
            "\n".join(f"{one_line(one.title)}: {RISK[one.kind]} {one_line(one.what)}".strip() for one in found.risks),
        ),
        ("next", ", ".join(name for name, wanted in WANTED.items() if wanted in found.next_states)),
    ]
    return [(label, value) for label, value in facts if value]


async def _bring(house: "House", out: Output, execution_id: "UUID", wanted: "Wanted") -> None:
    from app._executions.acting import bring_to
    from app.executions._words import STATE

    found = await bring_to(house.caller, execution_id, wanted)
    out.data(found)
    out.say(f"{one_line(found.title)} is {STATE[found.state][1]}.")
