"""The report: all sections in the order of reading, as one document, without a model. HTML is made from it when it is asked for."""

import re
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from agents.playbooks.document.contents import ALL_STAGES, WORKING, Contents, contents_of, project_title, title_of
from agents.playbooks.document.stage import Earlier, Section, Stage, bullets, first_problem, one_line, too_few
from tasks.models import ExecutionStatus
from tasks.plans import StoredSection

HEADING = re.compile(r"^(#{1,5})(?= )", re.MULTILINE)
NOBODY = "00000000-0000-0000-0000-000000000000"


class ReportSection(BaseModel):
    """A section of the plan in the report; `group` is the part of the report that it stands in."""

    model_config = ConfigDict(extra="forbid")

    stage: str
    title: str
    group: str
    markdown: str


class MissingSection(BaseModel):
    """A section that is not in the report."""

    model_config = ConfigDict(extra="forbid")

    stage: str
    title: str


class Report(Section):
    """The assembled report; working sections, which others carry on, are not in it."""

    title: str
    sections: list[ReportSection]
    missing: list[MissingSection] = Field(default_factory=list[MissingSection])

    def shallow(self) -> str | None:
        return first_problem(
            too_few(1, sections=self.sections),
            None if self.title.strip() else "the report has no title",
        )

    def markdown(self) -> str:
        lines = [f"**{one_line(self.title)}**"]
        for section in self.sections:
            lines += [f"### {one_line(section.title)}", HEADING.sub(r"#\1", section.markdown)]
        if self.missing:
            lines += ["### Not in this report", bullets([one.title for one in self.missing])]
        return "\n\n".join(lines)


def fill_report(earlier: Earlier) -> Report:
    """The report of the sections that are there; what is not there is named."""
    stored = [_stored(stage, earlier) for stage in ALL_STAGES if earlier.has(stage)]
    contents = contents_of(stored, earlier.stages)
    shown = [piece for piece in contents.pieces if piece.part != WORKING]
    return Report(
        title=project_title(contents, _first_words(earlier.prompt)),
        sections=[ReportSection(stage=p.stage, title=p.title, group=p.part, markdown=p.markdown) for p in shown],
        missing=[
            MissingSection(stage=stage, title=title_of(stage, earlier.stages))
            for stage in ALL_STAGES
            if not earlier.has(stage)
        ],
    )


def report_markdown(contents: Contents, title: str) -> str:
    """The report as one Markdown file: parts, their sections, and at the end what is missing or out of date."""
    lines = [f"# {one_line(title)}"]
    for part, pieces in contents.parts():
        lines.append(f"## {part}")
        for piece in pieces:
            notes = _notes(is_stale=piece.is_stale, by_person=piece.by_person)
            lines += [
                f"### {one_line(piece.title)}",
                *([f"*{notes}*"] if notes else []),
                HEADING.sub(r"#\1", piece.markdown),
            ]
    if contents.missing:
        lines += ["## Not in this report", bullets([f"{one.title}: {one.why}" for one in contents.missing])]
    return "\n\n".join(lines) + "\n"


def _notes(*, is_stale: bool, by_person: bool) -> str:
    notes = [
        "Out of date: something it depends on has changed." if is_stale else "",
        "Written by a person." if by_person else "",
    ]
    return " ".join(note for note in notes if note)


def _stored(stage: str, earlier: Earlier) -> StoredSection:
    state: ExecutionStatus = "completed"
    return StoredSection.model_validate(
        {
            "stage": stage,
            "task_id": NOBODY,
            "title": title_of(stage, earlier.stages),
            "state": state,
            "output": dict(earlier.sections[stage]),
            "completed_at": datetime.fromisoformat(earlier.started_at),
        }
    )


def _first_words(prompt: str, most: int = 80) -> str:
    words = one_line(prompt)
    return words if len(words) <= most else f"{words[:most].rsplit(' ', 1)[0]} …"


DEPENDS_ON = ("redline_gate", "premise_attack", "create_schedule", "executive_summary", "premortem")
STAGES = (
    Stage(
        "report",
        "Report",
        "report",
        "Puts the sections together as one report, in the order in which a plan is read.",
        Report,
        depends_on=DEPENDS_ON,
        reads=tuple(stage for stage in ALL_STAGES if stage not in DEPENDS_ON),
        fill=fill_report,
        minutes=0.02,
    ),
)
