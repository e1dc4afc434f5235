"""The forms of the analysis: the four sides of the plan, the experts it needs, and what they criticise."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from agents.playbooks.document.checks import entries_problem, list_problem, same, told
from agents.playbooks.document.filled import Entry
from agents.playbooks.document.stage import Section, bullets, first_problem, one_line, repeated, table, too_few

ExpertId = Annotated[str, Field(pattern=r"^X[1-9][0-9]?$")]


class SwotAdvice(Entry):
    """What to do about something that the four sides show."""

    action: str
    because: str = Field(description="Which strength, weakness, opportunity or threat it follows from")
    by_when: str = Field(description="A date, or a time from the start")
    responsible_role: str = Field(description="The role that does it; no person's name")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(told(self, 12, "action", "because"), told(self, 3, "by_when", "responsible_role"))


class Swot(Section):
    """The four sides of the plan, and what follows."""

    strengths: list[str] = Field(description="What it has that helps, from inside")
    weaknesses: list[str] = Field(description="What it lacks, from inside")
    opportunities: list[str] = Field(description="What around it could help")
    threats: list[str] = Field(description="What around it could hurt")
    recommendations: list[SwotAdvice]
    strategic_objectives: list[str] = Field(description="What to reach, with number and date")
    assumptions: list[str] = Field(description="What this analysis takes to be true")
    missing_information: list[str] = Field(description="What would change it, were it known")
    user_questions: list[str] = Field(description="What only whoever wants the plan can answer")

    def shallow(self) -> str | None:
        sides = {name: list(getattr(self, name)) for name in ("strengths", "weaknesses", "opportunities", "threats")}
        return first_problem(
            list_problem(2, 15, **sides),
            repeated(the_four_sides=[entry for entries in sides.values() for entry in entries]),
            too_few(2, recommendations=self.recommendations),
            entries_problem("recommendations", self.recommendations, SwotAdvice.problem),
            repeated(recommendations=[it.action for it in self.recommendations]),
            list_problem(1, 15, strategic_objectives=self.strategic_objectives, assumptions=self.assumptions),
            list_problem(1, 10, missing_information=self.missing_information, user_questions=self.user_questions),
        )

    def markdown(self) -> str:
        advice = [(it.action, it.because, it.by_when, it.responsible_role) for it in self.recommendations]
        parts = {
            "Strengths": bullets(self.strengths),
            "Weaknesses": bullets(self.weaknesses),
            "Opportunities": bullets(self.opportunities),
            "Threats": bullets(self.threats),
            "Recommendations": table(("What to do", "Because", "By when", "Who"), advice),
            "Objectives": bullets(self.strategic_objectives),
            "Assumptions": bullets(self.assumptions),
            "Missing information": bullets(self.missing_information),
            "Questions": bullets(self.user_questions),
        }
        return "\n\n".join(f"### {title}\n\n{text}" for title, text in parts.items())


class FoundExpert(Entry):
    """A kind of expert, without a name; code gives the id."""

    title: str = Field(description="The field and level, as one would look for such a person; no name")
    knowledge: str = Field(description="What they know that this plan lacks")
    why: str = Field(description="Which part of the plan they should look at, and why")
    search_words: str = Field(description="Words to search for such an expert with")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(told(self, 5, "title", "search_words"), told(self, 20, "knowledge", "why"))


class FoundExperts(Section):
    """The experts as they are asked for, the most needed first."""

    experts: list[FoundExpert]

    def shallow(self) -> str | None:
        return first_problem(
            too_few(1, experts=self.experts),
            entries_problem("experts", self.experts, FoundExpert.problem),
            repeated(experts=[it.title for it in self.experts]),
        )

    def markdown(self) -> str:
        return bullets([f"**{it.title}**: {it.knowledge}" for it in self.experts])


class Expert(FoundExpert):
    """An expert of the review."""

    id: ExpertId


class Objection(Entry):
    """One thing an expert holds against the plan."""

    feedback_title: str
    severity: Literal["low", "medium", "high"]
    feedback: str = Field(description="What is wrong, and where in the plan")
    feedback_root_cause: str = Field(description="Why it came about")
    feedback_consequence: str = Field(description="What happens if it stays")
    feedback_mitigation: str = Field(description="How to mend it")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(
            told(self, 4, "feedback_title"),
            told(self, 20, "feedback", "feedback_mitigation"),
            told(self, 12, "feedback_root_cause", "feedback_consequence"),
        )


class Criticism(Section):
    """What one expert criticises, and what to do next."""

    negative_feedback_list: list[Objection] = Field(description="The gravest first")
    user_primary_actions: list[str] = Field(description="What to do at once")
    user_secondary_actions: list[str] = Field(description="What to do after that")
    follow_up_consultation: str = Field(description="What to talk about with this expert next time, and what to bring")

    def shallow(self) -> str | None:
        objections = self.negative_feedback_list
        return first_problem(
            too_few(1, negative_feedback_list=objections),
            entries_problem("negative_feedback_list", objections, Objection.problem),
            repeated(feedback_titles=[it.feedback_title for it in objections]),
            list_problem(
                1,
                12,
                user_primary_actions=self.user_primary_actions,
                user_secondary_actions=self.user_secondary_actions,
            ),
            repeated(actions=[*self.user_primary_actions, *self.user_secondary_actions]),
            told(self, 20, "follow_up_consultation"),
        )

    def markdown(self) -> str:
        objections = [
            f"**{it.feedback_title}** ({it.severity}). {it.feedback} *Cause:* {it.feedback_root_cause} "
            f"*If it stays:* {it.feedback_consequence} *Mend it:* {it.feedback_mitigation}"
            for it in self.negative_feedback_list
        ]
        return "\n\n".join(
            [
                bullets(objections),
                f"**At once:**\n\n{bullets(self.user_primary_actions)}",
                f"**After that:**\n\n{bullets(self.user_secondary_actions)}",
                f"**Next time:** {self.follow_up_consultation}",
            ]
        )

    def by(self, expert_id: str) -> "ExpertCriticism":
        """The same as the criticism of this expert."""
        return ExpertCriticism.model_validate({"expert_id": expert_id, **self.model_dump()})


class ExpertCriticism(Criticism):
    """What an expert of the review criticises."""

    expert_id: ExpertId


class ExpertReview(Section):
    """The experts that the plan needs, and the criticism of the first of them as a model imagines it."""

    experts: list[Expert]
    reviews: list[ExpertCriticism]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        ids = [it.id for it in self.experts]
        reviewing = [it.expert_id for it in self.reviews]
        if len(set(ids)) < len(ids) or len(set(reviewing)) < len(reviewing):
            raise ValueError("each expert stands there once, and criticises once")
        if unknown := sorted(set(reviewing) - set(ids)):
            raise ValueError(f"no such expert: {', '.join(unknown)}; there are: {', '.join(ids)}")
        return self

    def shallow(self) -> str | None:
        return first_problem(
            too_few(1, experts=self.experts, reviews=self.reviews),
            entries_problem("experts", self.experts, FoundExpert.problem),
            repeated(experts=[it.title for it in self.experts]),
            entries_problem("reviews", self.reviews, Criticism.shallow),
        )

    def markdown(self) -> str:
        titles = {it.id: one_line(it.title) for it in self.experts}
        rows = [(it.id, it.title, it.knowledge, it.why, it.search_words) for it in self.experts]
        experts = table(("Id", "Expert", "Knows", "Should look at", "Search for"), rows)
        reviews = [f"### {it.expert_id}: {titles[it.expert_id]}\n\n{it.markdown()}" for it in self.reviews]
        return "\n\n".join([IMAGINED, f"### Experts\n\n{experts}", *reviews])


IMAGINED = "*Kinds of experts, not persons: what they say is a model's view of what such an expert would say.*"


def known_again(found: Sequence[FoundExpert], known: Sequence[FoundExpert]) -> str | None:
    """Which of the found experts is among the known ones already; None when none is."""
    again = [it.title for it in found if any(same(it.title, other.title) for other in known)]
    return f"already named: {', '.join(again)}; name experts of other fields" if again else None
