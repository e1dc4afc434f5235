"""`steward day`: a day planned around the calendar, printed as a column."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output, WrongUse, one_line

if TYPE_CHECKING:
    from app.day._planning import PlannedDay
    from app.house import House


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("day", cls=DoorCommand, rich_help_panel="Time")(day_command)


def day_command(
    day: Annotated[str, typer.Argument(metavar="[DATE]", help="2026-03-05, today or tomorrow.")] = "today",
    keep: Annotated[bool, typer.Option("--keep", help="Write the blocks into the local calendar.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Take a kept plan out of the calendar.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Plan a day: your tasks fitted around the calendar, deadlines first, and what does not fit.

    [dim]steward day tomorrow[/dim]
    [dim]steward day 2026-03-06 --keep[/dim]
    """
    if keep and clear:
        raise WrongUse("--keep and --clear contradict each other", hint="Give one of them.")

    async def action(house: "House") -> None:
        from app.day._planning import day_in, keep_plan, planned_day
        from app.day._shown import shown
        from tasks.day_plans import save_day_plan

        wanted = day_in(day, house.clock.now())
        if clear:
            await save_day_plan(house.caller, wanted, [])
        planned = await planned_day(house, house.caller, wanted)
        kept = await keep_plan(house.caller, planned) if keep else len(planned.kept)
        out = Output(as_json)
        out.data(shown(planned).model_copy(update={"kept_blocks": kept}))
        if not as_json:
            _say_day(out, planned)
            if keep or clear:
                out.note(f"Kept in the local calendar: {kept} blocks." if keep else "No plan is kept for this day.")

    in_house(action)


def _say_day(out: Output, planned: "PlannedDay") -> None:
    """The column of the day, then what does not fit."""
    from app.day._planning import block_title, left_out_of

    plan, zone = planned.plan, planned.hours.zone
    out.say(Text(f"{plan.day:%A}, {plan.day.day} {plan.day:%B %Y}", "bold"))
    lines: list[tuple[datetime, datetime, str, str, str]] = []
    for event in planned.events:
        start, end = event.begins(zone).astimezone(zone), event.finishes(zone).astimezone(zone)
        if event.is_all_day:
            out.say(Text.assemble(("  all day      ", "dim"), (one_line(event.title), "cyan")))
        else:
            doubt = " (perhaps)" if event.takes_time() != "busy" else ""
            lines.append((start, end, one_line(event.title) + doubt, "cyan", ""))
    lines += [(one.starts_at, one.ends_at, one_line(block_title(one)), "bold", one.why) for one in plan.blocks]
    if plan.lunch:
        lines.append((plan.lunch.start, plan.lunch.end, "Break", "dim", ""))
    for start, end, title, style, why in sorted(lines, key=lambda line: (line[0], line[1], line[2])):
        out.say(
            Text.assemble(
                (f"  {start:%H:%M}–{end:%H:%M}  ", "dim"), (title, style), (f"  {one_line(why)}" if why else "", "dim")
            )
        )
    if not lines:
        out.say("  Nothing is planned.")
    for note in plan.notes:
        out.say(note)
    for heading, found in left_out_of(plan):
        out.say("", Text(heading, "bold"))
        for one in found:
            day = one.suggested_day
            room = f"; {day:%A}, {day.day} {day:%B} has room" if day else ""
            out.say(Text.assemble("  ", one_line(one.title), (f"  {one_line(one.why)}{room}", "dim")))
    if planned.bias:
        out.note(planned.bias[0].upper() + planned.bias[1:] + ".")
