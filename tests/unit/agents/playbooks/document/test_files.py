"""The files of a document: nothing in them runs or reaches out, and the same sections give the same bytes."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest

from agents.playbooks.document.catalog import stages
from agents.playbooks.document.contents import ALL_STAGES, WORKING, contents_of
from agents.playbooks.document.files import PlanFile, content_of, file_named, files_of, stage_name
from agents.playbooks.document.html import REPORT_POLICY, markdown_html, report_html
from agents.playbooks.document.report import Report, fill_report
from core.errors import NotFound
from tasks.plans import PlanMetrics, PlanSummary, StageMetrics, StoredSection
from tests.unit.agents.playbooks.document.scripted import earlier_of

AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
PLAN = PlanSummary(
    id=UUID(int=7), organization_id=UUID(int=8), kind="document", title="A workshop", request={"speed_vs_detail": "ping_llm"},
    state="completed", execution_status="completed", created_at=AT,
)  # fmt: skip
EVIL = (
    '<script>alert(1)</script> <img src="https://evil.example/x.png" onerror="alert(1)"> ![pixel](https://evil.example/p.png) '
    "[click](javascript:alert(1)) [bank.example](https://evil.example/) [data](data:text/html,x) \u202egnp.exe"
)
TREE: dict[str, Any] = {
    "id": "T", "description": "=1+1", "rows": [],
    "task_children": [{"id": "T1", "description": '=HYPERLINK("http://evil.example")', "task_children": [
        {"id": "T1.1", "description": "@SUM(A1) | x", "task_children": []}]}],
}  # fmt: skip
SECTIONS: Mapping[str, dict[str, Any]] = {
    "setup": {"prompt_text": EVIL},
    "wbs_level1": {"id": "T", "project_title": '</title><script>alert("t")</script>', "final_deliverable": EVIL},
    "identify_purpose": {"topic": EVIL, "purpose": "other", "purpose_detailed": "# A heading\n\n| a | b |\n| --- | --- |\n| c | d |"},
    "plan_type": {"old_form": "```\n````"},
    "wbs_project_level1_and_level2_and_level3": TREE,
}  # fmt: skip


def stored(stage: str, output: dict[str, Any] | None, **more: Any) -> StoredSection:
    state = "completed" if output is not None else "failed"
    return StoredSection.model_validate(
        {
            "stage": stage,
            "task_id": UUID(int=1),
            "title": stage,
            "state": state,
            "output": output,
            "completed_at": AT,
            **more,
        }
    )


def sections() -> list[StoredSection]:
    found = [stored(stage, output) for stage, output in SECTIONS.items()]
    found += [
        stored("currency_strategy", {}, by_person=True),
        stored("swot_analysis", {}, is_stale=True),
        stored("premortem", None, reason="The model <b>refused</b>"),
        stored("a stage/../../of tomorrow", {"x": 1}),
        stored("report", {"title": "x", "sections": []}),
    ]
    return found


class Seen(HTMLParser):
    """Every tag and attribute of a page, as a browser would take them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[dict[str, str | None]] = []
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag == "a":
            self.links.append(dict(attrs))


def test_the_report_runs_nothing_and_reaches_nowhere() -> None:
    metrics = PlanMetrics(
        plan_id=PLAN.id,
        tasks=[StageMetrics(task_id=UUID(int=1), title="x", stage="identify_purpose", models=["small<b>"])],
    )
    html = report_html(PLAN, contents_of(sections(), stages()), metrics)
    seen = Seen(html)
    assert not {"script", "img", "iframe", "link", "base", "object", "form", "input", "video"} & set(seen.tags)
    assert not {name for name in seen.attributes if name.startswith("on") or name in {"src", "srcset", "action"}}
    outside = [link for link in seen.links if not (link["href"] or "").startswith("#")]
    assert {link["href"] for link in outside} == {
        "https://evil.example/",
        "https://evil.example/p.png",
    }  # pictures are links
    assert all(link["rel"] == "noopener noreferrer nofollow" for link in outside)
    assert "(evil.example)" in html  # a link says where it leads
    assert not re.search(r"url\((?!#)|@import|\u202e", html)
    assert len(seen.ids) == len(set(seen.ids))
    assert {(link["href"] or "")[1:] for link in seen.links if (link["href"] or "").startswith("#")} <= set(seen.ids)
    assert f'content="{REPORT_POLICY.replace(chr(39), "&#x27;")}"' in html


