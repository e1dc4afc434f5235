"""The commands attention and digest: how much is told unasked, and the daily page of what was held and done."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.table import Table
from rich.text import Text

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output, WrongUse, one_line

if TYPE_CHECKING:
    from app._attention.digest import ShownDigest
    from app.house import House
    from tasks.digests import KeptPromise
    from tasks.nudges import Attention, Mute

LEAST_PREFIX = 4
LENGTH_OF_DAY = len("2026-03-05")


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("digest", cls=DoorCommand, rich_help_panel="Attention")(digest_command)
    app.command("attention", cls=DoorCommand, rich_help_panel="Attention")(attention_command)


def digest_command(
    day: Annotated[str, typer.Argument(metavar="[DAY]", help="2026-03-05; the newest one if left out.")] = "",
    as_json: JsonOption = False,
) -> None:
    """The daily page: what was held back, what was done without you, what is due, and what it cost.

    [dim]steward digest 2026-03-05[/dim]
    """
    from datetime import date

    try:
        wanted = date.fromisoformat(day.strip()) if day.strip() else None
    except ValueError as error:
        raise WrongUse(f"{day[:40]!r} is no day", hint="It is like 2026-03-05.") from error

    async def visit(house: "House") -> None:
        from app._attention.digest import shown_digest

        out = Output(as_json)
        shown = await shown_digest(house.caller, wanted, house.clock.now())
        out.data(
            None
            if shown is None
            else {
                **shown.digest.model_dump(mode="json"),
                "nudges": shown.nudges,
                "due": shown.kept.model_dump(mode="json"),
            }
        )
        if shown is None:
            out.say(f"There is no digest of {wanted}." if wanted else "There is no digest yet.")
        else:
            _say_digest(out, shown, house)

    in_house(visit)


def attention_command(
    budget: Annotated[int | None, typer.Option("--budget", help="How often a day something is told: 0 to 100.")] = None,
    quiet: Annotated[str | None, typer.Option("--quiet", help="Quiet hours, like 20:00-07:30; or off.")] = None,
    quiet_days: Annotated[
        str | None, typer.Option("--quiet-days", help='Days quiet as a whole, like "sat sun"; "" for none.')
    ] = None,
    digest_at: Annotated[str | None, typer.Option("--digest-at", help="When the digest is made, like 08:00.")] = None,
    proactive: Annotated[str | None, typer.Option("--proactive", help="prepare, suggest or off.")] = None,
    mute_below: Annotated[
        float | None, typer.Option("--mute-below", help="Below this share of use a kind mutes itself: 0 to 1.")
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Back to the settings of the installation first.")
    ] = False,
    unmute: Annotated[str, typer.Option("--unmute", metavar="ID", help="Let what is muted speak again.")] = "",
    as_json: JsonOption = False,
) -> None:
    """How much Steward brings up by itself and when, what is muted, and of what use each kind was.

    [dim]steward attention --budget 3 --quiet 19:00-08:00[/dim]
    [dim]steward attention --proactive suggest[/dim]
    """
    given: dict[str, Any] = {
        "daily_nudges": budget,
        "quiet_hours": quiet,
        "quiet_days": quiet_days.replace(",", " ").split() if quiet_days is not None else None,
        "digest_at": digest_at,
        "proactive": proactive,
        "mute_below": mute_below,
    }
    changes = _changes({name: value for name, value in given.items() if value is not None}, defaults=defaults)

    async def visit(house: "House") -> None:
        from app._attention.rules import rules_of
        from app.api.attention._shapes import shown
        from tasks.nudges import get_attention, save_attention

        if changes:
            await save_attention(house.caller, changes)
        known = await get_attention(house.caller, house.clock.now(), rules_of(house))
        if unmute.strip():
            await _unmute(house, known.mutes, unmute)
            known = await get_attention(house.caller, house.clock.now(), rules_of(house))
        out = Output(as_json)
        out.data(shown(known))
        if not as_json:
            _say_attention(out, known, house)

    in_house(visit)


def _changes(given: dict[str, Any], *, defaults: bool) -> dict[str, Any]:
    """As `save_attention` takes them. Raises WrongUse."""
    from pydantic import ValidationError

    from tasks.attention import AttentionChange

    wanted = {**(dict.fromkeys(AttentionChange.model_fields) if defaults else {}), **given}
    try:
        return AttentionChange.model_validate(wanted).as_changes()
    except ValidationError as error:
        first = error.errors()[0]
        option = {"daily_nudges": "budget", "quiet_hours": "quiet"}.get(str(first["loc"][0]), str(first["loc"][0]))
        message = first["msg"].removeprefix("Value error, ")
        wrong = first["input"]
        words = " ".join(map(str, cast("list[object]", wrong))) if isinstance(wrong, list) else repr(str(wrong)[:40])
        raise WrongUse(f"--{option.replace('_', '-')} {words[:60]}: {message}") from error


async def _unmute(house: "House", mutes: "Sequence[Mute]", wanted: str) -> None:
    from tasks.nudges import unmute_nudges

    text = wanted.strip().casefold()
    fitting = [one for one in mutes if len(text) >= LEAST_PREFIX and str(one.id).startswith(text)]
    if len(fitting) != 1:
        raise WrongUse(
            f"{len(fitting) or 'No'} mutes have an id that begins with {wanted[:40]!r}",
            hint="`steward attention` shows the ids.",
        )
    await unmute_nudges(house.caller, fitting[0].id, house.clock.now())


def _say_attention(out: Output, known: "Attention", house: "House") -> None:
    from app._view.nudges import kind_words, mute_words, quiet_words
    from tasks.attention import clock_words, days_words, hours_words

    rules = known.rules
    out.say(Text(f"{quiet_words(known)}.", "bold"))
    out.say(f"At most {rules.daily_nudges} a day; quiet hours {hours_words(rules)}; unasked: {rules.proactive}.")
    days = ", ".join(days_words(rules.quiet_days)) or "none"
    out.say(f"Quiet days: {days}. The digest is made at {clock_words(rules.digest_at)}. Held back: {known.held}.")
    if known.kinds:
        table = Table(box=None, pad_edge=False)
        for heading in ("Kind", "Told", "Useful", "Not useful", "Ran out", "Of use"):
            table.add_column(heading)
        for use in known.kinds:
            share = f"{use.precision:.0%}" if use.precision is not None else ""
            table.add_row(
                kind_words(use.kind), str(use.told), str(use.acted), str(use.dismissed), str(use.lapsed), share
            )
        out.say("")
        out.table(table)
    for mute in known.mutes:
        until = f"until {_time(mute.until, house)}" if mute.until else "for good"
        why = f"by itself: {mute.because}" if mute.muted_by == "precision" else "by you"
        out.say(f"{str(mute.id)[:8]}  muted {until}: {one_line(mute_words(mute))} ({one_line(why)})")


def _say_digest(out: Output, shown: "ShownDigest", house: "House") -> None:
    content = shown.digest.content
    out.say(Text(f"{shown.digest.day:%A}, {shown.digest.day.day} {shown.digest.day:%B %Y}", "bold"))
    if shown.is_empty:
        out.say("Nothing happened.")
    for title, lines in _sections(shown, house):
        if lines:
            out.say("", Text(title, "bold"))
            for line in lines:
                out.say(f"  {line}")
    silent = content.silent
    unasked = f"{silent.runs} prepared unasked, {silent.cost_words}" if silent.runs else "nothing prepared unasked"
    if content.preparing:
        unasked += f" ({content.preparing} being prepared as this was made)"
    out.say(
        "",
        f"{_covers(shown, house)}: {unasked}; {content.done} done for you; {content.waiting} told before and undecided.",
    )


def _sections(shown: "ShownDigest", house: "House") -> list[tuple[str, list[str]]]:
    """What the digest tells, section by section."""
    return [
        (
            "Held back until then",
            [f"{str(one.id)[:8]}  {one_line(one.title)}: {one_line(one.why)}" for one in shown.nudges],
        ),
        (
            "Done by itself, under your permissions",
            [
                f"{one_line(one.subject or one.title)}{' to ' + ', '.join(map(one_line, one.to)) if one.to else ''}, "
                f"for {one_line(one.root_title)}"
                for one in shown.digest.content.by_itself
            ],
        ),
        ("Promises that are overdue", [_promise_words(one, house) for one in shown.overdue]),
        ("Promises due by tomorrow", [_promise_words(one, house) for one in shown.due]),
        ("Put off", [f"{str(one.task_id)[:8]}  {one_line(one.title)}" for one in shown.snoozed]),
        ("Reminders by tomorrow", [f"{_time(one.at, house)}  {one_line(one.title)}" for one in shown.reminders]),
    ]


def _promise_words(one: "KeptPromise", house: "House") -> str:
    if one.due_at is None:
        return f"{one_line(one.said)} (no day)"
    due = _time(one.due_at, house)
    return f"{one_line(one.said)} ({due[:LENGTH_OF_DAY] if one.due_is_all_day else due})"


def _covers(shown: "ShownDigest", house: "House") -> str:
    """What time a digest tells of."""
    content = shown.digest.content
    if content.since:
        return f"Since {_time(content.since, house)}"
    if content.is_from_start:
        return "Since Steward began"
    return "Since the digest before" if shown.digest.previous else "In the 24 hours before"


def _time(moment: datetime, house: "House") -> str:
    return f"{moment.astimezone(house.clock.timezone):%Y-%m-%d %H:%M}"
