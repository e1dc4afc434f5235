"""The report and the files of a plan, as its page shows them."""

from typing import Any

from agents.playbooks.document.catalog import stages
from agents.playbooks.document.running import section_of
from agents.synthesizer import report_of
from app._view.sequence import walk
from app._view.tables import result_of
from app.house import House
from core.database import Caller
from tasks import functions, plans
from tasks.plans import PlanTree, StoredSection

SUMMARY = ("executive_summary", "project_plan")


async def report_for(house: House, caller: Caller, found: PlanTree) -> dict[str, Any]:
    """What the tab of the report shows."""
    if found.plan.kind == "document":
        return await _of_document(caller, found)
    task = next((part for part in walk(found.tree) if part.tool == "plan_report"), None)
    if task is not None and task.execution_status == "completed":
        output = result_of(await functions.get_task(caller, task.id)).get("output")
        text = output.get("markdown") if isinstance(output, dict) else output  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if isinstance(text, str) and text.strip():
            return {"report": text, "is_final": True, "files": []}
    metrics = await plans.get_plan_metrics(caller, found.plan.id)
    return {"report": report_of(found, metrics).markdown, "is_final": False, "files": []}


async def _of_document(caller: Caller, found: PlanTree) -> dict[str, Any]:
    sections = await plans.list_plan_sections(caller, found.plan.id)
    written = {one.stage: one for one in sections if one.output is not None}
    summary = next((written[name] for name in SUMMARY if name in written), None)
    return {
        "report": markdown_of(summary) if summary else "",
        "summary": summary,
        "written": len(written),
        "sections": sections,
        "is_final": found.plan.state == "completed",
        "files": [],
    }


def markdown_of(section: StoredSection) -> str:
    """A stored section as Markdown; empty where there is none."""
    if section.output is None or section.stage not in stages():
        return ""
    return section_of(stages()[section.stage], section.output).markdown()
