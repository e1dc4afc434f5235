"""Command insights: what was done, saved and spent; how well confidence fits; thresholds pinned and let go."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output, WrongUse
from tasks.calibration import HIGHEST, LOWEST, aim_of
from tasks.insights import Insights, insights_of_days
from tasks.thresholds import pin_threshold

if TYPE_CHECKING:
    from app.house import House


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("insights", cls=DoorCommand, rich_help_panel="Review")(insights_command)


def insights_command(
    days: Annotated[int, typer.Option("--days", min=1, max=400, help="How far back.")] = 30,
    compute: Annotated[
        bool, typer.Option("--compute", help="First compare confidence with what came of it, as happens each night.")
    ] = False,
    pin: Annotated[
        str | None, typer.Option("--pin", metavar="STREAM=SHARE", help="Hold a threshold, like plan=0.8.")
    ] = None,
    release: Annotated[
        str | None, typer.Option("--release", metavar="STREAM", help="Let a threshold follow its outcomes again.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was done for you, time saved, cost, and how well Steward knows when it is right."""

    async def action(house: "House") -> None:
        if compute:
            from jobs.calibrating import calibrate_all

            await calibrate_all(house.database, house.clock, learns=house.settings.learn_thresholds)
        if pin is not None:
            stream, _, share = pin.partition("=")
            await pin_threshold(house.caller, stream, _share(share), _default(stream), house.clock.now())
        if release is not None:
            await pin_threshold(house.caller, release, None, _default(release), house.clock.now())
        out = Output(as_json)
        found = await insights_of_days(house.caller, days, house.clock)
        out.data(found)
        _tell(out, found, days)

    in_house(action)


def _share(said: str) -> float:
    try:
        return float(said)
    except ValueError as error:
        raise WrongUse(f"{said[:40]!r} is no threshold", detail=f"allowed: {LOWEST} to {HIGHEST}, like plan=0.8") from error  # fmt: skip


def _default(stream: str) -> float:
    try:
        return aim_of(stream).default
    except KeyError as error:
        raise WrongUse(
            f"There is no such stream of confidences: {stream[:60]!r}",
            detail="allowed: draft, rules, extraction, decomposition, plan, nudge:KIND",
        ) from error


def _tell(out: Output, found: Insights, days: int) -> None:
    if found.is_empty:
        out.say(f"Nothing to count in the last {days} days.")
        return
    if found.is_clock_moved:
        out.note(
            f"The clock is moved: figures go by the real time of each record, {found.since:%Y-%m-%d} to {found.until:%Y-%m-%d}."
        )
    done, cost, drafts = found.done, found.cost, found.accuracy
    out.say(f"done       {done.tasks} tasks, {done.drafts_sent} drafts sent, {done.events_booked} events booked, {done.mails_read} mails read")  # fmt: skip
    out.say(f"saved      {done.minutes_saved:.0f} minutes, looking at it taken off")
    out.say(f"cost       ${cost.usd:.4f} for {cost.calls} requests; ${cost.silent.usd:.4f} of it nobody asked for")
    if drafts.drafts:
        out.say(f"drafts     {drafts.unchanged} taken as they were, {drafts.edited} edited, {drafts.rejected} rejected")
    if found.speed.cases:
        out.say(f"speed      {found.speed.p50_seconds:.1f} s to the first result, {found.speed.p90_seconds:.1f} s for nine in ten")  # fmt: skip
    if found.nudges.told:
        out.say(f"brought up {found.nudges.told}: {found.nudges.acted} acted on, {found.nudges.dismissed} dismissed, {found.nudges.lapsed} lapsed")  # fmt: skip
    if not found.calibration:
        return
    table = Table(box=None, pad_edge=False)
    for head in ("Confidence", "Cases", "Right", "Brier", "Sure from"):
        table.add_column(head, justify="left" if head == "Confidence" else "right")
    for one in found.calibration:
        right = "" if one.share_right is None else f"{one.share_right:.0%}"
        brier = "" if one.brier is None else f"{one.brier:.3f}"
        sure = f"{one.threshold:.0%}{' (pinned)' if one.is_pinned else ''}"
        table.add_row(one.stream, f"{one.cases:g}", right, brier, sure)
    out.say()
    out.table(table)
