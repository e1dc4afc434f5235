"""The command commitments: what was promised, by the person and to them; closed, opened again and moved."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output, WrongUse, one_line

if TYPE_CHECKING:
    from app.house import House
    from tasks.commitments import Commitment

Action = Literal["list", "close", "drop", "open", "move"]
Whose = Literal["mine", "theirs"]
LEAST_PREFIX = 4


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("commitments", cls=DoorCommand, rich_help_panel="Attention")(commitments_command)


def commitments_command(
    action: Annotated[
        Action, typer.Argument(help="list; close (it was kept), drop, open again or move one with an ID.")
    ] = "list",
    commitment_id: Annotated[str, typer.Argument(metavar="ID", help="The promise's id.")] = "",
    why: Annotated[str, typer.Option("--why", help="close, drop: the reason, kept with it.")] = "",
    due: Annotated[
        str, typer.Option("--due", help="move: until when, as you would say it; nothing takes the day away.")
    ] = "",
    whose: Annotated[Whose | None, typer.Option("--whose", help="list: yours, or those of others to you.")] = None,
    show_closed: Annotated[bool, typer.Option("--all", help="list: closed ones too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What you promised, and what others promised you: found in mail, closed by what is written later, or by you.

    [dim]steward commitments --whose theirs[/dim]
    [dim]steward commitments close 3f2a --why "by phone"[/dim]
    [dim]steward commitments move 3f2a --due friday[/dim]
    """
    if (action != "list") != bool(commitment_id.strip()):
        what = "takes no id" if action == "list" else "needs the id of a promise: `steward commitments` shows them"
        raise WrongUse(f"steward commitments {action} {what}")

    async def visit(house: "House") -> None:
        out = Output(as_json)
        if action == "list":
            await _list(house, out, whose, show_closed=show_closed)
        else:
            await _change(house, out, action, await _find(house, commitment_id), why, due)

    in_house(visit)


async def _list(house: "House", out: Output, whose: Whose | None, *, show_closed: bool) -> None:
    from tasks.commitments import CommitmentFilter, all_commitments

    is_mine = None if whose is None else whose == "mine"
    wanted = CommitmentFilter(is_mine=is_mine, state=None if show_closed else "open")
    found = await all_commitments(house.caller, wanted)
    out.data({"items": found})
    if not found:
        out.say(
            "No promises are open. They are found in the mail that is read."
            if not show_closed
            else "No promises were found yet."
        )
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("ID", "Who", "Promise", "Due", "State"):
        table.add_column(heading)
    now = house.clock.now()
    for one in found:
        late = one.state == "open" and one.due_at is not None and one.due_at < now
        to = f" to {one.called}" if one.person_name or one.person_address else ""
        theirs = f"{one.called}, by the notes" if one.source_kind == "notes" else one.called
        who = f"you{to}" if one.is_mine else theirs
        due = Text(_due(one, house), "red" if late else "")
        table.add_row(str(one.id)[:8], one_line(who), one_line(one.heading), due, one.state)
    out.table(table)


async def _change(house: "House", out: Output, action: str, promise: "Commitment", why: str, due: str) -> None:
    from tasks import commitments

    now = house.clock.now()
    match action:
        case "close" | "drop":
            state = "kept" if action == "close" else "dropped"
            changed = await commitments.close_commitment(house.caller, promise.id, state, why or "You said so", now)
        case "open":
            changed = await commitments.reopen_commitment(house.caller, promise.id, now)
        case _:
            moment, all_day = _moment(due, now)
            changed = await commitments.move_commitment(house.caller, promise.id, moment, due_is_all_day=all_day)
    out.data(changed)
    out.say(f"{one_line(changed.title or changed.quote)}: {changed.state}, {_due(changed, house) or 'no day'}")


def _moment(text: str, now: datetime) -> tuple[datetime | None, bool]:
    """The moment that the words name. Raises WrongUse where they name none."""
    from agents.rules.dates import find_dates

    if not text.strip():
        return None, True
    found = find_dates(text, now)
    if not found:
        raise WrongUse(f"--due {text[:60]!r} names no day", hint="It is like friday, tomorrow 3pm, or 2026-03-12.")
    return found[0].due_at, found[0].is_all_day


async def _find(house: "House", wanted: str) -> "Commitment":
    """The promise with that id, or whose id begins so. Raises WrongUse for none and for several."""
    from tasks.commitments import CommitmentFilter, all_commitments

    text = wanted.strip().casefold()
    fitting = [
        one
        for one in await all_commitments(house.caller, CommitmentFilter())
        if len(text) >= LEAST_PREFIX and str(one.id).startswith(text)
    ]
    if len(fitting) == 1:
        return fitting[0]
    raise WrongUse(
        f"{len(fitting) or 'No'} promises have an id that begins with {wanted[:40]!r}",
        hint="`steward commitments --all` shows the ids; the first 4 characters or more are enough where one alone has them.",
    )


def _due(promise: "Commitment", house: "House") -> str:
    if promise.due_at is None:
        return ""
    here = promise.due_at.astimezone(house.clock.timezone)
    return f"{here:%Y-%m-%d}" if promise.due_is_all_day else f"{here:%Y-%m-%d %H:%M}"
