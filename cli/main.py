"""`steward`: the command line. Each group of commands has a file of its own beside this one."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from cli import (
    agents,
    artifacts,
    attention,
    backup,
    base_agents,
    capture,
    commitments,
    day,
    doctor,
    execute,
    executions,
    hours,
    housekeeping,
    import_files,
    insights,
    keys,
    mcp,
    nudges,
    organizations,
    plan,
    policies,
    preferences,
    repeating,
    review,
    run,
    settings,
    tasks,
    tokens,
    tools,
    workflows,
)

app = typer.Typer(
    name="steward",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A personal task assistant that does the tasks, and shows every draft before it leaves the house.",
    epilog="Begin with: [bold]steward run[/bold], or [bold]steward add[/bold] call Ana tomorrow 3pm. "
    "Every command takes --json. Settings are environment variables; [bold]steward doctor[/bold] names them.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"steward {version('steward')}")
        raise typer.Exit


@app.callback()
def steward(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end."),
    ] = False,
) -> None:
    """A personal task assistant that does the tasks, and shows every draft before it leaves the house."""


for group in (
    run,
    capture,
    import_files,
    tasks,
    repeating,
    commitments,
    nudges,
    attention,
    hours,
    day,
    execute,
    executions,
    plan,
    review,
    policies,
    preferences,
    workflows,
    housekeeping,
    insights,
    tokens,
    organizations,
    agents,
    base_agents,
    tools,
    settings,
    artifacts,
    keys,
    backup,
    mcp,
    doctor,
):
    group.register(app)


def main() -> None:
    """The entry point of the program `steward`."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    app()
