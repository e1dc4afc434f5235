"""The report and the files of a plan, as its page shows them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

from agents.playbooks.document.catalog import stages
from agents.playbooks.document.files import PlanFile
from agents.playbooks.document.running import section_of
from app._plans.papers import Papers, paper_named, papers_of
from app.house import House
from core.database import Caller
from tasks import plans
from tasks.plans import PlanTree, StoredSection

SUMMARY = ("executive_summary", "project_plan")
MOVING = {"planning", "running"}  # what is made from what is stored has another size in a moment
WHOLE = ("report.", "plan.", "schedule.", "wbs", "work_breakdown", "gantt")


@dataclass(frozen=True)
class FileRow:
    """A file that can be had; a size of None is known once it is made."""

    name: str
    url: str
    size_bytes: int | None
    is_section: bool = False


async def report_for(house: House, caller: Caller, found: PlanTree) -> dict[str, Any]:
    """What the tab of the report shows."""
    papers = await papers_of(house, caller, found.plan.id, on_page=True)
    about: dict[str, Any] = {
        "files": await _files(papers, found.plan.id, is_sized=found.plan.state not in MOVING),
        "is_final": found.plan.state == "completed",
    }
    if found.plan.kind == "document":
        return {**about, **await _of_document(caller, found)}
    report = await paper_named(house, papers, "report.md")
    return {**about, "report": report.content.decode()}


async def _of_document(caller: Caller, found: PlanTree) -> dict[str, Any]:
    sections = await plans.list_plan_sections(caller, found.plan.id)
    written = {one.stage: one for one in sections if one.output is not None}
    summary = next((written[name] for name in SUMMARY if name in written), None)
    is_whole = "report" in written
    return {
        "report": markdown_of(summary) if summary else "",
        "summary": summary,
        "written": len(written),
        "sections": sections,
        "whole_link": f"/api/plans/{found.plan.id}/{'report' if is_whole else 'fallback-report'}",
    }


async def _files(papers: Papers, plan_id: UUID, *, is_sized: bool) -> list[FileRow]:
    """Those of the whole plan first, then those of its sections, then what its tasks kept."""
    sizes = await asyncio.to_thread(_sizes, papers.made) if is_sized else {}
    sections = set(stages())
    made = [
        FileRow(
            one.name,
            f"/api/plans/{plan_id}/files/{quote(one.name)}",
            sizes.get(one.name),
            any(name in one.name for name in sections) and not one.name.startswith(WHOLE),
        )
        for one in papers.made
    ]
    return [*made, *(FileRow(one.name, f"/api/artifacts/{one.id}", one.size_bytes) for one in papers.kept)]


def _sizes(files: Sequence[PlanFile]) -> dict[str, int]:
    return {one.name: len(one.make()) for one in files if not one.is_printed}


def markdown_of(section: StoredSection) -> str:
    """A stored section as Markdown; empty where there is none."""
    if section.output is None or section.stage not in stages():
        return ""
    return section_of(stages()[section.stage], section.output).markdown()
