"""The forms of the assumptions: asked area by area, put in single lines, reviewed by an expert, and joined with all before."""

from pydantic import BaseModel, ConfigDict, Field

from agents.playbooks.document.checks import entries_problem, list_problem, told
from agents.playbooks.document.stage import Section, bullets, first_problem, one_line, repeated, too_few

LONGEST_LINE = 200


class QuestionAssumption(BaseModel):
    """A question that a planner would ask, and what is taken for granted as long as nobody answers it."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(description="A question whose answer would change the plan")
    assumptions: list[str] = Field(description="What is assumed instead, in figures, dates or roles where possible")
    assessments: list[str] = Field(description="What follows if it holds or does not, and how to find out")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(
            told(self, 15, "question"), list_problem(1, 20, assumptions=self.assumptions, assessments=self.assessments)
        )


class AreaAssumptions(Section):
    """What is taken for granted in one area."""

    question_assumption_list: list[QuestionAssumption]

    def shallow(self) -> str | None:
        return first_problem(
            too_few(2, question_assumption_list=self.question_assumption_list),
            entries_problem("question_assumption_list", self.question_assumption_list, lambda entry: entry.problem()),
            repeated(question=[entry.question for entry in self.question_assumption_list]),
        )

    def markdown(self) -> str:
        return bullets([entry.question for entry in self.question_assumption_list])


class AreaQuestion(QuestionAssumption):
    """A question with the area it was asked in."""

    area: str


class MakeAssumptions(Section):
    """Everything that is taken for granted."""

    question_assumption_list: list[AreaQuestion]

    def shallow(self) -> str | None:
        return first_problem(
            too_few(3, question_assumption_list=self.question_assumption_list),
            entries_problem("question_assumption_list", self.question_assumption_list, AreaQuestion.problem),
            repeated(question=[entry.question for entry in self.question_assumption_list]),
        )

    def markdown(self) -> str:
        chapters: list[str] = []
        for number, entry in enumerate(self.question_assumption_list, 1):
            chapters.append(f"### Question {number} ({one_line(entry.area)}): {one_line(entry.question)}")
            chapters.append(f"Assumed:\n\n{bullets(entry.assumptions)}")
            chapters.append(f"What hangs on it:\n\n{bullets(entry.assessments)}")
        return "\n\n".join(chapters)


class DistillAssumptions(Section):
    """The assumptions, one line each."""

    assumption_list: list[str] = Field(description="Each assumption as one short sentence that can be true or false")

    def shallow(self) -> str | None:
        return first_problem(
            list_problem(3, 15, assumption_list=self.assumption_list),
            entries_problem("assumption_list", self.assumption_list, _line_problem),
        )

    def markdown(self) -> str:
        return bullets(self.assumption_list)


def _line_problem(text: str) -> str | None:
    if "\n" in text.strip() or len(text) > LONGEST_LINE:
        return f"say it in one line of at most {LONGEST_LINE} characters"
    return None


class AssumptionIssue(BaseModel):
    """An assumption that is weak or missing."""

    model_config = ConfigDict(extra="forbid")

    issue: str = Field(description="Which assumption is missing, too hopeful or untested")
    explanation: str = Field(description="Why an expert doubts it")
    recommendation: str = Field(description="What to do about it, with a figure and a date or a sign")
    sensitivity: str = Field(
        description="From what value to what value it may turn out, and how cost, time or result move with it"
    )

    def problem(self) -> str | None:
        """What is too thin about it."""
        is_measured = any(character.isdigit() for character in self.sensitivity)
        return first_problem(
            told(self, 10, "issue"),
            told(self, 25, "explanation", "recommendation", "sensitivity"),
            None if is_measured else "sensitivity: name the range and what moves with it in figures",
        )


class ReviewAssumptions(Section):
    """What an expert of the field says of the assumptions."""

    expert_domain: str = Field(description="The field the expert knows, no name")
    domain_specific_considerations: list[str] = Field(description="What people of this field look at first")
    issues: list[AssumptionIssue] = Field(description="The weakest or missing assumptions, the weightiest first")
    conclusion: str = Field(description="What to settle before anything else")

    def shallow(self) -> str | None:
        return first_problem(
            told(self, 4, "expert_domain"),
            list_problem(2, 10, domain_specific_considerations=self.domain_specific_considerations),
            too_few(2, issues=self.issues),
            entries_problem("issues", self.issues, AssumptionIssue.problem),
            repeated(issue=[entry.issue for entry in self.issues]),
            told(self, 40, "conclusion"),
        )

    def markdown(self) -> str:
        chapters = [
            f"**Seen by:** an expert in {one_line(self.expert_domain)}",
            bullets(self.domain_specific_considerations),
        ]
        for number, entry in enumerate(self.issues, 1):
            chapters.append(f"### Issue {number}: {one_line(entry.issue)}")
            chapters.append(one_line(entry.explanation))
            chapters.append(bullets([f"Recommendation: {entry.recommendation}", f"Sensitivity: {entry.sensitivity}"]))
        return "\n\n".join([*chapters, f"**In the end:** {one_line(self.conclusion)}"])


class Shortened(Section):
    """A document in a few lines."""

    text: str = Field(description="What later sections need of it, as plain paragraphs or a list, without headings")

    def shallow(self) -> str | None:
        has_heading = any(line.lstrip().startswith("#") for line in self.text.splitlines())
        return told(self, 60, "text") or ("leave out the headings" if has_heading else None)

    def markdown(self) -> str:
        return self.text.strip()


class ConsolidateAssumptions(Section):
    """All before it in one text, whole and shortened. Later sections read the short one."""

    full: str
    short: str

    def shallow(self) -> str | None:
        is_longer = len(self.short) > len(self.full)
        return told(self, 60, "full", "short") or ("short is longer than full" if is_longer else None)

    def markdown(self) -> str:
        return self.short
