"""The tool for files of a plan: writes, reads and lists them; they lie in the database, with the tasks they belong to."""

import csv
import io
import json
import re
from typing import Any, Literal

from pydantic import BaseModel, Field, JsonValue, model_validator

from agents.equipment import Run
from agents.journal import insist
from agents.provenance import taint
from agents.tools.tool import AnyTool, Done, Outcome, StrictInput, Tool
from core.errors import Invalid, NotFound
from core.spreadsheets import inert_cell, inert_csv, written_csv
from tasks.actions import Action, Effect
from tasks.artifacts import Artifact, find_artifact, get_artifact, list_artifacts, save_artifact
from tasks.models import Evidence, Taint

MEDIA = {
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".json": "application/json",
    ".html": "text/html",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
}
MOST_READ_BYTES = 5_000_000


class FileInput(StrictInput):
    """write: name and one of text, data, rows; read: name; list: nothing."""

    action: Literal["write", "read", "list"]
    name: str | None = Field(
        default=None, min_length=1, max_length=300, description="Like report.csv; the ending says the kind"
    )
    text: str | None = Field(default=None, max_length=5_000_000)
    data: JsonValue = None
    rows: list[dict[str, JsonValue]] | list[list[JsonValue]] | None = Field(default=None, max_length=100_000)
    most_characters: int = Field(default=100_000, ge=100, le=1_000_000, description="Of what is read")

    @model_validator(mode="after")
    def _fits(self) -> "FileInput":
        given = [name for name in ("text", "data", "rows") if getattr(self, name) is not None]
        if self.action == "write" and (len(given) != 1 or self.name is None):
            raise ValueError("write takes name and one of text, data, rows")
        if self.action != "write" and given:
            raise ValueError(f"{self.action} takes no {', '.join(given)}")
        if self.action == "read" and self.name is None:
            raise ValueError("read takes a name")
        if self.name is not None and (re.search(r"[\x00-\x1f\x7f/\\]", self.name) or self.name in {".", ".."}):
            raise ValueError("a name has no slashes and no control characters")
        if self.rows is not None and not (self.name or "").casefold().endswith(".csv"):
            raise ValueError("rows are written to a name that ends in .csv")
        return self


class FileFacts(BaseModel):
    """A file, without what is in it."""

    id: str
    name: str
    media_type: str
    size_bytes: int


class FileOutput(BaseModel):
    """What was written or read; `data` is the content where it is JSON, `rows` where it is CSV."""

    file: FileFacts | None = None
    files: list[FileFacts] = Field(default_factory=list[FileFacts])
    text: str = ""
    data: JsonValue = None
    rows: list[dict[str, str]] = Field(default_factory=list[dict[str, str]])
    is_cut: bool = False


async def use_file(run: Run, given: FileInput) -> Outcome:
    """Write, read or list."""
    match given.action:
        case "write":
            media_type, content = content_of(given)
            name = given.name or ""
            kept = await insist(lambda: save_artifact(run.caller, run.task.id, name, media_type, content))
            output, what = FileOutput(file=_facts(kept)), f"{kept.name}, {kept.size_bytes} bytes"
        case "read":
            try:
                kept = await find_artifact(run.caller, run.task.id, given.name or "", with_content=False)
            except NotFound as error:  # of the file, not of the task
                raise Invalid(error.message, detail=error.detail) from error
            if kept.is_tainted:
                await taint(run, Taint(kind="file", ref=str(kept.id), title=kept.name))
            if kept.size_bytes <= MOST_READ_BYTES:
                kept = await get_artifact(run.caller, kept.id)
            output, what = read(kept, given.most_characters), f"{kept.name} read"
        case "list":
            listed = await list_artifacts(run.caller, run.task.id)
            output, what = FileOutput(files=[_facts(one) for one in listed]), f"{len(listed)} files"
    evidence = [Evidence(kind="file", what=what, where=output.file.id if output.file else None)]
    # What lies in a file may have been written by anybody.
    return Done(output.model_dump(mode="json"), "verified", evidence, {"untrusted": given.action == "read"})


