"""The core plan: what two experts say before it is written, and the plan itself with goal, stakeholders, risks and duties."""

from typing import Literal

from pydantic import Field

from agents.playbooks.document.checks import entries_problem, list_problem, told
from agents.playbooks.document.filled import Entry
from agents.playbooks.document.stage import (
    Section,
    Stage,
    Writing,
    bullets,
    first_problem,
    one_line,
    repeated,
    table,
    too_few,
)

Step = Literal["low", "medium", "high"]
Verdict = Literal["go", "go_with_conditions", "no_go"]
VERDICT_WORDS = {"go": "Go", "go_with_conditions": "Go, on conditions", "no_go": "No go"}


class Feedback(Entry):
    """One thing an expert wants settled before the plan is written."""

    title: str = Field(description="The matter in a few words")
    finding: str = Field(description="What is wrong, missing or risky, with the number, place or date it hangs on")
    action: str = Field(description="What to do about it first, and until when")


class AssessingExpert(Entry):
    """An expert by field, without a name."""

    field_of_expertise: str = Field(description="What the expert knows well; no person's name")
    feedback_item_list: list[Feedback] = Field(description="What to settle first, the gravest first")

    def problem(self) -> str | None:
        """What is too thin about the expert's feedback."""
        return first_problem(
            told(self, 5, "field_of_expertise"),
            too_few(2, feedback_item_list=self.feedback_item_list),
            entries_problem(
                "feedback_item_list",
                self.feedback_item_list,
                lambda item: first_problem(told(item, 4, "title"), told(item, 25, "finding", "action")),
            ),
        )


class PreProjectAssessment(Section):
    """What two experts of different fields say before the plan is written, and whether to go on."""

    expert1: AssessingExpert
    expert2: AssessingExpert
    combined_summary: str = Field(description="What both views together mean for the plan")
    go_no_go_recommendation: Verdict
    conditions: list[str] = Field(description="What must be true before going on; empty for go and no_go")

    def shallow(self) -> str | None:
        first, second = self.expert1, self.expert2
        titles = [item.title for expert in (first, second) for item in expert.feedback_item_list]
        return first_problem(
            entries_problem("experts", [first, second], AssessingExpert.problem),
            repeated(experts=[first.field_of_expertise, second.field_of_expertise], feedback_titles=titles),
            told(self, 50, "combined_summary"),
            self._conditions_problem(),
        )

    def _conditions_problem(self) -> str | None:
        if self.go_no_go_recommendation == "go_with_conditions":
            return list_problem(1, 12, conditions=self.conditions)
        return "conditions belong to go_with_conditions alone; leave them empty" if self.conditions else None

    def markdown(self) -> str:
        verdict = f"**Recommendation: {VERDICT_WORDS[self.go_no_go_recommendation]}.** {self.combined_summary}"
        conditions = [f"Conditions:\n\n{bullets(self.conditions)}"] if self.conditions else []
        experts = [
            f"### {one_line(expert.field_of_expertise)}\n\n"
            + bullets(
                [f"**{item.title}.** {item.finding} *First:* {item.action}" for item in expert.feedback_item_list]
            )
            for expert in (self.expert1, self.expert2)
        ]
        return "\n\n".join([verdict, *conditions, *experts])


class SmartCriteria(Entry):
    """The goal measured against all five criteria."""

    specific: str = Field(description="What exactly will be there, where and for whom")
    measurable: str = Field(description="By which numbers one sees that it is reached")
    achievable: str = Field(description="Why it can be done with these means")
    relevant: str = Field(description="Why it is worth doing")
    time_bound: str = Field(description="Until when, with the dates between that matter")

    def problem(self) -> str | None:
        """Which criteria are thin, alike, or not what their name says."""
        texts = [str(getattr(self, name)) for name in SmartCriteria.model_fields]
        has_number = any(character.isnumeric() for character in self.measurable)
        return first_problem(
            told(self, 20, *SmartCriteria.model_fields),
            repeated(smart_criteria=texts),
            None if has_number else "measurable has no number: say by which number one sees that it is reached",
        )


class PlanRisk(Entry):
    """A risk and what is done about it."""

    risk: str
    likelihood: Step
    impact: Step
    mitigation: str = Field(description="What is done about it, and by which role")


class Stakeholder(Entry):
    """A group or role that the plan touches; no person's name."""

    who: str = Field(description="A group, role or organization; no person's name")
    kind: Literal["primary", "secondary"] = Field(description="primary: carries, pays for or uses it; else secondary")
    interest: str = Field(description="What they want of it, or fear")
    engagement: str = Field(description="How and how often they are involved or told")


class Duty(Entry):
    """A permit, law or standard, and how it is met."""

    requirement: str = Field(
        description="The permit, law or standard by its kind; say where you are not sure that it applies"
    )
    authority: str = Field(description="Who gives or controls it")
    action: str = Field(description="What to do to meet it")


