"""What there is to read of a plan: its report and its files, made from what is stored when somebody asks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal, cast
from uuid import UUID

import orjson

from agents.playbooks.document.files import HTML, JSON, MARKDOWN, PlanFile, content_of, file_named, files_of
from agents.playbooks.document.html import REPORT_POLICY
from agents.reporting import linked
from app._view.sequence import walk
from app.house import House
from core.database import Caller
from core.errors import Conflict, NotFound
from tasks import plans
from tasks.artifacts import Artifact, list_artifacts
from tasks.capture import get_profile
from tasks.functions import get_task
from tasks.plans import PlanMetrics, PlanSummary, PlanTree

Format = Literal["html", "markdown", "json", "pdf"]
NAMES: dict[Format, tuple[str, ...]] = {
    "html": ("report.html",),
    "markdown": ("report.md",),
    "json": ("plan.json", "report.json"),
    "pdf": ("report.pdf",),
}
STYLE = (
    "body{font:16px/1.55 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1c1c1a;background:#fff}"
    "h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:1.8rem}li{margin:.2rem 0}a{color:inherit}"
    "table{border-collapse:collapse}td,th{border-bottom:1px solid #ddd;padding:.3rem .8rem .3rem 0;text-align:left}"
    "@media(prefers-color-scheme:dark){body{color:#ececea;background:#1a1a19}td,th{border-color:#444}}"
    "@media print{body{margin:0;max-width:none;color:#000;background:#fff}}"
)


@dataclass(frozen=True)
class Paper:
    """A file as it is handed over."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Papers:
    """The files of a plan: those that are made from what is stored, and those that its tasks kept."""

    plan: PlanSummary
    made: Sequence[PlanFile]
    kept: Sequence[Artifact]
    has_report: bool


async def papers_of(house: House, caller: Caller, plan_id: UUID, *, on_page: bool = False) -> Papers:
    """Everything that can be had of a plan. NotFound for a task that is no plan.

    Links of a report lead to the public address, or are plain text where it is not known: a file is read anywhere. Not so `on_page`.
    """
    plan = await plans.get_plan_progress(caller, plan_id)
    metrics = await plans.get_plan_metrics(caller, plan_id)

    def shown(markdown: str) -> str:
        return markdown if on_page else linked(markdown, house.settings.public_url)

    kept: dict[str, Artifact] = {}
    for artifact in await list_artifacts(caller, plan_id):  # the newest of a name comes first, and is the one meant
        kept.setdefault(artifact.name, artifact)
    if plan.kind == "document":
        sections = await plans.list_plan_sections(caller, plan_id)
        made = files_of(plan, sections, metrics, timezone=house.clock.timezone)
        has_report = any(one.stage == "report" and one.output is not None for one in sections)
    else:
        made, has_report = (
            await _reports(caller, await plans.get_plan(caller, plan_id), metrics, shown),
            True,
        )
    names = {file.name for file in made}
    return Papers(plan, made, [one for name, one in kept.items() if name not in names], has_report)


async def paper_named(house: House, papers: Papers, name: str) -> Paper:
    """One file that is made from what is stored. NotFound says which there are; what `pdf_of` raises where a PDF cannot be printed."""
    file = file_named(papers.made, name)

    async def print_pdf(html: str) -> bytes:
        from integrations.browser.printing import pdf_of

        return await pdf_of(html, house.settings.browser_program)

    return Paper(name, file.media_type, await content_of(file, print_pdf))


async def report_in(house: House, caller: Caller, plan_id: UUID, wanted: Format, *, rebuilt: bool = False) -> Paper:
    """The report. Conflict where a document has none yet, unless it is `rebuilt` from whatever is stored."""
    papers = await papers_of(house, caller, plan_id)
    if not papers.has_report and not rebuilt:
        raise Conflict(
            "The report of this plan is not written yet",
            detail=f"the plan is {papers.plan.state}, {papers.plan.percent:g} % done",
            hint=f"GET /api/plans/{plan_id}/fallback-report shows what there is.",
        )
    names = {file.name for file in papers.made}
    name = next((name for name in NAMES[wanted] if name in names), None)
    if name is None:
        raise NotFound(f"This plan has no report as {wanted}")
    return await paper_named(house, papers, name)


async def _reports(
    caller: Caller, found: PlanTree, metrics: PlanMetrics, shown: Callable[[str], str]
) -> list[PlanFile]:
    """The report of an objective's plan in every form: the one that its last task wrote, else how it stands now.

    `shown`: its Markdown with links for where it is read.
    """
    markdown, facts = await _written(caller, found)
    if markdown is None:
        from agents.synthesizer import report_of

        report = report_of(found, metrics, people=await _people(caller))
        markdown, facts = report.markdown, report.facts.model_dump(mode="json")
    told = shown(markdown)

    def html() -> bytes:
        from app.templating import markdown as as_html

        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{escape(REPORT_POLICY)}">'
            '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">'
            f"<title>{escape(found.plan.title)}</title><style>{STYLE}</style></head><body>{as_html(told)}</body></html>\n"
        ).encode()

    def json() -> bytes:
        return orjson.dumps({"markdown": told, "facts": facts}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    return [
        PlanFile("report.html", HTML, html),
        PlanFile("report.pdf", "application/pdf", html, is_printed=True),
        PlanFile("report.md", MARKDOWN, told.encode),
        PlanFile("report.json", JSON, json),
    ]


async def _written(caller: Caller, found: PlanTree) -> tuple[str | None, dict[str, Any]]:
    """Markdown and facts of the report that the plan's last task wrote; None where it has not."""
    tasks = [task for task in walk(found.tree) if task.tool == "plan_report" and task.execution_status == "completed"]
    if not tasks or found.plan.state != "completed":
        return None, {}
    result: object = (await get_task(caller, tasks[-1].id)).result
    output = cast("dict[str, Any]", result).get("output") if isinstance(result, dict) else None
    if not isinstance(output, dict):
        return None, {}
    said = cast("dict[str, Any]", output)
    markdown = said.get("markdown")
    return (markdown if isinstance(markdown, str) else None), dict(said.get("facts") or {})


async def _people(caller: Caller) -> dict[UUID, str]:
    """The name of who asks: most of what was decided, they decided."""
    profile = await get_profile(caller)
    name = profile.get("name") or profile.get("email")
    user_id = caller.identity.user_id
    return {user_id: str(name)} if user_id and name else {}
