"""The command agents: other people's agents, registered, paused, given a new token, taken out."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from pydantic import BaseModel
from rich.table import Table

from cli.door import DoorCommand, JsonOption, ask, in_house
from cli.output import Output, WrongUse, one_line

if TYPE_CHECKING:
    from app._agents.showing import AgentView
    from app.house import House
    from tasks.agent_work import Lease
    from tasks.agents import Agent, NewAgent

Action = Literal["list", "add", "show", "change", "pause", "resume", "rotate", "revoke", "remove"]
Form = TypeVar("Form", bound=BaseModel)
LEAST_PREFIX = 4
SHOWN_LEASES = 10
STATUS_WORDS = {"gone": "gone: not heard for long", "new": "never heard", "paused": "paused: takes no new work"}


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("agents", cls=DoorCommand, rich_help_panel="Agents and programs")(agents_command)


def agents_command(
    action: Annotated[
        Action, typer.Argument(help="list; add NAME; show, change, pause, resume, rotate, revoke or remove one.")
    ] = "list",
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The agent's name; else its id, or how that begins.")
    ] = "",
    can: Annotated[
        list[str] | None, typer.Option("--can", help="What it can, like prospecting,email; or once for each.")
    ] = None,
    tool: Annotated[
        list[str] | None,
        typer.Option(
            "--tool",
            help="What it works with, once for each; one of Steward's that looks something up is thereby given to it.",
        ),
    ] = None,
    at_once: Annotated[
        int | None,
        typer.Option("--at-once", min=1, max=100, help="Tasks it may hold at a time; 1 where you say nothing."),
    ] = None,
    silent: Annotated[
        int | None,
        typer.Option(
            "--silent-seconds", help="Silent for so long it loses its work (10 to 86400; 0: as the house says)."
        ),
    ] = None,
    timeout: Annotated[
        int | None,
        typer.Option("--timeout-seconds", help="How long one attempt may take (to 604800; 0: as the house says)."),
    ] = None,
    description: Annotated[str | None, typer.Option("--description", help="What it is, for people.")] = None,
    instructions: Annotated[
        str | None,
        typer.Option(
            "--instructions", help="What it should always keep in mind; it reads this from GET /api/agents/me."
        ),
    ] = None,
    rename: Annotated[str | None, typer.Option("--rename", help="change: what it is called from now on.")] = None,
    removed: Annotated[bool, typer.Option("--removed", help="list: also those that work here no more.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="remove: do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Other people's agents, which take work from Steward over HTTP and report it.

    Each has a token of its own, which is shown once: when it is added, or given a new one (rotate).

    [dim]steward agents add Larry --can prospecting,email --at-once 2[/dim]
    [dim]steward agents change Larry --at-once 4 --silent-seconds 120[/dim]
    [dim]steward agents rotate Larry[/dim]
    """
    wanted = name.strip()
    if (action == "list") == bool(wanted):
        what = "takes no name" if action == "list" else "needs a name; `steward agents` shows those that there are"
        raise WrongUse(f"steward agents {action} {what}")
    fields = _given(
        name=wanted if action == "add" else rename,
        capabilities=None if can is None else [part for one in can for part in one.split(",") if part.strip()],
        tools=tool,
        max_concurrent=at_once,
        lease_seconds=silent,
        timeout_seconds=timeout,
        description=description,
        instructions=instructions,
    )
    if action not in {"add", "change"} and fields:
        raise WrongUse(
            f"steward agents {action} changes nothing about an agent", hint="steward agents change NAME ... does."
        )

    async def visit(house: "House") -> None:
        out = Output(as_json)
        match action:
            case "list":
                await _list(house, out, with_removed=removed)
            case "add":
                await _add(house, out, fields)
            case "show":
                await _show(house, out, await find_agent(house, wanted))
            case "change":
                await _change(house, out, await find_agent(house, wanted), fields)
            case "pause" | "resume":
                await _pause(house, out, await find_agent(house, wanted), is_paused=action == "pause")
            case "rotate":
                await _rotate(house, out, await find_agent(house, wanted))
            case "revoke":
                await _revoke(house, out, await find_agent(house, wanted))
            case "remove":
                await _remove(house, out, await find_agent(house, wanted), is_sure=yes)

    in_house(visit)


