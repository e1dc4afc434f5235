"""Commands on when tasks are seen again: snooze, wake, remind, repeat."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from cli import rendering
from cli.door import DoorCommand, IdArgument, JsonOption, in_house
from cli.output import Output, WrongUse, one_line
from cli.task_lines import say_next
from cli.tasks import find_task
from tasks import reminders, repeating, snoozing
from tasks.models import Task

if TYPE_CHECKING:
    from app.house import House
    from core.clock import Clock


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("snooze", cls=DoorCommand, rich_help_panel="Time")(snooze_command)
    app.command("wake", cls=DoorCommand, rich_help_panel="Time")(wake_command)
    app.command("remind", cls=DoorCommand, rich_help_panel="Time")(remind_command)
    app.command("repeat", cls=DoorCommand, rich_help_panel="Time")(repeat_command)


def snooze_command(
    task_id: IdArgument,
    until: Annotated[list[str], typer.Argument(metavar="UNTIL...", help="A time, or: until Ana replies.")],
    as_json: JsonOption = False,
) -> None:
    """Put a task out of sight until a time, or until somebody answers by mail.

    [dim]steward snooze 3f2a tomorrow 9[/dim]
    [dim]steward snooze 3f2a "until Ana replies or friday"[/dim]
    """

    async def action(house: "House") -> None:
        from agents.rules.reminding import parse_snooze

        task = await find_task(house.caller, task_id)
        wish = parse_snooze(" ".join(until), house.clock.now())
        task = await snoozing.snooze_task(
            house.caller, task.id, house.clock, until=wish.until, reply_from=wish.reply_from
        )
        out = Output(as_json)
        now = house.clock.now()
        missed = await snoozing.missed_by_snooze(house.caller, task, now)
        out.data({"task": task, "warnings": missed})
        out.say(_line(task, f"Snoozed {rendering.snooze_words(task, now, house.clock.timezone)}"))
        for line in missed:
            out.say(f"  {one_line(line)}", style="yellow")

    in_house(action)


def wake_command(task_id: IdArgument, as_json: JsonOption = False) -> None:
    """Have a snoozed task in sight again."""

    async def action(house: "House") -> None:
        before = await find_task(house.caller, task_id)
        task = await snoozing.unsnooze_task(house.caller, before.id)
        out = Output(as_json)
        out.data({"task": task})
        out.say(_line(task, "In sight again" if before.is_snoozed else "Was in sight already"))

    in_house(action)


def remind_command(
    task_id: IdArgument,
    when: Annotated[list[str] | None, typer.Argument(metavar="[WHEN]...", help="Without it: list them.")] = None,
    note: Annotated[str, typer.Option("--note", help="Of what in particular.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take the reminder at that time away.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Be reminded of a task, list its reminders, or take one away.

    [dim]steward remind 3f2a friday 9:00 --note "bring the figures"[/dim]
    [dim]steward remind 3f2a[/dim]
    """

    async def action(house: "House") -> None:
        from agents.rules.reminding import parse_moment

        task = await find_task(house.caller, task_id)
        now, out = house.clock.now(), Output(as_json)
        if when:
            at = parse_moment(" ".join(when), now)
            if remove:
                known = [one for one in await reminders.list_reminders(house.caller, task.id) if one.at == at]
                if not known:
                    raise WrongUse("There is no reminder at that time", hint=f"steward remind {task_id} lists them.")
                await reminders.remove_reminder(house.caller, task.id, known[0].id)
            else:
                await reminders.set_reminder(house.caller, task.id, at, note, now=now)
        found = await reminders.list_reminders(house.caller, task.id)
        out.data({"items": found})
        out.say(_line(task, "Reminders" if found else "No reminders"))
        for one in found:
            at_words = rendering.moment_words(one.at, now, house.clock.timezone)
            out.say(f"  {at_words}{', told' if one.told_at else ''}{'  ' + one_line(one.note) if one.note else ''}")

    in_house(action)


def repeat_command(
    task_id: IdArgument,
    how: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RULE|skip|stop]...", help="A rule in words, skip, or stop. Without it: show how."),
    ] = None,
    by_itself: Annotated[
        bool | None, typer.Option("--by-itself/--not-by-itself", help="May it start by itself when it is due?")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Have a task repeat, leave one occurrence out (skip), or let none follow (stop).

    [dim]steward repeat 3f2a every friday at 9[/dim]
    [dim]steward repeat 3f2a every 3 days after it is done[/dim]
    [dim]steward repeat 3f2a skip[/dim]
    """
    wish = " ".join(how or []).strip()

    async def action(house: "House") -> None:
        task = await find_task(house.caller, task_id)
        out = Output(as_json)
        if wish == "skip":
            following = await repeating.skip_occurrence(house.database, house.caller, task.id, house.clock)
            out.data({"next": following})
            out.say(_line(task, "Left out"))
            if following:
                say_next(out, following, house.clock)
            else:
                out.say("  That was the last one.")
            return
        if wish == "stop":
            task = await repeating.stop_series(house.caller, task.id, house.clock.now())
        elif wish or by_itself is not None:
            task = await _set(house, task, wish, by_itself)
        await _show(house, out, task)

    in_house(action)


async def _set(house: "House", task: Task, wish: str, by_itself: bool | None) -> Task:
    from agents.rules.reminding import parse_repeat

    if not wish and not task.recurrence:
        raise WrongUse("This task does not repeat", hint=f'steward repeat {str(task.id)[:8]} "every friday at 9"')
    rule = parse_repeat(wish or str(task.recurrence), house.clock.now())
    due_at, is_all_day = rule.begins(task.due_at)
    return await repeating.set_repeat(
        house.caller,
        task.id,
        rule.rule,
        due_at=due_at,
        due_is_all_day=is_all_day,
        repeats_from=rule.repeats_from if wish else None,
        run_when_due=by_itself,
    )


async def _show(house: "House", out: Output, task: Task) -> None:
    series = await repeating.get_series(house.caller, task.id)
    coming = series.next(house.clock) if series.goes_on else None
    out.data({"task": task, "series": series, "next_due_at": coming.due_at if coming else None})
    out.say(_line(task, f"Repeats {rendering.repeats_words(task)}" if task.repeats else "Does not repeat"))
    if coming:
        out.say(f"  After this: {_when(coming.due_at, task, house.clock)}")
    if task.run_when_due:
        out.say("  It starts by itself when it is due.")


def _when(moment: datetime, task: Task, clock: "Clock") -> str:
    words = rendering.day_words if task.due_is_all_day else rendering.moment_words
    return words(moment, clock.now(), clock.timezone)


def _line(task: Task, said: str) -> Text:
    return Text.assemble(rendering.mark(task.execution_status), f" {said}: ", (one_line(task.title), "bold"))
