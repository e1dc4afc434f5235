"""What kind of plan it is: whose purpose it serves, and whether it needs the physical world."""

from typing import Literal

from pydantic import Field

from agents.playbooks.document.filled import unfilled
from agents.playbooks.document.stage import Section, Stage, Writing, first_problem, texts_too_short


class IdentifyPurpose(Section):
    """Business, personal or other; later sections choose their words by it."""

    topic: str = Field(description="What the plan is about, in a few words")
    purpose: Literal["business", "personal", "other"]
    purpose_detailed: str = Field(description="What the plan is to achieve, and for whom")

    def shallow(self) -> str | None:
        return first_problem(
            unfilled(self),
            texts_too_short(4, topic=self.topic),
            texts_too_short(25, purpose_detailed=self.purpose_detailed),
        )

    def markdown(self) -> str:
        return f"**Topic:** {self.topic}\n\n**Purpose:** {self.purpose}. {self.purpose_detailed}"


class PlanType(Section):
    """Digital, or in need of the physical world."""

    plan_type: Literal["digital", "physical"]
    explanation: str = Field(description="What in the plan decides it")

    def shallow(self) -> str | None:
        return first_problem(unfilled(self), texts_too_short(40, explanation=self.explanation))

    def markdown(self) -> str:
        return f"**{self.plan_type.capitalize()}.** {self.explanation}"


async def write_purpose(writing: Writing) -> IdentifyPurpose:
    """One question, from the prompt alone."""
    return await writing.ask(IdentifyPurpose, "Say what kind of plan this is.")


async def write_type(writing: Writing) -> PlanType:
    """One question, from the prompt and its purpose."""
    return await writing.ask(PlanType, writing.earlier.markdown("identify_purpose"))


STAGES = (
    Stage(
        "identify_purpose",
        "Identify purpose",
        "classification",
        "Tells whose purpose the plan serves; later sections choose their words by it.",
        IdentifyPurpose,
        depends_on=("redline_gate",),
        reads=("setup",),
        write=write_purpose,
    ),
    Stage(
        "plan_type",
        "Plan type",
        "classification",
        "Tells whether the plan can be carried out wholly at a computer, or needs places, goods and people in person.",
        PlanType,
        depends_on=("identify_purpose",),
        write=write_type,
    ),
)
