"""The command artifacts: where the content of files lies."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output, one_line

if TYPE_CHECKING:
    from app.house import House

artifacts = typer.Typer(no_args_is_help=True, help="Where the content of files lies.")


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.add_typer(artifacts, name="artifacts", rich_help_panel="Upkeep")


@artifacts.command("move", cls=DoorCommand)
def move_command(
    to: Annotated[Literal["database", "supabase", "s3"], typer.Option("--to", help="Where the contents are to lie.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be moved.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Move the contents of files between the database and a store, each verified before its row says so.

    To a store go files from STEWARD_ARTIFACT_STORE_BYTES on; to the database all that it may hold. Interrupted half-way,
    every file can be read: run it again. What is left behind in a store is removed by the sweep at night.
    """

    async def action(house: "House") -> None:
        from jobs.stored_files import move_contents, to_be_moved

        out = Output(as_json)
        if to != "database":
            house.database.contents.store(to)  # what is not set up is said before anything is done
        found = await to_be_moved(house.database, to)
        if dry_run:
            out.data({"dry_run": True, "to": to, **found})
            out.say(f"{found['files']} files with {found['bytes']:,} bytes would be moved to {to}.")
            return
        moved, stay = 0, list[tuple[str, str]]()
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        with Progress(*columns, console=out.errors, transient=True, disable=not out.is_interactive) as progress:
            bar = progress.add_task(f"Moving to {to}", total=found["bytes"])
            async for one in move_contents(house.database, to):
                progress.advance(bar, one.size_bytes)
                moved += not one.why
                if one.why:
                    stay.append((one.name, one.why))
        out.data({"to": to, "moved": moved, "stayed": [{"name": name, "why": why} for name, why in stay]})
        out.say(f"{moved} files were moved to {to}.")
        for name, why in stay:
            out.say(f"{one_line(name)} stays where it is: {why}")

    in_house(action)