async def file_action(run: Run, given: FileInput) -> Action:
    """The files of a plan are the user's own; an older one of the same name stays."""
    return Action("file", Effect.OWN_WRITE if given.action == "write" else Effect.READ)


async def find_written(run: Run, given: FileInput) -> None:
    """The same file kept twice is one row: it may be done again."""


def content_of(given: FileInput) -> tuple[str, bytes]:
    """Media type and bytes of what is to be written. Cells of CSV never begin as a formula does."""
    name = (given.name or "").casefold()
    media_type = next((kind for ending, kind in MEDIA.items() if name.endswith(ending)), "text/plain")
    if given.rows is not None:
        return media_type, _as_csv(given.rows).encode()
    if given.data is not None:
        return "application/json", json.dumps(given.data, ensure_ascii=False, indent=2).encode()
    text = given.text or ""
    if media_type == "text/csv":
        try:
            text = inert_csv(text)
        except csv.Error as error:
            raise Invalid("The text is no CSV", detail=str(error)) from error
    return media_type, text.encode("utf-8", "replace")


def _as_csv(rows: list[dict[str, JsonValue]] | list[list[JsonValue]]) -> str:
    names: dict[str, None] = {}
    for row in rows:
        names |= dict.fromkeys(row) if isinstance(row, dict) else {}
    lines: list[list[Any]] = [[_cell(name) for name in names]] if names else []
    for row in rows:
        cells = [row.get(name) for name in names] if isinstance(row, dict) else row
        lines.append([_cell(cell) for cell in cells])
    return written_csv(lines)


def _cell(value: Any) -> Any:
    return inert_cell(json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value)


def read(kept: Artifact, most_characters: int) -> FileOutput:
    """A text, CSV or JSON file. Raises Invalid for another kind, or one that is too large."""
    content = kept.content or b""
    facts = _facts(kept)
    is_text = kept.media_type.startswith("text/") or kept.media_type.endswith(("json", "xml", "yaml"))
    if not is_text or max(len(content), kept.size_bytes) > MOST_READ_BYTES:
        raise Invalid(
            f"{kept.name} cannot be read as text",
            detail=f"{kept.media_type}, {kept.size_bytes} bytes; at most {MOST_READ_BYTES}",
        )
    text = content.decode("utf-8-sig", "replace")
    is_cut = len(text) > most_characters
    if kept.media_type == "application/json" and not is_cut:
        try:
            return FileOutput(file=facts, data=json.loads(text, parse_constant=lambda _: None))
        except (ValueError, RecursionError) as error:
            raise Invalid(f"{kept.name} is no JSON", detail=str(error)[:200]) from error
    if kept.media_type == "text/csv":
        rows = _rows(kept.name, text[:most_characters].rpartition("\n")[0] if is_cut else text)
        return FileOutput(file=facts, rows=rows, is_cut=is_cut)
    return FileOutput(file=facts, text=text[:most_characters], is_cut=is_cut)


def _rows(name: str, text: str) -> list[dict[str, str]]:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count) if first else ","
    try:
        lines = list(csv.reader(io.StringIO(text.replace("\x00", ""), newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Invalid(f"{name} is no CSV", detail=str(error)) from error
    heads = lines[0] if lines else []
    return [dict(zip(heads, line, strict=False)) for line in lines[1:] if line]


def _facts(kept: Artifact) -> FileFacts:
    return FileFacts(id=str(kept.id), name=kept.name, media_type=kept.media_type, size_bytes=kept.size_bytes)


FILE_TOOLS: tuple[AnyTool, ...] = (
    Tool(
        "file",
        "Writes a file of this plan (text, JSON, or CSV from rows), reads one that an earlier task wrote, or lists them",
        "act",
        use_file,
        FileInput,
        FileOutput,
        find=find_written,
        effect=Effect.OWN_WRITE,
        action=file_action,
        is_own=True,
        capability="data",
        timeout_seconds=60,
    ),
)
