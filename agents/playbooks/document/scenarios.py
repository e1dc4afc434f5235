"""Scenarios: a few whole ways to go, one of them chosen, and both told as one document."""

from collections.abc import Sequence

from agents.playbooks.document.checks import enough, entries_problem
from agents.playbooks.document.lever_forms import EnrichedLever
from agents.playbooks.document.levers import vital_levers, wrong_ids
from agents.playbooks.document.scenario_forms import (
    CandidateScenarios,
    LeverSetting,
    Scenario,
    ScenarioChoice,
    ScenarioDraft,
    ScenarioDrafts,
    ScenariosMarkdown,
    SelectScenario,
    ToldScenario,
)
from agents.playbooks.document.stage import Depth, Earlier, Stage, Writing, first_problem, one_line
from core.errors import Invalid


async def write_candidate_scenarios(writing: Writing) -> CandidateScenarios:
    """One question: sets of options of the vital levers, chosen by number."""
    levers = vital_levers(writing.earlier)
    drafts = await writing.ask(
        ScenarioDrafts,
        f"{writing.earlier.markdown('plan_type')}\n\n## Levers\n\n" + "\n\n".join(lever.numbered() for lever in levers),
        check=lambda found: _drafts_problem(found, levers, writing.depth),
    )
    return CandidateScenarios(
        analysis_title=drafts.analysis_title,
        core_tension=drafts.core_tension,
        scenarios=[_scenario(f"S{number}", draft, levers) for number, draft in enumerate(drafts.scenarios, 1)],
    )


async def write_select_scenario(writing: Writing) -> SelectScenario:
    """One question that judges every scenario and chooses one."""
    scenarios = writing.earlier.of("candidate_scenarios", CandidateScenarios).scenarios
    names = {scenario.scenario_id: scenario.scenario_name for scenario in scenarios}
    choice = await writing.ask(
        ScenarioChoice,
        writing.earlier.markdown("identify_purpose", "plan_type", "candidate_scenarios"),
        check=lambda found: wrong_ids(
            "scenario_assessments", [one.scenario_id for one in found.scenario_assessments], names
        ),
    )
    return SelectScenario.model_validate({**choice.model_dump(), "scenario_names": names})


def fill_scenarios(earlier: Earlier) -> ScenariosMarkdown:
    """The chosen scenario, then the others, the better fit first. Raises Invalid for a choice of one that is not there."""
    choice = earlier.of("select_scenario", SelectScenario)
    judged = {one.scenario_id: one for one in choice.scenario_assessments}
    told = [
        ToldScenario.model_validate(
            {
                **scenario.model_dump(),
                "fit_score": judged[scenario.scenario_id].fit_score,
                "rationale": judged[scenario.scenario_id].rationale,
            }
        )
        for scenario in earlier.of("candidate_scenarios", CandidateScenarios).scenarios
        if scenario.scenario_id in judged
    ]
    final = choice.final_choice
    chosen = next((scenario for scenario in told if scenario.scenario_id == final.scenario_id), None)
    if chosen is None:
        known = ", ".join(scenario.scenario_id for scenario in told)
        raise Invalid(f"The chosen scenario {final.scenario_id!r} is none of the candidates: {known}")
    rejected = sorted((one for one in told if one is not chosen), key=lambda one: -one.fit_score)
    reasons = [one_line(text) for text in (final.justification, final.why_not_the_best) if text.strip()]
    chapters = [f"### Chosen: {_head(chosen)}", *reasons, chosen.text()]
    for scenario in rejected:
        chapters += [f"### Not chosen: {_head(scenario)}", one_line(scenario.rationale), scenario.text()]
    return ScenariosMarkdown(chosen_scenario=chosen, rejected_scenarios=rejected, markdown="\n\n".join(chapters))


def _head(scenario: ToldScenario) -> str:
    return f"{one_line(scenario.scenario_name)} (fit {scenario.fit_score} of 10)"


def _drafts_problem(drafts: ScenarioDrafts, levers: Sequence[EnrichedLever], depth: Depth) -> str | None:
    return first_problem(
        enough(depth, 3, scenarios=drafts.scenarios),
        entries_problem("scenarios", drafts.scenarios, lambda draft: _settings_problem(draft, levers)),
    )


def _settings_problem(draft: ScenarioDraft, levers: Sequence[EnrichedLever]) -> str | None:
    options = {lever.lever_id: len(lever.options) for lever in levers}
    given = [setting.lever_id for setting in draft.lever_settings]
    if problem := wrong_ids("lever_settings", given, options):
        return problem
    for setting in draft.lever_settings:
        if setting.option > options[setting.lever_id]:
            return f"{setting.lever_id} has no option {setting.option}, only {options[setting.lever_id]}"
    return None


def _scenario(scenario_id: str, draft: ScenarioDraft, levers: Sequence[EnrichedLever]) -> Scenario:
    chosen = {setting.lever_id: setting.option for setting in draft.lever_settings}
    return Scenario(
        scenario_id=scenario_id,
        scenario_name=draft.scenario_name,
        strategic_logic=draft.strategic_logic,
        lever_settings=[
            LeverSetting(
                lever_id=lever.lever_id,
                lever_name=lever.name,
                setting=lever.options[chosen[lever.lever_id] - 1],
            )
            for lever in levers
        ],
    )


STAGES = (
    Stage(
        "candidate_scenarios",
        "Candidate scenarios",
        "scenarios",
        "Combines options of the vital choices into a few ways to go that differ.",
        CandidateScenarios,
        depends_on=("focus_on_vital_few_levers",),
        reads=("plan_type", "enrich_levers"),
        write=write_candidate_scenarios,
        minutes=0.5,
    ),
    Stage(
        "select_scenario",
        "Select scenario",
        "scenarios",
        "Judges how well each way to go suits the plan, and chooses one with a reason.",
        SelectScenario,
        depends_on=("candidate_scenarios",),
        reads=("identify_purpose", "plan_type"),
        write=write_select_scenario,
    ),
    Stage(
        "scenarios_markdown",
        "Scenarios document",
        "scenarios",
        "Tells the chosen way to go and the others as one document.",
        ScenariosMarkdown,
        depends_on=("select_scenario",),
        reads=("candidate_scenarios",),
        fill=fill_scenarios,
        minutes=0.05,
    ),
)
