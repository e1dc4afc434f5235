"""Whether the plan may be written at all, and the strongest case against doing what it plans."""

from typing import Literal, NamedTuple

from pydantic import Field

from agents.playbooks.document.checks import entries_problem, list_problem, told
from agents.playbooks.document.stage import Section, Stage, Writing, bullets, first_problem, one_line, repeated, too_few


class RedlineGate(Section):
    """May this plan be written, and on what condition?"""

    verdict: Literal["allow", "allow_with_framing", "refuse"]
    rationale_short: str = Field(description="What in the description decides it, in one or two sentences")
    framing: str = Field(
        default="", description="Only for allow_with_framing: the condition that every later section has to keep to"
    )
    violation_category: str = Field(default="", description="Unless allowed outright: the kind of harm, in a few words")
    violation_claim: str = Field(default="", description="Unless allowed outright: what in the description would do it")
    violation_capability_uplift: Literal["yes", "no"] | None = Field(
        default=None,
        description="Unless allowed outright: would the plan enable somebody to do harm who could not before?",
    )
    violation_severity: Literal["low", "medium", "high"] | None = Field(
        default=None, description="Unless allowed outright: how grave it is"
    )

    def shallow(self) -> str | None:
        return first_problem(told(self, 20, "rationale_short"), self._framing_problem(), self._violation_problem())

    def _framing_problem(self) -> str | None:
        if self.verdict == "allow_with_framing":
            return told(self, 20, "framing")
        return f"framing is for allow_with_framing alone: leave it empty for {self.verdict}" if self.framing else None

    def _violation_problem(self) -> str | None:
        named = {
            "violation_category": self.violation_category,
            "violation_claim": self.violation_claim,
            "violation_capability_uplift": self.violation_capability_uplift,
            "violation_severity": self.violation_severity,
        }
        if self.verdict == "allow":
            found = [name for name, value in named.items() if value]
            return f"nothing is violated where the verdict is allow: leave out {', '.join(found)}" if found else None
        missing = [name for name, value in named.items() if not value]
        if missing:
            return f"{self.verdict} needs a reason: say {', '.join(missing)}"
        return first_problem(told(self, 3, "violation_category"), told(self, 15, "violation_claim"))

    def markdown(self) -> str:
        words = {"allow": "Allowed", "allow_with_framing": "Allowed on a condition", "refuse": "Refused"}
        lines = [f"**{words[self.verdict]}.** {one_line(self.rationale_short)}"]
        if self.framing:
            lines.append(f"**Condition:** {one_line(self.framing)}")
        if self.violation_category:
            lines.append(
                bullets(
                    [
                        f"Kind of harm: {self.violation_category}",
                        f"What would do it: {self.violation_claim}",
                        f"Enables who could not before: {self.violation_capability_uplift or 'not said'}",
                        f"Severity: {self.violation_severity or 'not said'}",
                    ]
                )
            )
        return "\n\n".join(lines)


class Attack(Section):
    """The case against the plan, as one critic makes it."""

    core_thesis: str = Field(description="Why it should not be done, in one sentence")
    reasons: list[str] = Field(description="What speaks for the thesis, each from this plan's own facts")
    second_order_effects: list[str] = Field(description="What would follow later, each with when it would show")
    evidence: list[str] = Field(description="What in the description, or in what is generally known, supports it")
    bottom_line: str = Field(description="What to do instead, or what would have to be true for it to be done")

    def shallow(self) -> str | None:
        return first_problem(
            told(self, 25, "core_thesis", "bottom_line"),
            list_problem(2, 20, reasons=self.reasons),
            list_problem(1, 20, second_order_effects=self.second_order_effects, evidence=self.evidence),
        )

    def markdown(self) -> str:
        return "\n\n".join(
            [
                f"**{one_line(self.core_thesis)}**",
                bullets(self.reasons),
                f"What would follow:\n\n{bullets(self.second_order_effects)}",
                f"What supports it:\n\n{bullets(self.evidence)}",
                f"**In the end:** {one_line(self.bottom_line)}",
            ]
        )


class LensAttack(Attack):
    """The case against the plan, seen through one lens."""

    lens: str


class PremiseAttack(Section):
    """Why it should not be done at all: the same idea attacked from several sides."""

    attacks: list[LensAttack]

    def shallow(self) -> str | None:
        return first_problem(
            too_few(2, attacks=self.attacks),
            repeated(lenses=[attack.lens for attack in self.attacks]),
            entries_problem("attacks", self.attacks, LensAttack.shallow),
        )

    def markdown(self) -> str:
        return "\n\n".join(f"### {one_line(attack.lens)}\n\n{attack.markdown()}" for attack in self.attacks)


class Lens(NamedTuple):
    """A side from which a premise is attacked."""

    key: str
    name: str
    question: str


LENSES = (
    Lens("purpose", "The wrong aim", "Is what it wants worth having, and does it go for the cause or for a symptom?"),
    Lens(
        "means", "Not with these means", "Can money, time, people and skills that are named carry it, taken together?"
    ),
    Lens(
        "people", "Who pays for it", "Who bears costs, risks or duties without having been asked, and who is left out?"
    ),
    Lens(
        "alternatives",
        "Something else is better",
        "What would doing nothing, less, or what others already do, achieve for less?",
    ),
    Lens(
        "incentives",
        "It defeats itself",
        "How will people act once it is there, and how does that undo what it is for?",
    ),
    Lens("after", "What is left behind", "What remains in five years if it fails, and what if it succeeds?"),
)


async def write_redline(writing: Writing) -> RedlineGate:
    """One question, from the description alone."""
    return await writing.ask(RedlineGate, "Say whether this plan may be written.")


async def write_premise_attack(writing: Writing) -> PremiseAttack:
    """One question for each lens, side by side; more lenses the deeper the plan goes."""

    async def attack_through(lens: Lens) -> LensAttack:
        words = f"Attack the idea from this side alone: {lens.name}. {lens.question}"
        attack = await writing.ask(Attack, words, part=f"lens-{lens.key}")
        return LensAttack(lens=lens.name, **attack.model_dump())

    return PremiseAttack(attacks=await writing.each(LENSES[: 2 * writing.depth.turns], attack_through))


STAGES = (
    Stage(
        "redline_gate",
        "Redline gate",
        "vetting",
        "Says whether the plan may be written: outright, on a condition that all sections keep to, or not before a person decides.",
        RedlineGate,
        depends_on=("setup",),
        write=write_redline,
    ),
    Stage(
        "premise_attack",
        "Premise attack",
        "vetting",
        "Makes the strongest case against doing it at all, from several sides.",
        PremiseAttack,
        depends_on=("redline_gate",),
        write=write_premise_attack,
    ),
)
