"""The files of a plan document, made from what is stored when they are asked for; nothing is read from a disk."""

import io
import re
import zipfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

import orjson

from agents.playbooks.document.contents import TREE, Contents, contents_of, project_title
from agents.playbooks.document.gantt import gantt
from agents.playbooks.document.html import report_html
from agents.playbooks.document.report import report_markdown
from agents.playbooks.document.report_charts import schedule_entries
from agents.playbooks.document.stage import Stage
from core.errors import NotFound
from core.spreadsheets import inert_cell, written_csv
from tasks.plans import PlanMetrics, PlanSummary, StoredSection

MARKDOWN = "text/markdown; charset=utf-8"
JSON = "application/json"
CSV = "text/csv; charset=utf-8"
SVG = "image/svg+xml"
HTML = "text/html; charset=utf-8"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can say: the same content is the same file
UNSAFE = re.compile(r"[^a-z0-9_]+")
PrintPdf = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True)
class PlanFile:
    """A file that can be had. `make` makes its bytes; where `is_printed`, HTML that a browser turns into the file."""

    name: str
    media_type: str
    make: Callable[[], bytes]
    is_printed: bool = False


def files_of(
    plan: PlanSummary,
    sections: Sequence[StoredSection],
    metrics: PlanMetrics | None = None,
    *,
    stages: Mapping[str, Stage[Any]] | None = None,
    timezone: tzinfo = UTC,
) -> list[PlanFile]:
    """Every file of a document: the report first, then tables and charts, the ZIP, and Markdown and JSON of each section."""
    if stages is None:
        from agents.playbooks.document.catalog import stages as known  # it gathers all modules of stages

        stages = known()
    contents = contents_of(sections, stages)
    title = project_title(contents, plan.title)

    def html() -> bytes:
        return report_html(plan, contents, metrics, timezone=timezone).encode()

    whole = [
        PlanFile("report.html", HTML, html),
        PlanFile("report.pdf", "application/pdf", html, is_printed=True),
        PlanFile("report.md", MARKDOWN, lambda: report_markdown(contents, title).encode()),
        PlanFile("plan.json", JSON, lambda: plan_json(plan, sections, contents)),
        *_tables(contents, title),
    ]
    single = [
        file
        for place, one in enumerate(sections, start=1)
        if one.output is not None
        for file in _of(place, one, contents)
    ]
    packed = [file for file in [*whole, *single] if not file.is_printed]
    return [*whole, PlanFile("plan.zip", "application/zip", lambda: zipped(packed)), *single]


def file_named(files: Sequence[PlanFile], name: str) -> PlanFile:
    """The file. Raises NotFound that says which there are."""
    found = next((file for file in files if file.name == name), None)
    if found is None:
        names = [file.name for file in files]
        some = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        raise NotFound(f"The plan has no file {name[:100]!r}", detail=f"there are: {some}")
    return found


async def content_of(file: PlanFile, print_pdf: PrintPdf) -> bytes:
    """The bytes of a file, made beside the event loop. Raises what `print_pdf` raises where there is no browser."""
    import asyncio

    content = await asyncio.to_thread(file.make)
    return await print_pdf(content.decode()) if file.is_printed else content


def plan_json(plan: PlanSummary, sections: Sequence[StoredSection], contents: Contents) -> bytes:
    """The plan with every section as it is stored, and what is missing."""
    whole = {
        "plan": plan.model_dump(
            mode="json", include={"id", "kind", "title", "request", "state", "created_at", "completed_at"}
        ),
        "sections": [one.model_dump(mode="json", exclude={"task_id"}) for one in sections if one.output is not None],
        "missing": [{"stage": one.stage, "title": one.title, "why": one.why} for one in contents.missing],
    }
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def zipped(files: Sequence[PlanFile]) -> bytes:
    """The files as a ZIP; the same content gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.name, ZIP_TIME)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(entry, file.make(), compresslevel=6)
    return out.getvalue()


def stage_name(place: int, stage: str) -> str:
    """The beginning of a file's name: its place and its stage, in letters that every file system takes."""
    return f"{place:03d}-{UNSAFE.sub('_', stage.casefold()).strip('_')[:80] or 'section'}"


def _of(place: int, stored: StoredSection, contents: Contents) -> list[PlanFile]:
    piece = next((piece for piece in contents.pieces if piece.stage == stored.stage), None)
    name = stage_name(place, stored.stage)
    made = [
        PlanFile(
            f"{name}.json",
            JSON,
            lambda: orjson.dumps(stored.output, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),
        )
    ]
    if piece is not None:
        made.insert(0, PlanFile(f"{name}.md", MARKDOWN, f"# {piece.title}\n\n{piece.markdown}\n".encode))
    return made


def _tables(contents: Contents, title: str) -> list[PlanFile]:
    """The work breakdown and the schedule as tables, and the Gantt chart, where they are stored."""
    made: list[PlanFile] = []
    rows = _breakdown(contents)
    if rows:
        made.append(
            PlanFile("wbs.csv", CSV, lambda: written_csv([[inert_cell(cell) for cell in row] for row in rows]).encode())
        )
    entries = schedule_entries(contents)
    if entries:
        from agents.playbooks.document.schedule import csv_of

        made.append(PlanFile("schedule.csv", CSV, lambda: csv_of(entries).encode()))
        made.append(PlanFile("gantt.svg", SVG, lambda: gantt(entries, title).encode()))
    return made


def _breakdown(contents: Contents) -> list[tuple[str, ...]]:
    """A row for each phase, task and step, with a heading; empty where there is no tree that can be read."""
    from pydantic import ValidationError

    from agents.playbooks.document.work_breakdown import COLUMNS, WbsFull, WbsTree, rows_of

    for stage, form in ((TREE, WbsFull), ("wbs_project_level1_and_level2", WbsTree)):
        data = contents.data(stage)
        if data is None:
            continue
        try:
            tree = form.model_validate(data)
        except ValidationError:  # stored in another form than trees have now
            continue
        listed = [(row.level_1, row.level_2, row.level_3, row.task_id) for row in rows_of(tree.task_children)]
        return [tuple(COLUMNS), *listed]
    return []
