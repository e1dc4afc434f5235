"""The forms of the scenarios: whole settings of the vital levers, how well each fits the plan, and which is chosen."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from agents.playbooks.document.checks import entries_problem, told
from agents.playbooks.document.rendered import Rendered
from agents.playbooks.document.stage import Section, bullets, first_problem, one_line, repeated, table, too_few

MOST_SCENARIOS = 5
FAR_BELOW = 3  # points of fit at which a choice that is not the best one needs a reason


class OptionChoice(BaseModel):
    """Which option of a lever a scenario takes."""

    model_config = ConfigDict(extra="forbid")

    lever_id: str
    option: int = Field(ge=1, le=20, description="The number of the option in the lever's list")


class ScenarioDraft(BaseModel):
    """One way to go, as a set of options that belong together."""

    model_config = ConfigDict(extra="forbid")

    scenario_name: str = Field(description="Two to five words that tell it from the others")
    strategic_logic: str = Field(
        description="What it bets on, what it gives up for that, and why its options belong together"
    )
    lever_settings: list[OptionChoice] = Field(description="One option for every lever")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(
            told(self, 3, "scenario_name"),
            told(self, 40, "strategic_logic"),
            too_few(1, lever_settings=self.lever_settings),
            repeated(lever_id=[setting.lever_id for setting in self.lever_settings]),
        )


class ScenarioDrafts(Section):
    """A few ways to go that differ."""

    analysis_title: str = Field(description="What the scenarios decide between, as a title")
    core_tension: str = Field(description="The two things that cannot both be had in full")
    scenarios: list[ScenarioDraft]

    def shallow(self) -> str | None:
        settings = [
            ", ".join(sorted(f"{setting.lever_id} {setting.option}" for setting in scenario.lever_settings))
            for scenario in self.scenarios
        ]
        return first_problem(
            told(self, 5, "analysis_title"),
            told(self, 25, "core_tension"),
            _number_problem(self.scenarios),
            entries_problem("scenarios", self.scenarios, ScenarioDraft.problem),
            repeated(scenario_name=[scenario.scenario_name for scenario in self.scenarios], lever_settings=settings),
        )

    def markdown(self) -> str:
        return bullets([scenario.scenario_name for scenario in self.scenarios])


class LeverSetting(BaseModel):
    """What a scenario does about a lever."""

    model_config = ConfigDict(extra="forbid")

    lever_id: str
    lever_name: str
    setting: str


class Scenario(BaseModel):
    """One way to go."""

    model_config = ConfigDict(extra="forbid")

    scenario_id: str
    scenario_name: str
    strategic_logic: str
    lever_settings: list[LeverSetting]

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(
            told(self, 3, "scenario_name"),
            told(self, 40, "strategic_logic"),
            too_few(1, lever_settings=self.lever_settings),
        )

    def text(self) -> str:
        """The scenario without its heading."""
        rows = [(f"{setting.lever_id} {setting.lever_name}", setting.setting) for setting in self.lever_settings]
        return f"{one_line(self.strategic_logic)}\n\n{table(('Lever', 'Setting'), rows)}"


class CandidateScenarios(Section):
    """The ways to go that the plan chooses from."""

    analysis_title: str
    core_tension: str
    scenarios: list[Scenario]

    def shallow(self) -> str | None:
        return first_problem(
            told(self, 5, "analysis_title"),
            told(self, 25, "core_tension"),
            _number_problem(self.scenarios),
            repeated(
                scenario_id=[scenario.scenario_id for scenario in self.scenarios],
                scenario_name=[scenario.scenario_name for scenario in self.scenarios],
            ),
            entries_problem("scenarios", self.scenarios, Scenario.problem),
        )

    def markdown(self) -> str:
        chapters = [f"**{one_line(self.analysis_title)}.** {one_line(self.core_tension)}"]
        for scenario in self.scenarios:
            chapters.append(f"### {scenario.scenario_id} {one_line(scenario.scenario_name)}\n\n{scenario.text()}")
        return "\n\n".join(chapters)


def _number_problem(scenarios: Sequence[object]) -> str | None:
    if len(scenarios) > MOST_SCENARIOS:
        return f"too many scenarios (at most {MOST_SCENARIOS})"
    return too_few(2, scenarios=scenarios)


class PlanCharacteristics(BaseModel):
    """What kind of plan it is, as far as the choice hangs on it."""

    model_config = ConfigDict(extra="forbid")

    ambition: str = Field(description="How much it wants, and how large it is")
    risk_and_novelty: str = Field(description="How new it is, and how much risk its description accepts")
    constraints: str = Field(description="What binds it: money, time, people, rules")
    character: str = Field(description="What a way to go has to be like to suit it, in one sentence")


class Assessment(BaseModel):
    """How well one scenario fits."""

    model_config = ConfigDict(extra="forbid")

    scenario_id: str
    fit_score: int = Field(ge=1, le=10, description="10 is a perfect fit")
    rationale: str = Field(description="What fits and what does not, against the characteristics")


class FinalChoice(BaseModel):
    """The scenario to go on with."""

    model_config = ConfigDict(extra="forbid")

    scenario_id: str
    justification: str = Field(description="Why this one, and what the plan gives up with the others")
    why_not_the_best: str = Field(
        default="", description=f"Only where its score is {FAR_BELOW} or more below the best one: why not that one"
    )


class ScenarioChoice(Section):
    """Every scenario judged, and one chosen."""

    plan_characteristics: PlanCharacteristics
    scenario_assessments: list[Assessment]
    final_choice: FinalChoice

    def shallow(self) -> str | None:
        scores = {assessment.scenario_id: assessment.fit_score for assessment in self.scenario_assessments}
        return first_problem(
            told(self.plan_characteristics, 15, *PlanCharacteristics.model_fields),
            too_few(2, scenario_assessments=self.scenario_assessments),
            repeated(scenario_id=[assessment.scenario_id for assessment in self.scenario_assessments]),
            entries_problem("scenario_assessments", self.scenario_assessments, lambda one: told(one, 20, "rationale")),
            "fit_score: all are the same, say which fits better" if len(set(scores.values())) == 1 else None,
            told(self.final_choice, 30, "justification"),
            self._choice_problem(scores),
        )

    def _choice_problem(self, scores: dict[str, int]) -> str | None:
        chosen = self.final_choice.scenario_id
        if chosen not in scores:
            return f"final_choice names {chosen}, which is not among {', '.join(scores)}"
        if max(scores.values()) - scores[chosen] >= FAR_BELOW and told(self.final_choice, 20, "why_not_the_best"):
            return f"{chosen} is far below the best one: say in why_not_the_best why that one is not chosen"
        return None

    def markdown(self) -> str:
        return bullets([f"{one.scenario_id}: {one.fit_score} of 10" for one in self.scenario_assessments])


class SelectScenario(ScenarioChoice):
    """The choice, with the names of the scenarios by their ids."""

    scenario_names: dict[str, str]

    def shallow(self) -> str | None:
        judged = {one.scenario_id for one in self.scenario_assessments}
        unnamed = sorted(judged ^ self.scenario_names.keys())
        problem = f"scenario_names and scenario_assessments differ in {', '.join(unnamed)}" if unnamed else None
        return super().shallow() or problem

    def markdown(self) -> str:
        plan, final = self.plan_characteristics, self.final_choice
        character = [
            f"Ambition: {plan.ambition}",
            f"Risk and novelty: {plan.risk_and_novelty}",
            f"Constraints: {plan.constraints}",
            f"Character: {plan.character}",
        ]
        rows = [(self._named(one.scenario_id), one.fit_score, one.rationale) for one in self.scenario_assessments]
        chosen = f"**Chosen: {self._named(final.scenario_id)}.** {one_line(final.justification)}"
        why_not = [one_line(final.why_not_the_best)] if final.why_not_the_best.strip() else []
        return "\n\n".join([bullets(character), table(("Scenario", "Fit", "Why"), rows), chosen, *why_not])

    def _named(self, scenario_id: str) -> str:
        return one_line(f"{scenario_id} {self.scenario_names.get(scenario_id, '')}")


class ToldScenario(Scenario):
    """A scenario with how well it fits."""

    fit_score: int
    rationale: str


class ScenariosMarkdown(Rendered):
    """The scenario to go on with, and the others."""

    chosen_scenario: ToldScenario
    rejected_scenarios: list[ToldScenario]
