"""What the plan takes for granted: asked area by area, put in single lines, reviewed, and joined with all before it."""

from collections.abc import Sequence
from typing import NamedTuple

from agents.playbooks.document.assumption_forms import (
    AreaAssumptions,
    AreaQuestion,
    ConsolidateAssumptions,
    DistillAssumptions,
    MakeAssumptions,
    ReviewAssumptions,
    Shortened,
)
from agents.playbooks.document.checks import enough, same
from agents.playbooks.document.rendered import deeper
from agents.playbooks.document.stage import Earlier, Section, Stage, StageMissing, Writing

SHORT_ENOUGH = 600  # characters of a document that is not worth a question
JOINED = (
    "strategic_decisions_markdown",
    "scenarios_markdown",
    "physical_locations",
    "currency_strategy",
    "identify_risks",
    "make_assumptions",
    "distill_assumptions",
    "review_assumptions",
)


class Area(NamedTuple):
    """A side of the plan that questions are asked about."""

    key: str
    name: str
    about: str


AREAS = (
    Area("money", "Money", "funding, costs, prices, income, what is paid when, reserves"),
    Area("people", "People", "who does it with which skills, who uses it, who has a say, who may be against it"),
    Area("time", "Time", "start, end, milestones, order, waiting times, seasons"),
    Area("rules", "Rules and safety", "permits, law, contracts, insurance, data, safety, environment"),
    Area("means", "Means", "places, equipment, material, suppliers, systems"),
    Area("after", "Running it", "daily running, quality, how success is measured, what comes after the end"),
)


async def write_make_assumptions(writing: Writing) -> MakeAssumptions:
    """One question for each area, side by side; a question that two areas ask counts once."""
    context = writing.earlier.markdown(
        "identify_purpose", "scenarios_markdown", "physical_locations", "currency_strategy", "identify_risks"
    )

    async def ask_about(area: Area) -> AreaAssumptions:
        words = f"{context}\n\nAsk about this area alone: {area.name} ({area.about})."
        return await writing.ask(AreaAssumptions, words, part=f"area-{area.key}")

    areas = AREAS[: 2 * writing.depth.turns]
    found: list[AreaQuestion] = []
    for area, answer in zip(areas, await writing.each(areas, ask_about), strict=True):
        for entry in answer.question_assumption_list:
            if not any(same(entry.question, other.question) for other in found):
                found.append(AreaQuestion(area=area.name, **entry.model_dump()))
    return MakeAssumptions(question_assumption_list=found)


async def write_distill_assumptions(writing: Writing) -> DistillAssumptions:
    """One question, from the assumptions alone."""
    return await writing.ask(
        DistillAssumptions,
        writing.earlier.markdown("make_assumptions"),
        check=lambda found: enough(writing.depth, 4, assumption_list=found.assumption_list),
    )


async def write_review_assumptions(writing: Writing) -> ReviewAssumptions:
    """One question, from the distilled assumptions, the chosen way to go and the risks."""
    return await writing.ask(
        ReviewAssumptions,
        writing.earlier.markdown("identify_purpose", "scenarios_markdown", "identify_risks", "distill_assumptions"),
        check=lambda found: enough(writing.depth, 3, issues=found.issues),
    )


async def write_consolidation(writing: Writing) -> ConsolidateAssumptions:
    """`full` is joined by code; for `short` one question for each document that is long, side by side."""
    documents = _documents(writing.earlier)

    async def shorten(document: tuple[str, str, str]) -> Shortened:
        stage_id, title, text = document
        return await writing.ask(
            Shortened,
            f"## {title}\n\n{text}",
            part=f"short-{stage_id}",
            check=lambda found: None if len(found.text) < len(text) else "it is not shorter than the document",
        )

    long = [document for document in documents if len(document[2]) > SHORT_ENOUGH]
    answers = await writing.each(long, shorten)
    shorter = {document[0]: answer.markdown() for document, answer in zip(long, answers, strict=True)}
    return ConsolidateAssumptions(
        full=_joined([(title, text) for _, title, text in documents]),
        short=_joined([(title, shorter.get(stage_id, text)) for stage_id, title, text in documents]),
    )


def _documents(earlier: Earlier) -> list[tuple[str, str, str]]:
    """(stage, title, text) of those of the eight that are there. Raises StageMissing where none is."""
    found: list[tuple[str, str, str]] = []
    for stage_id in JOINED:
        if earlier.has(stage_id):
            stage = earlier.stages[stage_id]
            section: Section = earlier.of(stage_id, stage.form)
            found.append((stage_id, stage.title, section.markdown()))
    if not found:
        raise StageMissing("There is nothing to consolidate", detail=f"none of these is there: {', '.join(JOINED)}")
    return found


def _joined(chapters: Sequence[tuple[str, str]]) -> str:
    return "\n\n".join(f"### {title}\n\n{deeper(text)}" for title, text in chapters)


STAGES = (
    Stage(
        "make_assumptions",
        "Make assumptions",
        "assumptions",
        "Asks what a planner would ask, area by area, and says what is assumed as long as nobody answers.",
        MakeAssumptions,
        depends_on=("identify_risks",),
        reads=("identify_purpose", "scenarios_markdown", "physical_locations", "currency_strategy"),
        write=write_make_assumptions,
        minutes=0.5,
    ),
    Stage(
        "distill_assumptions",
        "Distill assumptions",
        "assumptions",
        "Puts every assumption in one line.",
        DistillAssumptions,
        depends_on=("make_assumptions",),
        write=write_distill_assumptions,
    ),
    Stage(
        "review_assumptions",
        "Review assumptions",
        "assumptions",
        "Names the weakest assumptions as an expert of the field would, and how far each may be off.",
        ReviewAssumptions,
        depends_on=("distill_assumptions",),
        reads=("identify_purpose", "scenarios_markdown", "identify_risks"),
        write=write_review_assumptions,
    ),
    Stage(
        "consolidate_assumptions_markdown",
        "Consolidate assumptions",
        "assumptions",
        "Joins choices, places, money, risks and assumptions in one text, and shortens it for the sections that follow.",
        ConsolidateAssumptions,
        depends_on=("review_assumptions",),
        reads=JOINED[:-1],
        write=write_consolidation,
    ),
)
