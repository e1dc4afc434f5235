"""`steward hours`: the person's own time zone and working hours."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output, WrongUse

if TYPE_CHECKING:
    from app.house import House
    from tasks.own_hours import HoursChange


def register(app: typer.Typer) -> None:
    """Put the command on the command line."""
    app.command("hours", cls=DoorCommand, rich_help_panel="Time")(hours_command)


def hours_command(
    zone: Annotated[str | None, typer.Option("--zone", help="Your time zone, like America/New_York.")] = None,
    working: Annotated[
        str | None, typer.Option("--working", help='When you work, like "mon-fri 09:00-12:30 13:30-17:00".')
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Back to the settings of the installation first.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """By which clock you live, and when you work.

    [dim]steward hours --zone America/New_York[/dim]
    [dim]steward hours --defaults[/dim]
    """
    given = {name: text for name, text in (("timezone", zone), ("working_hours", working)) if text is not None}
    change = _change(given, defaults=defaults)

    async def visit(house: "House") -> None:
        from app.api.hours._shapes import shown
        from tasks.own_hours import get_own_hours, save_own_hours

        own = await (save_own_hours(house.caller, change) if change else get_own_hours(house.caller))
        out, known = Output(as_json), shown(own, house.clock)
        out.data(known)
        if not as_json:
            whose = {
                name: "yours" if name in known.chosen else "the installation's"
                for name in ("timezone", "working_hours")
            }
            out.say(f"{known.timezone} ({whose['timezone']}), {known.now:%A %Y-%m-%d %H:%M}")
            out.say(f"Working hours: {known.working_hours} ({whose['working_hours']})")

    in_house(visit)


def _change(given: dict[str, str], *, defaults: bool) -> "HoursChange | None":
    """What is asked for; None where nothing is. Raises WrongUse."""
    from pydantic import ValidationError

    from tasks.own_hours import HoursChange

    wanted = {**(dict.fromkeys(HoursChange.model_fields) if defaults else {}), **given}
    try:
        return HoursChange.model_validate(wanted) if wanted else None
    except ValidationError as error:
        first = error.errors()[0]
        option = {"timezone": "zone", "working_hours": "working"}[str(first["loc"][0])]
        message = first["msg"].removeprefix("Value error, ")
        raise WrongUse(f"--{option} {str(first['input'])[:60]!r}: {message}") from error