class ProjectPlan(Section):
    """The core plan that later sections are written from."""

    goal_statement: str = Field(description="What is to be true at the end, in one or two sentences")
    smart_criteria: SmartCriteria
    dependencies: list[str] = Field(description="What must be there before other things can happen, in that order")
    resources_required: list[str] = Field(description="Money, people, places and things, with amounts")
    related_goals: list[str] = Field(description="What else the plan serves or makes possible")
    risk_assessment_and_mitigation_strategies: list[PlanRisk]
    stakeholder_analysis: list[Stakeholder]
    regulatory_and_compliance_requirements: list[Duty] = Field(description="Empty only where none applies")
    compliance_note: str = Field(default="", description="Why no requirement applies, where the list is empty")

    def shallow(self) -> str | None:
        risks, people = self.risk_assessment_and_mitigation_strategies, self.stakeholder_analysis
        return first_problem(
            told(self, 40, "goal_statement"),
            self.smart_criteria.problem(),
            list_problem(2, 8, dependencies=self.dependencies, resources_required=self.resources_required),
            list_problem(1, 8, related_goals=self.related_goals),
            too_few(2, risk_assessment_and_mitigation_strategies=risks, stakeholder_analysis=people),
            entries_problem(
                "risk_assessment_and_mitigation_strategies", risks, lambda it: told(it, 12, "risk", "mitigation")
            ),
            entries_problem("stakeholder_analysis", people, _stakeholder_problem),
            repeated(risks=[it.risk for it in risks], stakeholders=[it.who for it in people]),
            None if any(it.kind == "primary" for it in people) else "stakeholder_analysis names no primary stakeholder",
            self._duties_problem(),
        )

    def _duties_problem(self) -> str | None:
        duties = self.regulatory_and_compliance_requirements
        if not duties:
            problem = told(self, 25, "compliance_note")
            return f"no requirement is named, and not why none applies: {problem}" if problem else None
        return first_problem(
            entries_problem(
                "regulatory_and_compliance_requirements",
                duties,
                lambda it: first_problem(told(it, 3, "authority"), told(it, 10, "requirement", "action")),
            ),
            repeated(requirements=[it.requirement for it in duties]),
        )

    def markdown(self) -> str:
        smart = [(name.replace("_", "-").capitalize(), text) for name, text in self.smart_criteria.model_dump().items()]
        risks = [
            (it.risk, it.likelihood, it.impact, it.mitigation) for it in self.risk_assessment_and_mitigation_strategies
        ]
        people = [(it.who, it.kind, it.interest, it.engagement) for it in self.stakeholder_analysis]
        duties = [(it.requirement, it.authority, it.action) for it in self.regulatory_and_compliance_requirements]
        none_applies = self.compliance_note or "None is named."
        parts = {
            "Goal": self.goal_statement,
            "SMART criteria": table(("Criterion", "Here"), smart),
            "Dependencies": bullets(self.dependencies),
            "Resources": bullets(self.resources_required),
            "Related goals": bullets(self.related_goals),
            "Risks": table(("Risk", "Likelihood", "Impact", "What is done about it"), risks),
            "Stakeholders": table(("Who", "Kind", "Interest", "How they are involved"), people),
            "Rules and permits": table(("Requirement", "Authority", "What to do"), duties) if duties else none_applies,
        }
        return "\n\n".join(f"### {title}\n\n{text}" for title, text in parts.items())


def _stakeholder_problem(it: Stakeholder) -> str | None:
    return first_problem(told(it, 3, "who"), told(it, 8, "interest", "engagement"))


CONTEXT = ("strategic_decisions_markdown", "scenarios_markdown", "consolidate_assumptions_markdown")


async def write_assessment(writing: Writing) -> PreProjectAssessment:
    """One question: both experts see the same, and the summary weighs them."""
    words = writing.earlier.markdown("identify_purpose", *CONTEXT)
    return await writing.ask(PreProjectAssessment, f"Have two experts look at this before it is planned.\n\n{words}")


async def write_plan(writing: Writing) -> ProjectPlan:
    """One question: every later part of the plan hangs on the same goal."""
    words = writing.earlier.markdown("identify_purpose", "plan_type", *CONTEXT, "pre_project_assessment")
    return await writing.ask(ProjectPlan, f"Write the core of the plan.\n\n{words}")


STAGES = (
    Stage(
        "pre_project_assessment",
        "Pre-project assessment",
        "project_plan",
        "Lets two experts of different fields say what must be settled first, and whether to go on at all.",
        PreProjectAssessment,
        depends_on=("consolidate_assumptions_markdown",),
        reads=("identify_purpose", "strategic_decisions_markdown", "scenarios_markdown"),
        write=write_assessment,
    ),
    Stage(
        "project_plan",
        "Project plan",
        "project_plan",
        "States the goal with its SMART criteria, and what it needs, touches, risks and must obey.",
        ProjectPlan,
        depends_on=("pre_project_assessment",),
        reads=("identify_purpose", "plan_type", *CONTEXT),
        write=write_plan,
    ),
)
