"""Commands that run the house: run, web, worker, migrate, token, link."""

from typing import Annotated

import typer

from cli.door import DoorCommand

PortOption = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="Listen here (else STEWARD_PORT, 8765).")
]


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("run", cls=DoorCommand, rich_help_panel="House")(run_command)
    app.command("migrate", cls=DoorCommand, rich_help_panel="House")(migrate_command)


def run_command() -> None: ...
def migrate_command() -> None: ...