async def _list(house: "House", out: Output, *, with_removed: bool) -> None:
    from app._agents.showing import shown
    from tasks.agents import list_agents

    known = [shown(agent, house.settings) for agent in await list_agents(house.caller, with_removed=with_removed)]
    out.data({"items": known})
    if not [agent for agent in known if not agent.is_internal]:
        out.say("There are no agents of others. Add one: steward agents add Larry --can prospecting,email")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("ID", "Name", "Status", "Load", "Success", "Last word", "Can"):
        table.add_column(heading)
    for agent in known:
        if agent.is_internal:
            continue
        load, success = f"{agent.load.held} of {agent.load.most}", _percent(agent.success)
        heard, can = _when(agent.last_seen_at, house), one_line(", ".join(agent.capabilities))
        table.add_row(str(agent.id)[:8], one_line(agent.name), agent.status, load, success, heard, can)
    out.table(table)


def _given(**fields: Any) -> dict[str, Any]:
    """What was said on the command line; a time of 0 is the house's."""
    times = {"lease_seconds", "timeout_seconds"}
    return {
        name: None if name in times and value == 0 else value for name, value in fields.items() if value is not None
    }


def _read(form: type[Form], fields: dict[str, Any]) -> Form:
    """The fields as that form. Raises Invalid that names each wrong one."""
    from pydantic import ValidationError

    from app.problems import invalid_from

    try:
        return form.model_validate(fields)
    except ValidationError as error:
        raise invalid_from([{**one, "loc": ("agent", *one["loc"])} for one in error.errors()]) from None


async def _add(house: "House", out: Output, fields: dict[str, Any]) -> None:
    from app._agents.forms import AgentWish
    from tasks.agents import register_agent

    made = await register_agent(house.caller, _read(AgentWish, fields).as_json())
    _say_token(house, out, made)
    out.note(f"{one_line(made.details.name)} works with this token. It is shown this once.")
    _note_start(house, out, made)


async def _change(house: "House", out: Output, agent: "Agent", fields: dict[str, Any]) -> None:
    from app._agents.forms import AgentChanges
    from app._agents.showing import shown
    from tasks.agents import get_agent, update_agent

    if not fields:
        raise WrongUse(
            "There is nothing to change", hint="Say what: --can, --tool, --at-once, --silent-seconds, --rename ..."
        )
    await update_agent(house.caller, agent.id, _read(AgentChanges, fields).as_json())
    view = shown(await get_agent(house.caller, agent.id), house.settings)
    out.data(view)
    out.say(f"Changed: {one_line(view.name)}")


def _note_start(house: "House", out: Output, made: "NewAgent") -> None:
    from app._agents.starting import starting_lines
    from jobs.addresses import web_address

    out.note("Where the agent is to run, these lines fetch the client and try the token:\n")
    out.note(starting_lines(web_address(house.settings), made.token))


async def _rotate(house: "House", out: Output, agent: "Agent") -> None:
    from tasks.agents import rotate_agent_token

    made = await rotate_agent_token(house.caller, agent.id)
    _say_token(house, out, made)
    out.note(f"{one_line(agent.name)} works with this token from now on; the one before works no more.")
    _note_start(house, out, made)


def _say_token(house: "House", out: Output, made: "NewAgent") -> None:
    from app._agents.showing import shown

    out.data({"token": made.token, "details": shown(made.details, house.settings)})
    out.say(made.token)