def test_the_report_says_what_is_missing_stale_and_whose() -> None:
    metrics = PlanMetrics(
        plan_id=PLAN.id,
        tasks=[StageMetrics(task_id=UUID(int=1), title="x", stage="identify_purpose", models=["small"])],
    )
    html = report_html(PLAN, contents_of(sections(), stages()), metrics)
    assert "Written by small, 4 Mar 2026, 09:30 UTC." in html
    assert "Written by a person, 4 Mar 2026" in html
    assert "it failed: The model &lt;b&gt;refused&lt;/b&gt;" in html
    assert "1 out of date" in html
    assert html.count("out of date</span>") == 1
    assert "stored in an earlier form" in html
    counted = PLAN.model_copy(update={"counts": {"completed": 60, "failed": 1}})
    assert "60 of 61 stages written" in report_html(counted, contents_of(sections(), stages()))
    redone = sections()[0].model_copy(
        update={"started_at": AT + timedelta(hours=1), "completed_at": AT + timedelta(hours=1, seconds=12)}
    )
    done = PLAN.model_copy(update={"completed_at": AT + timedelta(minutes=1)})
    again = report_html(done, contents_of([redone, *sections()[1:]], stages()))
    assert "1 stage written again in 12 seconds, the last 4 Mar 2026, 10:30 UTC" in again
    nothing = report_html(PLAN, contents_of([], stages()))
    assert "<h1>A workshop</h1>" in nothing


def test_markdown_stands_below_its_section() -> None:
    made = markdown_html("# One\n\n###### Six\n\n[x](https://a.example)\n\n| a |\n| --- |\n| b |\n\n```\n# no\n```")
    assert "<h4>One</h4>" in made
    assert "<h6>Six</h6>" in made
    assert 'tabindex="0"><table>' in made
    assert "# no" in made
    assert '<td class="day">2026-12-24</td>' in markdown_html("| a |\n| --- |\n| 2026-12-24 |")


def test_sections_that_others_carry_on_stand_behind() -> None:
    both = contents_of([stored("governance_phase1_audit", {}), stored("consolidate_governance", {})], stages())
    assert [(piece.stage, piece.part) for piece in both.pieces] == [
        ("consolidate_governance", "Governance"), ("governance_phase1_audit", WORKING),
    ]  # fmt: skip
    alone = contents_of([stored("governance_phase1_audit", {})], stages())
    assert alone.pieces[0].part == "Governance"
    assert set(ALL_STAGES) == set(stages()) - {"report"}
    assert len(ALL_STAGES) == len(set(ALL_STAGES))


def test_the_report_stage_assembles_what_is_there() -> None:
    section = fill_report(earlier_of(stages(), {"setup": {"prompt_text": "Say hello"}}))
    assert [(one.stage, one.group) for one in section.sections] == [("setup", "Where it began")]
    assert len(section.missing) == 59
    assert section.shallow() is None
    assert "### User prompt\n\n> Say hello" in section.markdown()
    assert Report(title="x", sections=[]).shallow() == "too few entries (at least 1): sections"


async def test_files_have_safe_names_and_inert_cells() -> None:
    files = files_of(PLAN, sections())
    names = [file.name for file in files]
    assert names[:6] == ["report.html", "report.pdf", "report.md", "plan.json", "wbs.csv", "plan.zip"]
    assert all(re.fullmatch(r"[a-z0-9_.-]+", name) for name in names)
    assert "009-a_stage_of_tomorrow.json" in names
    assert not [name for name in names if "premortem" in name]

    async def no_browser(html: str) -> bytes:
        return html[:15].encode()

    contents = {file.name: await content_of(file, no_browser) for file in files}
    assert contents["report.pdf"] == b"<!doctype html>"
    cells = [cell for row in csv.reader(io.StringIO(contents["wbs.csv"].decode())) for cell in row]
    assert '\'=HYPERLINK("http://evil.example")' in cells
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]
    whole = json.loads(contents["plan.json"])
    assert whole["missing"] == [
        {"stage": "premortem", "title": "premortem", "why": "it failed: The model <b>refused</b>"}
    ]
    assert contents["report.md"].startswith(b"# ")
    assert json.loads(contents["001-setup.json"]) == SECTIONS["setup"]
    with zipfile.ZipFile(io.BytesIO(contents["plan.zip"])) as archive:
        assert set(archive.namelist()) == set(names) - {"plan.zip", "report.pdf"}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    again = next(file for file in files_of(PLAN, sections()) if file.name == "plan.zip")
    assert again.make() == contents["plan.zip"]
    with pytest.raises(NotFound, match="no file"):
        file_named(files, "../../etc/passwd")
    assert isinstance(file_named(files, "plan.json"), PlanFile)


def test_names_of_stages_are_names_of_files() -> None:
    assert stage_name(7, "plan_type") == "007-plan_type"
    assert stage_name(7, "../CON\x00 ü") == "007-con"
    assert stage_name(7, "…") == "007-section"
