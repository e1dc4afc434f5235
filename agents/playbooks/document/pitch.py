"""The pitch: what would win somebody for the plan, and the same as prose."""

import re
from collections.abc import Iterator

from pydantic import Field

from agents.playbooks.document.filled import Entry, unfilled
from agents.playbooks.document.rendered import Rendered
from agents.playbooks.document.stage import (
    Earlier,
    Section,
    Stage,
    Writing,
    bullets,
    first_problem,
    repeated,
    table,
    texts_too_short,
    too_few,
)

HEADING = re.compile(r"(#{1,6})\s+\S")
FENCE = re.compile(r"\s*(```|~~~)")


class PitchRisk(Entry):
    """A doubt that whoever is asked will have, and what answers it."""

    risk: str
    mitigation: str


class CreatePitch(Section):
    """The pitch and what stands behind it."""

    pitch: str = Field(description="What is said or shown, in two to five paragraphs")
    why_this_pitch_works: str
    target_audience: str = Field(description="Who is to be won, and what for")
    call_to_action: str = Field(description="What exactly they are asked to do, and by when")
    risks_and_mitigation: list[PitchRisk]
    metrics_for_success: list[str]
    stakeholder_benefits: list[str] = Field(description="One entry per group: what it gets")
    long_term_vision: str

    def shallow(self) -> str | None:
        return first_problem(
            unfilled(self),
            texts_too_short(120, pitch=self.pitch),
            texts_too_short(
                20,
                why_this_pitch_works=self.why_this_pitch_works,
                target_audience=self.target_audience,
                call_to_action=self.call_to_action,
                long_term_vision=self.long_term_vision,
            ),
            too_few(
                1,
                risks_and_mitigation=self.risks_and_mitigation,
                metrics_for_success=self.metrics_for_success,
                stakeholder_benefits=self.stakeholder_benefits,
            ),
            repeated(
                metrics_for_success=self.metrics_for_success,
                stakeholder_benefits=self.stakeholder_benefits,
                risks=[entry.risk for entry in self.risks_and_mitigation],
            ),
        )

    def markdown(self) -> str:
        risks = table(["Risk", "What is done"], [(entry.risk, entry.mitigation) for entry in self.risks_and_mitigation])
        blocks = {
            "The pitch": self.pitch,
            "Who it is for": self.target_audience,
            "What we ask for": self.call_to_action,
            "What each side gets": bullets(self.stakeholder_benefits),
            "What could go wrong": risks,
            "How success shows": bullets(self.metrics_for_success),
            "Where it leads": self.long_term_vision,
            "Why it should convince": self.why_this_pitch_works,
        }
        return "\n\n".join(f"### {title}\n\n{text}" for title, text in blocks.items())


class PitchMarkdown(Rendered):
    """The pitch as prose with headings."""

    def shallow(self) -> str | None:
        text = self.text.strip()
        return first_problem(
            unfilled(self),
            "this is data, not prose: write Markdown paragraphs with headings" if text[:1] in {"{", "["} else None,
            "no code fence around the text" if FENCE.match(text) else None,
            None
            if any(is_heading for is_heading, _ in _lines(text))
            else "no headings: give each part one, as in '### Title'",
            texts_too_short(150, markdown=text),
        )

    def markdown(self) -> str:
        return headings_from(self.text.strip(), 3)


async def write_pitch(writing: Writing) -> CreatePitch:
    """One question, from the plan and its tree."""
    words = writing.earlier.markdown("wbs_level1", "project_plan", "wbs_project_level1_and_level2")
    return await writing.ask(CreatePitch, words)


async def write_prose(writing: Writing) -> PitchMarkdown:
    """One question; prose that lost half of the pitch goes back."""
    pitch = writing.earlier.of("create_pitch", CreatePitch)
    return await writing.ask(
        PitchMarkdown, writing.earlier.markdown("create_pitch"), check=lambda answer: is_shorter(answer, pitch)
    )


def fill_prose(earlier: Earlier) -> PitchMarkdown:
    """The pitch as it is, each part below its heading."""
    return PitchMarkdown(markdown=earlier.of("create_pitch", CreatePitch).markdown())


def is_shorter(prose: PitchMarkdown, pitch: CreatePitch) -> str | None:
    """That the prose is shorter than the pitch alone, in words; None when it is not."""
    given, wanted = len(prose.text.strip()), len(pitch.pitch.strip())
    return f"{given} characters, but the pitch alone has {wanted}: leave nothing out" if given < wanted else None


def headings_from(text: str, level: int) -> str:
    """The text with its headings moved so that the highest one has this level; none goes below 6, code is left alone."""
    highest = min((len(line) - len(line.lstrip("#")) for is_heading, line in _lines(text) if is_heading), default=level)
    moved = [
        "#" * min(len(line) - len(line.lstrip("#")) + level - highest, 6) + line.lstrip("#") if is_heading else line
        for is_heading, line in _lines(text)
    ]
    return "\n".join(moved)


def _lines(text: str) -> Iterator[tuple[bool, str]]:
    """Each line, and whether it is a heading."""
    is_code = False
    for line in text.splitlines():
        if FENCE.match(line):
            is_code = not is_code
        yield not is_code and HEADING.match(line) is not None, line


STAGES = (
    Stage(
        "create_pitch",
        "Create pitch",
        "pitch",
        "Writes what would win somebody for the plan: whom, for what, with which doubts answered and which measures of success.",
        CreatePitch,
        depends_on=("wbs_project_level1_and_level2",),
        reads=("wbs_level1", "project_plan"),
        write=write_pitch,
    ),
    Stage(
        "pitch_markdown",
        "Pitch document",
        "pitch",
        "Makes readable prose of the pitch.",
        PitchMarkdown,
        depends_on=("create_pitch",),
        write=write_prose,
        fill=fill_prose,
    ),
)
