"""The command token: a short-lived Bearer token for this terminal, and the lasting ones of programs."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output, WrongUse, one_line
from core.errors import Unavailable

if TYPE_CHECKING:
    from app.house import House
    from tasks.tokens import Token

Action = Literal["create", "list", "revoke"]
LEAST_PREFIX = 4


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("token", cls=DoorCommand, rich_help_panel="Agents and programs")(token_command)


def token_command(
    action: Annotated[
        Action | None, typer.Argument(help="create, list or revoke a program's token; else one for this terminal.")
    ] = None,
    name: Annotated[str, typer.Argument(help="create: what it is for. revoke: its id.")] = "",
    hours: Annotated[
        float, typer.Option("--hours", min=0.01, max=8760, help="How long one for this terminal works.")
    ] = 1.0,
    scopes: Annotated[
        list[str] | None, typer.Option("--scope", help="create: what it may do, like tasks:read; once for each.")
    ] = None,
    days: Annotated[float, typer.Option("--days", min=0.001, max=366, help="create: how long it works.")] = 90,
    as_json: JsonOption = False,
) -> None:
    """Print a Bearer token for scripts; or create, list and revoke lasting tokens of programs.

    [dim]curl -H "Authorization: Bearer $(steward token)" http://127.0.0.1:8765/api/tasks[/dim]

    A program's own token is scoped and shown once: [dim]steward token create "backup script" --scope tasks:read[/dim].
    Approving drafts needs review:write, which is given only where it is asked for.
    """
    if action in {"create", "revoke"} and not name.strip():
        what = "what it is for" if action == "create" else "the id that `steward token list` shows"
        raise WrongUse(f"steward token {action} needs a second word: {what}")

    async def visit(house: "House") -> None:
        out = Output(as_json)
        match action:
            case "create":
                await _create(house, out, name, scopes, days)
            case "list":
                await _list(house, out)
            case "revoke":
                await _revoke(house, out, name.strip())
            case None:
                _print_short_lived(house, out, hours)

    in_house(visit)


def _print_short_lived(house: "House", out: Output, hours: float) -> None:
    from cli.serving import load_keys

    if house.owner.user_id is None:
        raise Unavailable(
            "This house has no owner to make a token for",
            hint="Set STEWARD_OWNER_EMAIL to your address in the Supabase project, or sign in in the browser.",
        )
    token = load_keys(house).bearer_token(house.owner.user_id, seconds=int(hours * 3600))
    out.data({"token": token, "expires_in_seconds": int(hours * 3600)})
    out.say(token)


async def _create(house: "House", out: Output, name: str, scopes: list[str] | None, days: float) -> None:
    from tasks.tokens import DEFAULT_SCOPES, create_token

    made = await create_token(house.caller, name, scopes or DEFAULT_SCOPES, days)
    out.data(made)
    out.say(made.token)
    out.note(
        f"It may {', '.join(made.details.scopes)} until {_day(made.details.expires_at, house)}. It is shown this once."
    )


async def _list(house: "House", out: Output) -> None:
    from tasks.tokens import list_tokens

    known = await list_tokens(house.caller)
    out.data({"items": [token.model_dump(mode="json") for token in known]})
    if not known:
        out.say('There are no tokens. Make one: steward token create "backup script"')
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("ID", "Name", "Begins", "May", "Until", "Last used"):
        table.add_column(heading)
    for token in known:
        until = _day(token.expires_at, house) if token.state == "live" else token.state
        used = _day(token.last_used_at, house) if token.last_used_at else "never"
        table.add_row(str(token.id)[:8], one_line(token.name), token.prefix, ", ".join(token.scopes), until, used)
    out.table(table)


async def _revoke(house: "House", out: Output, wanted: str) -> None:
    from tasks.tokens import list_tokens, revoke_token

    token = _one_of(await list_tokens(house.caller), wanted)
    gone = await revoke_token(house.caller, token.id)
    out.data(gone)
    out.say(f"{one_line(gone.name)} ({gone.prefix}...) works no more.")


def _one_of(known: list["Token"], wanted: str) -> "Token":
    """The token with that id, or whose id begins so. Raises WrongUse for none and for several."""
    text = wanted.casefold()
    fitting = [token for token in known if len(text) >= LEAST_PREFIX and str(token.id).startswith(text)]
    if len(fitting) == 1:
        return fitting[0]
    raise WrongUse(
        f"{len(fitting) or 'No'} tokens have an id that begins with {wanted[:40]!r}",
        hint="`steward token list` shows the ids; the first 4 characters or more are enough where one alone has them.",
    )


def _day(moment: datetime, house: "House") -> str:
    return f"{moment.astimezone(house.clock.timezone):%Y-%m-%d %H:%M}"
