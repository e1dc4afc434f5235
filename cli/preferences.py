"""The command preferences: what was learned of a person's taste, what it would have changed, switched on and off."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output, WrongUse, one_line

if TYPE_CHECKING:
    from app.house import House
    from tasks.preferences import Preference

Action = Literal["list", "show", "activate", "off", "delete", "add", "look"]
LEAST_PREFIX = 4
STATE = {"proposed": "waits for a look", "active": "active", "off": "off", "rejected": "said no to"}


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("preferences", cls=DoorCommand, rich_help_panel="Review")(preferences_command)


def preferences_command(
    action: Annotated[
        Action, typer.Argument(help="list, look (for something new), add; show, activate, off or delete with an ID.")
    ] = "list",
    words: Annotated[
        str, typer.Argument(metavar="ID|TEXT", help="The preference's id; add: what you like, in your words.")
    ] = "",
    scope: Annotated[
        str, typer.Option("--for", help="add: an address, or a kind of task like reply; else everyone.")
    ] = "",
    rule: Annotated[
        str, typer.Option("--rule", help='add: a typed rule as JSON, like {"type": "sign_off", "text": "Best, Robin"}.')
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """How you like what is written for you: learned from your edits, or written by you. Nothing counts before you activate it.

    [dim]steward preferences show 3f2a[/dim]
    [dim]steward preferences add "Keep it short" --for reply[/dim]
    """
    has_words = bool(words.strip())
    needs = action in {"show", "activate", "off", "delete"} or (action == "add" and not rule)
    if needs and not has_words:
        what = (
            "your words, or a --rule" if action == "add" else "the id of a preference: `steward preferences` shows them"
        )
        raise WrongUse(f"steward preferences {action} needs {what}")
    if action in {"list", "look"} and has_words:
        raise WrongUse(f"steward preferences {action} takes nothing more")
    if action != "add" and (scope or rule):
        raise WrongUse("--for and --rule go with add")

    async def visit(house: "House") -> None:
        out = Output(as_json)
        match action:
            case "list":
                await _list(house, out)
            case "look":
                await _look(house, out)
            case "add":
                await _add(house, out, words, scope.strip(), rule)
            case "show":
                await _show(house, out, words)
            case "activate" | "off":
                await _switch(house, out, words, is_on=action == "activate")
            case "delete":
                await _delete(house, out, words)

    in_house(visit)


async def _list(house: "House", out: Output) -> None:
    from tasks.preferences import list_preferences

    known = await list_preferences(house.caller)
    out.data({"items": [one.model_dump(mode="json") for one in known]})
    if not known:
        out.say("There are no preferences yet: change drafts the same way three times, or add one.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("ID", "Preference", "For", "State", "From"):
        table.add_column(heading)
    for one in known:
        origin = "you" if one.origin == "person" else f"{one.sources_count} × {one.origin.replace('_', ' ')}"
        table.add_row(str(one.id)[:8], one_line(one.statement), _scope(one), STATE[one.state], origin)
    out.table(table)


async def _look(house: "House", out: Output) -> None:
    from jobs.learning import learn

    made = await learn(
        house.caller,
        at=house.clock.now(),
        least=house.settings.learning_cases,
        has_model=house.equipment.thinking.is_model,
    )
    out.data({"items": [one.model_dump(mode="json") for one in made]})
    if not made:
        out.say("Nothing new to learn.")
    for one in made:
        out.say(f"{str(one.id)[:8]}  {one_line(one.statement)}")
        if one.trial:
            out.say(f"          {one.trial.in_words}")


async def _add(house: "House", out: Output, words: str, scope: str, rule: str) -> None:
    import orjson

    from agents.learning.writing import as_written
    from tasks.preferences import save_preference

    try:
        given = orjson.loads(rule) if rule else None
    except orjson.JSONDecodeError as error:
        raise WrongUse(f"--rule is no JSON: {error}") from error
    if given is not None and not isinstance(given, dict):
        raise WrongUse('--rule is an object, like {"type": "sign_off", "text": "Best, Robin"}')
    kind = "everyone" if not scope else "person" if "@" in scope else "kind"
    written = as_written(words or None, given, kind, scope)  # pyright: ignore[reportUnknownArgumentType]
    saved = await save_preference(house.caller, written, at=house.clock.now())
    out.data(saved)
    out.say(f"{str(saved.id)[:8]}  {one_line(saved.statement)}")
    out.note(f"It is off. `steward preferences activate {str(saved.id)[:8]}` tries it on the past and switches it on.")


async def _show(house: "House", out: Output, wanted: str) -> None:
    from tasks.preferences import get_preference

    one = await get_preference(house.caller, (await _find(house, wanted)).id)
    out.data(one)
    out.say(Text(one_line(one.statement), "bold"))
    out.say(f"  {STATE[one.state]}, for {_scope(one)}, applied {one.hits} times")
    out.say(f"  {one.trial.in_words}" if one.trial else "  Not tried yet; activating it tries it first.")
    for source in one.sources[:10]:
        out.say(f"    {_time(source.at, house)}  {one_line(source.excerpt_before)} -> {one_line(source.excerpt_after)}")


async def _switch(house: "House", out: Output, wanted: str, *, is_on: bool) -> None:
    from agents.budget import metered
    from agents.redrafting import redraft_by
    from jobs.learning import switch_on
    from tasks.preferences import decide_preference

    known, at = await _find(house, wanted), house.clock.now()
    if is_on:
        redraft = redraft_by(metered(house.equipment.thinking, house.caller, house.clock))
        changed = await switch_on(house.caller, known.id, at=at, redraft=redraft)
    else:
        changed = await decide_preference(house.caller, known.id, "off", at=at)
    out.data(changed)
    out.say(f"{one_line(changed.statement)}: {STATE[changed.state]}")
    if is_on and changed.trial:
        out.note(changed.trial.in_words)


async def _delete(house: "House", out: Output, wanted: str) -> None:
    from tasks.preferences import delete_preference

    known = await _find(house, wanted)
    await delete_preference(house.caller, known.id, at=house.clock.now())
    out.data({"id": str(known.id), "deleted": True})
    out.say(f"{one_line(known.statement)}: deleted. The same edits do not bring it back.")


async def _find(house: "House", wanted: str) -> "Preference":
    """The preference with that id, or whose id begins so. Raises WrongUse for none and for several."""
    from tasks.preferences import list_preferences

    text = wanted.strip().casefold()
    fitting = [
        one
        for one in await list_preferences(house.caller)
        if len(text) >= LEAST_PREFIX and str(one.id).startswith(text)
    ]
    if len(fitting) == 1:
        return fitting[0]
    raise WrongUse(
        f"{len(fitting) or 'No'} preferences have an id that begins with {wanted[:40]!r}",
        hint="`steward preferences` shows the ids; the first 4 characters or more are enough where one alone has them.",
    )


def _scope(one: "Preference") -> str:
    return "everyone" if one.scope_type == "everyone" else one.scope_value


def _time(moment: datetime, house: "House") -> str:
    return f"{moment.astimezone(house.clock.timezone):%Y-%m-%d %H:%M}"
