"""Commands metrics and cleanup: what the clock does by itself, by hand."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output
from tasks.metrics import MOST_HOURS, CleanUp, Metrics, MetricsSnapshot, get_metrics

if TYPE_CHECKING:
    from app.house import House

WORDS: dict[CleanUp, tuple[str, str]] = {
    "completed_tasks": ("completed trees of tasks archived", "completed trees of tasks would be archived"),
    "failed_tasks": ("failed and cancelled trees removed", "failed and cancelled trees would be removed"),
    "task_events": ("events removed", "events would be removed"),
    "idempotency_keys": ("remembered answers removed", "remembered answers would be removed"),
    "queue_jobs": ("jobs of the queue removed", "jobs of the queue would be removed"),
    "metrics_snapshots": ("snapshots removed", "snapshots would be removed"),
    "agent_reports": ("reports of agents removed", "reports of agents would be removed"),
    "agent_leases": ("ended leases of agents removed", "ended leases of agents would be removed"),
}


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("metrics", cls=DoorCommand, rich_help_panel="Upkeep")(metrics_command)
    app.command("cleanup", cls=DoorCommand, rich_help_panel="Upkeep")(cleanup_command)


def metrics_command(
    hours: Annotated[
        int, typer.Option("--hours", min=1, max=MOST_HOURS, help="How far back the history of --json goes.")
    ] = 24,
    as_json: JsonOption = False,
) -> None:
    """Take a snapshot of the metrics, and show how the tasks stand."""

    async def action(house: "House") -> None:
        from jobs.periodic import take_metrics_snapshot

        await take_metrics_snapshot(house.database)
        out = Output(as_json)
        numbers = await get_metrics(house.caller, hours)
        out.data(numbers)
        _tell(out, numbers, has_model=house.settings.has_model)

    in_house(action)


def cleanup_command(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Archive and remove what is old, as happens every night.

    What is still open, being sent or uncertain is never touched. The ages are settings (README).
    """

    async def action(house: "House") -> None:
        from jobs.periodic import clean_up

        done = await clean_up(house.database, house.settings, dry_run=dry_run)
        out = Output(as_json)
        out.data({"dry_run": dry_run, **done})
        _tell_cleaned(out, done, dry_run=dry_run)

    in_house(action)


def _tell(out: Output, numbers: Metrics, *, has_model: bool) -> None:
    latest = numbers.latest
    if not numbers.tasks or latest is None:
        out.say("There are no tasks yet.")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("State")
    table.add_column("Tasks", justify="right")
    table.add_column("Plans", justify="right")
    for status, count in sorted(numbers.tasks.items(), key=lambda item: -item[1]):
        plans = latest.plans.get(status)
        table.add_row(status, str(count), str(plans) if plans else "")
    out.table(table)
    out.say("Tasks are counted with every part of a plan, plans once.")
    out.say()
    out.say(f"created    {latest.created_last_hour} in the last hour, {latest.created_last_day} in the last day")
    out.say(f"completed  {latest.completed_last_hour} in the last hour, {latest.completed_last_day} in the last day")
    if latest.success_rate is not None:
        out.say(f"success    {latest.success_rate:.0%} of the last day")
    if latest.average_seconds is not None:
        out.say(f"time       {latest.average_seconds:.1f} s on average")
    if latest.model_calls_last_day:
        out.say(f"thinking   {_thinking(latest, has_model=has_model)} in the last day")
    if numbers.drafts_to_review:
        out.say(f"review     {numbers.drafts_to_review} drafts wait: steward review")


def _thinking(latest: MetricsSnapshot, *, has_model: bool) -> str:
    """Who answered, and what that cost."""
    calls = latest.model_calls_last_day
    if not has_model and not latest.tokens_last_day:
        return f"the built-in rules answered {'once' if calls == 1 else f'{calls} times'}, no language model was asked,"
    return f"{calls} calls, {latest.tokens_last_day} tokens, ${latest.cost_usd_last_day:.4f}"


def _tell_cleaned(out: Output, done: Mapping[CleanUp, int], *, dry_run: bool) -> None:
    for what, count in done.items():
        if count:
            out.say(f"{WORDS[what][dry_run]}: {count}")
    if not any(done.values()):
        out.say("There is nothing to clean up.")
