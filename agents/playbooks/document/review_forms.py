"""The forms of what is said about the whole plan: its review, its summary, questions of readers, and why it might have failed."""

from pydantic import Field

from agents.playbooks.document.filled import Entry, unfilled
from agents.playbooks.document.stage import (
    Section,
    bullets,
    first_problem,
    one_line,
    repeated,
    table,
    texts_too_short,
    too_few,
)


class ReviewAnswer(Section):
    """The answer to one review question."""

    title: str = Field(description="The finding in a few words")
    bullet_points: list[str] = Field(description="What is so, where in the plan it shows, and what to change")

    def shallow(self) -> str | None:
        return first_problem(
            too_few(1, bullet_points=self.bullet_points),
            unfilled(self),
            texts_too_short(4, title=self.title),
            *(texts_too_short(25, **{f"bullet point {n}": text}) for n, text in enumerate(self.bullet_points, start=1)),
            repeated(bullet_points=self.bullet_points),
        )

    def markdown(self) -> str:
        return f"**{one_line(self.title)}**\n\n{bullets(self.bullet_points)}"


class ReviewedQuestion(ReviewAnswer):
    """The answer with its question."""

    question: str

    def markdown(self) -> str:
        return f"### {one_line(self.title)}\n\n*{one_line(self.question)}*\n\n{bullets(self.bullet_points)}"


class ReviewPlan(Section):
    """What a critical reader finds in the plan, question by question."""

    answers: list[ReviewedQuestion]

    def shallow(self) -> str | None:
        return first_problem(
            too_few(1, answers=self.answers),
            unfilled(self),
            repeated(question=[answer.question for answer in self.answers]),
            *(f"{answer.question} {problem}" for answer in self.answers if (problem := answer.shallow())),
        )

    def markdown(self) -> str:
        return "\n\n".join(answer.markdown() for answer in self.answers)


class ExecutiveSummary(Section):
    """The whole plan for those who decide about it."""

    audience_tailoring: str = Field(description="Who decides, and what that means for how this is written")
    focus_and_context: str
    purpose_and_goals: str
    key_deliverables_and_outcomes: str
    timeline_and_budget: str
    risks_and_mitigations: str
    action_orientation: str = Field(description="What is to be decided or done next, by which role, by when")
    overall_takeaway: str
    feedback: list[str] = Field(description="What would make the plan stronger")

    def shallow(self) -> str | None:
        texts = {name: str(text) for name, text in self if name != "feedback"}
        return first_problem(
            unfilled(self),
            texts_too_short(30, **texts),
            repeated(sections=list(texts.values())),
            too_few(1, feedback=self.feedback),
            repeated(feedback=self.feedback),
        )

    def markdown(self) -> str:
        blocks = {
            "Focus and context": self.focus_and_context,
            "Purpose and goals": self.purpose_and_goals,
            "What comes out": self.key_deliverables_and_outcomes,
            "Time and money": self.timeline_and_budget,
            "Risks and what is done about them": self.risks_and_mitigations,
            "Next": self.action_orientation,
            "In short": self.overall_takeaway,
            "For whom this is written": self.audience_tailoring,
            "What would make it stronger": bullets(self.feedback),
        }
        return "\n\n".join(f"### {title}\n\n{text}" for title, text in blocks.items())


class QuestionAndAnswer(Entry):
    """A question a reader would ask."""

    question: str
    answer: str
    rationale: str = Field(description="Why a reader would ask it")


class QuestionsAnswered(Section):
    """Questions of one kind with answers."""

    question_answer_pairs: list[QuestionAndAnswer]
    summary: str

    def shallow(self) -> str | None:
        pairs = self.question_answer_pairs
        return first_problem(
            too_few(2, question_answer_pairs=pairs),
            unfilled(self),
            repeated(question=[pair.question for pair in pairs], answer=[pair.answer for pair in pairs]),
            *(texts_too_short(30, **{f"answer to {pair.question!r}": pair.answer}) for pair in pairs),
            *(texts_too_short(15, **{f"rationale of {pair.question!r}": pair.rationale}) for pair in pairs),
            texts_too_short(20, summary=self.summary),
        )

    def markdown(self) -> str:
        pairs = (
            f"### {one_line(p.question)}\n\n{p.answer}\n\n*{one_line(p.rationale)}*" for p in self.question_answer_pairs
        )
        return "\n\n".join([*pairs, self.summary])


