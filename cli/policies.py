"""The command policies: standing permissions, what each would have let through, and the switch that stops all of them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output, WrongUse, one_line
from core.hosts import shown_address

if TYPE_CHECKING:
    from app.house import House
    from tasks.policies import Policy

Action = Literal["list", "show", "on", "off", "stop", "resume"]
LEAST_PREFIX = 4
OUTCOMES = {
    "as_written": "sent as written",
    "edited": "you edited it",
    "rejected": "you turned it down",
    "by_permission": "left by a permission",
}


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("policies", cls=DoorCommand, rich_help_panel="Review")(policies_command)


def policies_command(
    action: Annotated[
        Action, typer.Argument(help="list; show, on or off with an ID; stop or resume all of them.")
    ] = "list",
    policy_id: Annotated[str, typer.Argument(metavar="ID", help="show, on, off: the permission's id.")] = "",
    as_json: JsonOption = False,
) -> None:
    """What may leave without asking you: list it, look at what it would have let through, switch it on and off.

    New ones are given on the page Settings, Permissions, where they are tried on the past first.

    [dim]steward policies show 3f2a[/dim]
    [dim]steward policies stop[/dim]
    """
    needs_id = action in {"show", "on", "off"}
    if needs_id != bool(policy_id.strip()):
        what = "needs the id of a permission: `steward policies` shows them" if needs_id else "takes no id"
        raise WrongUse(f"steward policies {action} {what}")

    async def visit(house: "House") -> None:
        out = Output(as_json)
        match action:
            case "list":
                await _list(house, out)
            case "show":
                await _show(house, out, policy_id)
            case "on" | "off":
                await _switch(house, out, policy_id, is_on=action == "on")
            case "stop" | "resume":
                await _stop(house, out, stopped=action == "stop")

    in_house(visit)


async def _list(house: "House", out: Output) -> None:
    from agents.permitting import in_words
    from tasks.policies import list_policies

    found = await list_policies(house.caller)
    out.data(found)
    if found.stopped_at:
        out.say(
            Text.assemble(("! ", "yellow"), f"All are stopped since {_time(found.stopped_at, house)}: everything asks.")
        )
    if not found.items:
        out.say("There are no permissions: everything asks you. Settings, Permissions on the pages makes one.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("ID", "What", "To", "State", "Last day", "Until"):
        table.add_column(heading)
    for one in found.items:
        used = f"{one.used_today} of {one.max_per_day}"
        targets = one_line(_targets(one))
        table.add_row(str(one.id)[:8], in_words(one.action), targets, _state(one), used, _time(one.expires_at, house))
    out.table(table)


async def _show(house: "House", out: Output, wanted: str) -> None:
    from agents.permitting import DAYS, Past, in_words
    from tasks.kinds import kind_words
    from tasks.replay import permission_of

    policy = await _find(house, wanted)
    found = await Past(house.caller, house.equipment.tools).under(permission_of(policy))
    gone = [
        {"approval_id": one.past.approval_id, "title": one.past.title, "outcome": one.outcome} for one in found.gone
    ]
    numbers = {
        name: getattr(found, name) for name in ("would_have_gone", "edited", "rejected", "by_permission", "asked")
    }
    out.data({"policy": policy, "replay": {**numbers, "message": found.in_words, "items": gone}})
    kinds = f", for tasks of the kind {', '.join(map(kind_words, policy.task_kinds))}" if policy.task_kinds else ""
    out.say(Text(one_line(f"{in_words(policy.action)} to {_targets(policy)}{kinds}: {_state(policy)}"), "bold"))
    if policy.demoted_because:
        out.say(f"  It switched itself off: {one_line(policy.demoted_because)}")
    out.say(
        f"  used {policy.used_today} of {policy.max_per_day} times in the last day, {policy.held} can still be undone"
    )
    out.say(f"  until {_time(policy.expires_at, house)}, {policy.hold_seconds} s to undo")
    out.say(f"  In the last {DAYS} days: {found.in_words}")
    for one in found.gone[:20]:
        out.say(f"    {_time(one.past.created_at, house)}  {one_line(one.past.title)}: {OUTCOMES[one.outcome]}")


async def _switch(house: "House", out: Output, wanted: str, *, is_on: bool) -> None:
    from agents.permitting import in_words
    from tasks.policies import save_policy

    policy = await _find(house, wanted)
    if policy.is_enabled == is_on:
        out.data(policy)
        already = (
            "it is on already" if is_on else f"it is off already{' (it switched itself off)' * bool(policy.demoted_at)}"
        )
        out.say(one_line(f"{in_words(policy.action)} to {', '.join(policy.targets)}: {already}"))
        return
    saved = await save_policy(house.caller, {"id": str(policy.id), "is_enabled": is_on})
    out.data(saved)
    out.say(one_line(f"{in_words(saved.action)} to {_targets(saved)}: {_state(saved)}"))


async def _stop(house: "House", out: Output, *, stopped: bool) -> None:
    from tasks.policies import Stopped, list_policies, stop_permissions

    since = (await list_policies(house.caller)).stopped_at
    if not stopped and since is None:
        out.data(Stopped())
        out.say("Nothing was stopped: the permissions that are on count.")
        return
    answer = await stop_permissions(house.caller, stopped=stopped)
    out.data(answer)
    if stopped and since:
        out.say(f"They are stopped already, since {_time(since, house)}; everything asks you.")
    elif stopped:
        out.say(f"All permissions are stopped; everything asks you. Taken back: {answer.taken_back}.")
    else:
        out.say("The permissions that are on count again.")


async def _find(house: "House", wanted: str) -> "Policy":
    """The permission with that id, or whose id begins so. Raises WrongUse for none and for several."""
    from tasks.policies import list_policies

    text = wanted.strip().casefold()
    known = (await list_policies(house.caller)).items
    fitting = [one for one in known if len(text) >= LEAST_PREFIX and str(one.id).startswith(text)]
    if len(fitting) == 1:
        return fitting[0]
    raise WrongUse(
        f"{len(fitting) or 'No'} permissions have an id that begins with {wanted[:40]!r}",
        hint="`steward policies` shows the ids; the first 4 characters or more are enough where one alone has them.",
    )


def _targets(policy: "Policy") -> str:
    """To whom, with letters that look like others escaped."""
    return ", ".join(shown_address(target) for target in policy.targets)


def _state(policy: "Policy") -> str:
    if policy.demoted_at:
        return "switched itself off"
    return "on" if policy.is_enabled else "off"


def _time(moment: datetime, house: "House") -> str:
    return f"{moment.astimezone(house.clock.timezone):%Y-%m-%d %H:%M}"
