"""`steward plan report` and `steward plan files`: what there is to read of a plan."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli.door import DoorCommand, IdArgument, JsonOption, in_house
from cli.output import Output, WrongUse, one_line
from cli.tasks import find_task

if TYPE_CHECKING:
    from app._plans.papers import Format
    from app.house import House

FORMATS: dict[str, "Format"] = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json", ".pdf": "pdf"}


def register(plan: typer.Typer) -> None:
    """Put these commands below `steward plan`."""
    plan.command("report", cls=DoorCommand)(report_command)
    plan.command("files", cls=DoorCommand)(files_command)


def report_command(
    plan_id: IdArgument,
    out_file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there: .html, .md, .json or .pdf.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the report of a plan, or write it to a file. What is not written yet is named in it."""
    wanted: Format = "json" if as_json and out_file is None else "markdown"
    if out_file is not None:
        if out_file.suffix.casefold() not in FORMATS:
            raise WrongUse(f"{out_file.name!r} has no known ending", hint=f"Allowed: {', '.join(FORMATS)}.")
        wanted = FORMATS[out_file.suffix.casefold()]

    async def action(house: "House") -> None:
        from app._plans.papers import report_in

        found = await find_task(house.caller, plan_id)
        paper = await report_in(house, house.caller, found.id, wanted, rebuilt=True)
        out = Output(as_json)
        if out_file is not None:
            _write(out_file, paper.content)
            out.data({"file": out_file, "bytes": len(paper.content)})
            out.say(f"Written: {out_file}")
        elif as_json:
            sys.stdout.write(paper.content.decode())
        else:
            out.say(paper.content.decode().strip())

    in_house(action)


def files_command(
    plan_id: IdArgument,
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write them there; nothing that is there is overwritten."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the files of a plan, or write them to a folder (without the PDF: `report --out report.pdf` prints it)."""

    async def action(house: "House") -> None:
        from app._plans.papers import paper_named, papers_of
        from tasks.artifacts import get_artifact

        found = await find_task(house.caller, plan_id)
        papers = await papers_of(house, house.caller, found.id)
        listed = [(one.name, one.media_type) for one in papers.made] + [
            (one.name, one.media_type) for one in papers.kept
        ]
        out = Output(as_json)
        if out_folder is None:
            out.data({"items": [{"name": name, "media_type": media_type} for name, media_type in listed]})
            table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
            for name, media_type in listed:
                table.add_row(one_line(name), Text(media_type.partition(";")[0], "dim"))
            out.table(table)
            return
        made = [one.name for one in papers.made if not one.is_printed]
        places = [out_folder / safe_name(name) for name in [*made, *(one.name for one in papers.kept)]]
        taken = [str(place) for place in places if place.exists()]
        if taken:
            raise WrongUse(f"{taken[0]} is there already", hint="Name a folder that is empty, or new.")
        for name, place in zip(made, places, strict=False):
            _write(place, (await paper_named(house, papers, name)).content)
        for kept, place in zip(papers.kept, places[len(made) :], strict=True):
            _write(place, (await get_artifact(house.caller, kept.id)).content or b"")
        out.data({"folder": out_folder, "files": [place.name for place in places]})
        out.say(f"{len(places)} files written to {out_folder}")

    in_house(action)


def safe_name(name: str) -> str:
    """A name that stays in its folder: files of tasks are named by whoever made them."""
    kept = "".join(one if one.isprintable() and one not in '/\\:*?"<>|' else "_" for one in name).strip(" .")
    return kept[:200] or "file"


def _write(place: Path, content: bytes) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    except OSError as error:
        raise WrongUse(f"{place} cannot be written", detail=error.strerror or str(error)) from error
