"""What a report holds: the stored sections in the order of reading, what is missing and why, what came of what."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import orjson
from pydantic import ValidationError

from agents.playbooks.document.stage import Section, Stage
from tasks.models import ExecutionStatus
from tasks.plans import StoredSection

TREE = "wbs_project_level1_and_level2_and_level3"
# The order in which a plan is read. A section that another carries on is shown among the working sections, when that one is there.
PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Summary", ("executive_summary", "pitch_markdown", "create_pitch")),
    (
        "Plan",
        (
            "identify_purpose", "plan_type", "project_plan", "pre_project_assessment",
            "strategic_decisions_markdown", "potential_levers", "deduplicate_levers", "enrich_levers", "focus_on_vital_few_levers",
            "scenarios_markdown", "candidate_scenarios", "select_scenario",
        ),
    ),
    (
        "Work and schedule",
        (
            "create_schedule", "wbs_level1", "wbs_level2", "wbs_project_level1_and_level2", TREE, "wbs_level3",
            "estimate_task_durations", "identify_task_dependencies",
        ),
    ),
    (
        "Circumstances and assumptions",
        (
            "physical_locations", "currency_strategy", "identify_risks", "make_assumptions", "distill_assumptions", "review_assumptions",
            "consolidate_assumptions_markdown",
        ),
    ),
    (
        "Team",
        (
            "team_markdown", "find_team_members", "enrich_team_members_with_contract_type",
            "enrich_team_members_with_background_story", "enrich_team_members_with_environment_info", "review_team",
        ),
    ),
    (
        "Governance",
        (
            "consolidate_governance", "governance_phase1_audit", "governance_phase2_bodies", "governance_phase3_impl_plan",
            "governance_phase4_decision_escalation_matrix", "governance_phase5_monitoring_progress", "governance_phase6_extra",
        ),
    ),
    ("Comparison and analysis", ("related_resources", "swot_analysis", "expert_review")),
    (
        "Data and documents",
        (
            "data_collection", "markdown_documents_to_create_and_find", "identify_documents", "filter_documents_to_find",
            "filter_documents_to_create", "draft_documents_to_find", "draft_documents_to_create",
        ),
    ),
    ("Doubts and review", ("premise_attack", "redline_gate", "review_plan", "questions_and_answers", "premortem")),
    ("Where it began", ("setup", "start_time")),
)  # fmt: skip
CARRIED_ON: Mapping[str, Sequence[str]] = {
    "pitch_markdown": ("create_pitch",),
    "strategic_decisions_markdown": (
        "potential_levers", "deduplicate_levers", "enrich_levers", "focus_on_vital_few_levers",
    ),
    "scenarios_markdown": ("candidate_scenarios", "select_scenario"),
    TREE: ("wbs_level1", "wbs_level2", "wbs_project_level1_and_level2"),
    "create_schedule": ("identify_task_dependencies",),
    "consolidate_governance": tuple(stage for stage in PARTS[5][1] if stage != "consolidate_governance"),
    "team_markdown": tuple(stage for stage in PARTS[4][1] if stage != "team_markdown"),
    "markdown_documents_to_create_and_find": PARTS[7][1][2:],
    "review_assumptions": ("consolidate_assumptions_markdown",),
}  # fmt: skip
WORKING = "Working sections"
ALL_STAGES = tuple(stage for _, stages in PARTS for stage in stages)
WHY_NOT: Mapping[ExecutionStatus, str] = {
    "pending": "not written yet: it waits for others",
    "queued": "not written yet: it is next",
    "in_progress": "being written",
    "paused": "paused",
    "blocked": "it waits",
    "failed": "it failed",
    "cancelled": "it was cancelled",
    "completed": "it was done without a section",
}


@dataclass(frozen=True)
class Piece:
    """A section as it is shown. `data` is as stored."""

    stage: str
    title: str
    part: str
    markdown: str
    data: Mapping[str, Any]
    task_id: UUID | None = None
    is_stale: bool = False
    is_reused: bool = False
    by_person: bool = False
    needs_model: bool = False
    started_at: datetime | None = None
    written_at: datetime | None = None


@dataclass(frozen=True)
class Lacking:
    """A section that is not there, and why."""

    stage: str
    title: str
    why: str


@dataclass(frozen=True)
class Contents:
    """Pieces in the order of reading (working sections last), and what is not there."""

    pieces: list[Piece] = field(default_factory=list[Piece])
    missing: list[Lacking] = field(default_factory=list[Lacking])

    def parts(self) -> list[tuple[str, list[Piece]]]:
        """The pieces by part."""
        found: dict[str, list[Piece]] = {}
        for piece in self.pieces:
            found.setdefault(piece.part, []).append(piece)
        return list(found.items())

    def data(self, stage: str) -> Mapping[str, Any] | None:
        """A section as it is stored."""
        return next((piece.data for piece in self.pieces if piece.stage == stage), None)


@dataclass(frozen=True)
class WrittenAgain:
    """What was written anew after a document was done: how many stages, in how many seconds, and when the last of them."""

    stages: int
    seconds: float
    at: datetime


def written_again(
    done_at: datetime | None, times: Iterable[tuple[datetime | None, datetime | None]]
) -> WrittenAgain | None:
    """What of these (begin, end) came after a document was done, as far as it is over; None where nothing did."""
    later = [(begin, end) for begin, end in times if done_at and begin and end and begin >= done_at]
    if not later:
        return None
    last = max(end for _, end in later)
    return WrittenAgain(len(later), (last - min(begin for begin, _ in later)).total_seconds(), last)


def contents_of(sections: Sequence[StoredSection], stages: Mapping[str, Stage[Any]]) -> Contents:
    """What is stored, ordered; the report itself is left out. Sections of unknown stages come last."""
    stored = {one.stage: one for one in sections if one.stage != "report"}
    there = {stage for stage, one in stored.items() if one.output is not None}
    placed = [(part, stage) for part, of_part in PARTS for stage in of_part]
    placed += [(WORKING, stage) for stage in stored if stage not in ALL_STAGES]
    working = {stage for carrier, carried in CARRIED_ON.items() if carrier in there for stage in carried}
    pieces = [
        _piece(stored[stage], WORKING if stage in working else part, stages) for part, stage in placed if stage in there
    ]
    pieces.sort(key=lambda piece: piece.part == WORKING)
    missing = [
        Lacking(stage, stored[stage].title or title_of(stage, stages), _why(stored[stage]))
        for _, stage in placed
        if stage in stored and stage not in there
    ]
    return Contents(pieces, missing)


def title_of(stage: str, stages: Mapping[str, Stage[Any]]) -> str:
    """The title of a stage, its id in words where it is not known."""
    return stages[stage].title if stage in stages else stage.replace("_", " ").capitalize()


def markdown_of(stage: str, output: Mapping[str, Any], stages: Mapping[str, Stage[Any]]) -> str:
    """A stored section as Markdown; one that was stored in another form than its stage has now is shown as it is stored."""
    if stage in stages:
        try:
            return cast(Section, stages[stage].form.model_validate(dict(output))).markdown()
        except ValidationError:
            return f"This section was stored in an earlier form and is shown as it is.\n\n{_fenced(output)}"
    return _fenced(output)


def _fenced(output: Mapping[str, Any]) -> str:
    words = orjson.dumps(output, option=orjson.OPT_INDENT_2).decode()
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", words)), default=0))
    return f"{fence}json\n{words}\n{fence}"


def _piece(stored: StoredSection, part: str, stages: Mapping[str, Stage[Any]]) -> Piece:
    output = stored.output or {}
    stage = stages.get(stored.stage)
    return Piece(
        stage=stored.stage,
        title=title_of(stored.stage, stages),
        part=part,
        markdown=markdown_of(stored.stage, output, stages),
        data=output,
        task_id=stored.task_id,
        is_stale=stored.is_stale,
        is_reused=stored.is_reused,
        by_person=stored.by_person,
        needs_model=stage.needs_model if stage else False,
        started_at=stored.started_at,
        written_at=stored.completed_at,
    )


def _why(stored: StoredSection) -> str:
    why = WHY_NOT[stored.state]
    return f"{why}: {stored.reason}" if stored.reason else why


def project_title(contents: Contents, otherwise: str) -> str:
    """The name that the plan gave itself, or else its title."""
    named = (contents.data("wbs_level1") or {}).get("project_title")
    return named.strip() if isinstance(named, str) and named.strip() else otherwise