async def _show(house: "House", out: Output, agent: "Agent") -> None:
    from app._agents.showing import shown
    from tasks.agent_work import list_leases

    view = shown(agent, house.settings)
    leases = await list_leases(house.caller, agent.id, most=SHOWN_LEASES)
    out.data({**view.model_dump(mode="json"), "leases": [lease.model_dump(mode="json") for lease in leases]})
    out.say(one_line(view.name), style="bold")
    table = Table(box=None, pad_edge=False, show_header=False)
    for label, value in _facts(view, house):
        table.add_row(label, value)
    out.table(table)
    if leases:
        out.say()
        out.say("Its work, the newest first", style="bold")
        out.table(_work(leases, house))


def _facts(agent: "AgentView", house: "House") -> list[tuple[str, str]]:
    facts = [
        ("id", str(agent.id)),
        ("status", STATUS_WORDS.get(agent.status, agent.status)),
        ("about", one_line(agent.description)),
        ("can", one_line(", ".join(agent.capabilities))),
        ("tools", one_line(", ".join(str(tool.get("name")) for tool in agent.tools))),
        ("load", f"{agent.load.held} of {agent.load.most}"),
        ("success", f"{_percent(agent.success)} of the last 30 days" if agent.success is not None else ""),
        ("last word", _when(agent.last_seen_at, house)),
        ("token", f"{agent.token_prefix}..., of {_when(agent.token_made_at, house)}" if agent.has_token else "none"),
    ]
    return [(label, value) for label, value in facts if value]


def _work(leases: "Sequence[Lease]", house: "House") -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("Task", "Title", "Since", "Outcome"):
        table.add_column(heading)
    for lease in leases:
        done = f" ({lease.percent:.0f} %)" if lease.percent is not None and lease.outcome is None else ""
        outcome = lease.outcome or f"at it{done}"
        table.add_row(str(lease.task_id)[:8], one_line(lease.title), _when(lease.claimed_at, house), outcome)
    return table


async def _pause(house: "House", out: Output, agent: "Agent", *, is_paused: bool) -> None:
    from app._agents.showing import shown
    from tasks.agents import get_agent, update_agent

    await update_agent(house.caller, agent.id, {"is_paused": is_paused})
    out.data(shown(await get_agent(house.caller, agent.id), house.settings))
    what = "takes no new work; what it has goes on" if is_paused else "takes work again"
    out.say(f"{one_line(agent.name)} {what}.")


async def _revoke(house: "House", out: Output, agent: "Agent") -> None:
    from app._agents.showing import shown
    from tasks.agents import revoke_agent_token

    out.data(shown(await revoke_agent_token(house.caller, agent.id), house.settings))
    out.say(f"The token of {one_line(agent.name)} works no more; what it held is offered to others.")


async def _remove(house: "House", out: Output, agent: "Agent", *, is_sure: bool) -> None:
    from app._agents.showing import shown
    from tasks.agents import remove_agent

    if not is_sure:
        if not out.is_interactive:
            raise WrongUse("No agent is removed without a yes", hint="Add --yes to remove it without a question.")
        if ask(f"Remove {one_line(agent.name)} for good? [y/N] ").strip().lower() not in {"y", "yes"}:
            out.say("Nobody was removed.")
            return
    out.data(shown(await remove_agent(house.caller, agent.id), house.settings))
    out.say(f"{one_line(agent.name)} works here no more; what it held is offered to others, its record stays.")


async def find_agent(house: "House", wanted: str) -> "Agent":
    """The agent of that name, or whose id is this or begins so. Raises WrongUse for none and for several."""
    from tasks.agents import list_agents

    text = wanted.casefold()
    known = [agent for agent in await list_agents(house.caller) if not agent.is_internal]
    fitting = [agent for agent in known if agent.name.casefold() == text] or [
        agent for agent in known if len(text) >= LEAST_PREFIX and str(agent.id).startswith(text)
    ]
    if len(fitting) == 1:
        return fitting[0]
    raise WrongUse(
        f"{len(fitting) or 'No'} agents are called {wanted[:40]!r}, or have an id that begins so",
        hint="`steward agents` shows their names and ids.",
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _when(moment: datetime | None, house: "House") -> str:
    return "never" if moment is None else f"{moment.astimezone(house.clock.timezone):%Y-%m-%d %H:%M}"