class QuestionsAndAnswers(QuestionsAnswered):
    """What readers would ask about terms, risks and ethics."""


class AssumptionDoubted(Entry):
    """Something the plan takes for true, and how to find out soon that it is not."""

    assumption: str
    test_now: str = Field(description="The cheapest test that could show it wrong, done before money is spent")
    tripwire: str = Field(description="The measured result at which it counts as wrong")


class AssumptionsDoubted(Section):
    """The assumptions on which most hangs, the weakest first."""

    assumptions_to_kill: list[AssumptionDoubted]

    def shallow(self) -> str | None:
        found = self.assumptions_to_kill
        return first_problem(
            too_few(2, assumptions_to_kill=found),
            unfilled(self),
            repeated(assumption=[entry.assumption for entry in found]),
            *(texts_too_short(15, **entry.model_dump(exclude={"id"})) for entry in found),
        )

    def markdown(self) -> str:
        return table(
            ["Assumption", "Test now", "Wrong when"],
            [(e.assumption, e.test_now, e.tripwire) for e in self.assumptions_to_kill],
        )


class FailureImagined(Section):
    """How the plan failed: told from afterwards."""

    title: str
    story: str = Field(description="What happened, step by step, from the first sign to the end")
    early_warning_signs: list[str]
    owner_role: str = Field(description="The role that watches for the signs")
    likelihood_5: int = Field(ge=1, le=5, description="1 hardly ever, 5 almost surely")
    impact_5: int = Field(ge=1, le=5, description="1 hardly felt, 5 ends the plan")
    tripwires: list[str] = Field(description="Measured values at which somebody acts")
    playbook: list[str] = Field(description="What is done then, in order")
    stop_rule: str = Field(description="The condition under which the plan is ended or changed from the ground up")

    def shallow(self) -> str | None:
        lists = {
            "early_warning_signs": self.early_warning_signs,
            "tripwires": self.tripwires,
            "playbook": self.playbook,
        }
        return first_problem(
            too_few(1, **lists),
            unfilled(self),
            texts_too_short(60, story=self.story),
            texts_too_short(20, stop_rule=self.stop_rule),
            repeated(**lists),
        )

    def markdown(self) -> str:
        return "\n\n".join(
            [
                self.story,
                f"**Likelihood {self.likelihood_5} of 5, impact {self.impact_5} of 5.** Watched by: {self.owner_role}",
                f"**Early signs:**\n\n{bullets(self.early_warning_signs)}",
                f"**Tripwires:**\n\n{bullets(self.tripwires)}",
                f"**Then:**\n\n{bullets(self.playbook)}",
                f"**Stop when:** {self.stop_rule}",
            ]
        )


class AssumptionToKill(AssumptionDoubted):
    """A doubted assumption with its id."""

    id: str = Field(pattern=r"^A\d+$")


class FailureMode(FailureImagined):
    """A way to fail, and the assumption whose fall begins it."""

    id: str
    assumption_id: str

    def markdown(self) -> str:
        return f"### {self.id} {one_line(self.title)} ({self.assumption_id})\n\n{super().markdown()}"


class Premortem(Section):
    """The plan has failed: why, what would have shown it, and when to stop. The gravest way to fail first in the text."""

    assumptions_to_kill: list[AssumptionToKill]
    failure_modes: list[FailureMode]

    def shallow(self) -> str | None:
        known = [entry.id for entry in self.assumptions_to_kill]
        strangers = [mode.assumption_id for mode in self.failure_modes if mode.assumption_id not in known]
        return first_problem(
            too_few(1, assumptions_to_kill=self.assumptions_to_kill, failure_modes=self.failure_modes),
            unfilled(self),
            repeated(ids=[*known, *(mode.id for mode in self.failure_modes)]),
            f"no assumption has the id {strangers[0]}; allowed: {', '.join(known)}" if strangers else None,
            *(f"{mode.id}: {problem}" for mode in self.failure_modes if (problem := mode.shallow())),
        )

    def markdown(self) -> str:
        rows = [(e.id, e.assumption, e.test_now, e.tripwire) for e in self.assumptions_to_kill]
        ranked = sorted(self.failure_modes, key=lambda mode: -mode.likelihood_5 * mode.impact_5)
        heads = "### Assumptions to test first\n\n" + table(["Id", "Assumption", "Test now", "Wrong when"], rows)
        return "\n\n".join([heads, *(mode.markdown() for mode in ranked)])
