"""The command workflows: what is done for each kind of task, and what the organization wants of it in its own words."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output, WrongUse, one_line

if TYPE_CHECKING:
    from app.api.workflows._shapes import ShownWorkflow
    from app.house import House

Action = Literal["list", "show", "set", "on", "off", "reset"]
WITHOUT_MODEL = {
    "made": "the built-in rules make it",
    "waits": "it waits for a language model",
    "person": "it is left to you",
}
BY_PERSON = "A language model says only why it is yours, and what would help; it is told your instructions then"
UNREAD = "There is no language model: the built-in rules do not read instructions. They are kept until there is one."


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("workflows", cls=DoorCommand, rich_help_panel="Review")(workflows_command)


def workflows_command(
    action: Annotated[
        Action, typer.Argument(help="list; show, set, on, off or reset (back to built in) with a KIND.")
    ] = "list",
    kind: Annotated[str, typer.Argument(help="A kind of task, like email.")] = "",
    text: Annotated[str, typer.Argument(help="set: your instructions for that kind.")] = "",
    as_json: JsonOption = False,
) -> None:
    """What Steward does for each kind of task, and your own instructions for it, which a language model follows.

    [dim]steward workflows set email "Three sentences at most, and always a date."[/dim]
    [dim]steward workflows reset email[/dim]
    """
    if action == "list" and (kind or text):
        raise WrongUse("steward workflows list takes nothing more")
    if action != "list" and not kind.strip():
        raise WrongUse(f"steward workflows {action} needs a kind: `steward workflows` shows them")
    if action == "set" and not text.strip():
        raise WrongUse("steward workflows set needs your words", hint="`reset` goes back to what is built in.")
    if action != "set" and text:
        raise WrongUse("Only set takes a text")

    async def visit(house: "House") -> None:
        out = Output(as_json)
        if action == "list":
            await _list(house, out)
            return
        await _change(house, action, kind.strip(), text)
        await _show(house, out, kind.strip(), is_changed=action != "show")

    in_house(visit)


async def _list(house: "House", out: Output) -> None:
    from app.api.workflows._shapes import shown_workflows

    known, has_model = await shown_workflows(house.caller), house.equipment.thinking.is_model
    out.data({"items": [one.model_dump(mode="json") for one in known], "has_model": has_model})
    table = Table(box=None, pad_edge=False)
    for heading in ("Kind", "What is done", "Without a model", "Instructions"):
        table.add_column(heading)
    for one in known:
        table.add_row(one.kind, one.description, _without_model(one), _own(one))
    out.table(table)
    if not has_model:
        out.note(UNREAD)


async def _change(house: "House", action: Action, kind: str, text: str) -> None:
    from app.api.workflows._shapes import checked_changes, known_kind
    from tasks.workflows import reset_workflow, save_workflow

    known_kind(kind)
    match action:
        case "set":
            await save_workflow(house.caller, kind, checked_changes(text, None))
        case "on" | "off":
            await save_workflow(house.caller, kind, {"is_active": action == "on"})
        case "reset":
            await reset_workflow(house.caller, kind)
        case "list" | "show":
            pass


async def _show(house: "House", out: Output, kind: str, *, is_changed: bool) -> None:
    from app.api.workflows._shapes import shown_workflow

    one = await shown_workflow(house.caller, kind)
    out.data(one)
    out.say(Text(f"{one.kind}: {one.description}", "bold"))
    out.say(f"  {BY_PERSON if one.is_by_person else f'Without a language model {WITHOUT_MODEL[one.without_model]}'}.")
    is_whole = bool(one.version) and not is_changed
    out.say(f"  Instructions: {_state(one) if is_whole else _own(one)}")
    for line in one.instructions.splitlines() if is_whole else ():
        out.say(f"    {one_line(line)}")
    if one.version and not house.equipment.thinking.is_model:
        out.note(UNREAD)


def _without_model(one: "ShownWorkflow") -> str:
    return "a person does it, with or without" if one.is_by_person else WITHOUT_MODEL[one.without_model]


def _own(one: "ShownWorkflow") -> str:
    """In one line, as much as fits beside others."""
    return f"{_state(one)}: {one_line(one.instructions)[:60]}" if one.version else "built in"


def _state(one: "ShownWorkflow") -> str:
    return "yours" if one.is_active else "yours, off"
