"""Playbooks: which fits an objective, and the plan that each makes with and without services and inputs."""

from typing import Any

import pytest

from agents.objective import PlanContext, PlannedObjective, PlannedTask
from agents.objective_planner import SURE, plan_by_rules, reason_to_wait
from agents.plan_checks import problem_of_plan
from agents.playbooks.choosing import PLAYBOOKS, fitting
from agents.playbooks.filling import Situation, fill, with_report
from agents.playbooks.german import WORDS as GERMAN
from agents.playbooks.playbook import Playbook
from agents.tools.built_in import BUILT_IN_TOOLS
from agents.tools.tool import AnyTool

CONTROL = {name: BUILT_IN_TOOLS[name] for name in ("approval_gate", "delay", "noop")}
LOCAL = {**CONTROL, "email_send": BUILT_IN_TOOLS["email_send"]}
RESOURCES = [
    "jira_project: OPS",
    "repository = acme/shop",
    "pull request: #17",
    "pipeline: deploy",
    "rollback_pipeline: undo",
    "smoke_url: https://staging.example/a, https://staging.example/b",
    "health_url: https://shop.example/health",
    "slack_channel: #launches",
    "monitor_minutes: 5",
    "trial_balance_query: select 1",
    "venue_query: halls",
    "research_query: campaigns",
    "landing_page: https://shop.example",
]
OBJECTIVES = {
    "feature_launch": "Launch feature X across three teams",
    "financial_close": "Process Q4 financial close",
    "incident_response": "Respond to production outage",
    "marketing_campaign": "Run the spring campaign",
    "event": "Organize the summer conference",
}


def situation(objective: str, tools: dict[str, AnyTool], **context: Any) -> Situation:
    given = {"stakeholders": ["pm@company.com", "the board"], **context}
    return Situation(objective, PlanContext.of({"context": given}), tools, lambda name: f"Set {name} up.")


def filled(name: str, tools: dict[str, AnyTool], **context: Any) -> list[PlannedTask]:
    playbook = next(one for one in PLAYBOOKS if one.name == name)
    return fill(playbook, situation(OBJECTIVES[name], tools, **context))


@pytest.mark.parametrize("name", sorted(OBJECTIVES))
@pytest.mark.parametrize("is_connected", [True, False])
@pytest.mark.parametrize("has_resources", [True, False])
def test_each_playbook_is_a_plan_that_can_be_carried_out(name: str, is_connected: bool, has_resources: bool) -> None:
    tools = dict(BUILT_IN_TOOLS) if is_connected else CONTROL
    context = {"resources": RESOURCES, "constraints": ["no downtime"]} if has_resources else {}
    tasks = filled(name, tools, **context)
    plan = PlannedObjective(tasks=with_report(tasks, german=False), confidence=1)
    assert problem_of_plan(plan, context.get("constraints", []), BUILT_IN_TOOLS) is None
    assert {task.tool for task in tasks} - {None} <= set(tools)
    assert all(task.acceptance_criteria or task.tool for task in tasks)
    assert plan.tasks[-1].depends_on == list(range(len(tasks)))
    assert all("$" not in f"{task.title}{task.description}{task.tool_input}" for task in tasks)


@pytest.mark.parametrize(
    ("objective", "domain", "name"),
    [
        ("Launch feature X across three teams", "", "feature_launch"),
        ("Process Q4 financial close", "finance", "financial_close"),
        ("Respond to production outage", "incident-response", "incident_response"),
        ("Respond to production outage", "", "incident_response"),
        ("Monatsabschluss Mai", "", "financial_close"),
        ("Quartalsabschluss Q3 durchführen", "Finanzen", "financial_close"),
        ("Die neue Funktion Suche ausrollen", "", "feature_launch"),
        ("Ausfall der Datenbank beheben", "", "incident_response"),
        ("Weihnachtskampagne für Bestandskunden", "", "marketing_campaign"),
        ("Sommerfest für 80 Gäste", "", "event"),
        ("Anything at all", "Incident Response", "incident_response"),
    ],
)
def test_a_playbook_is_chosen_by_domain_and_words(objective: str, domain: str, name: str) -> None:
    fit = fitting(objective, domain)
    assert fit is not None
    assert fit.playbook.name == name
    assert fit.confidence >= SURE


@pytest.mark.parametrize(
    ("objective", "domain"), [("Buy a new printer", ""), ("", ""), ("Close the window", ""), ("💥", "art")]
)
def test_no_playbook_is_forced_on_other_work(objective: str, domain: str) -> None:
    assert fitting(objective, domain) is None


def test_a_field_alone_is_too_little_to_start_by_itself() -> None:
    plan = plan_by_rules(situation("Buy a new printer", LOCAL), fitting("Buy a new printer", "finance"))
    assert plan.playbook == "financial_close"
    assert "not sure enough" in (reason_to_wait(plan) or "")


def test_a_launch_has_the_documented_steps_in_order() -> None:
    titles = [task.title for task in filled("feature_launch", LOCAL)]
    assert titles == [
        "Create a Jira ticket: Team 1",
        "Create a Jira ticket: Team 2",
        "Create a Jira ticket: Team 3",
        "Verify that code reviews and tests pass",
        "Deploy to staging",
        "Run smoke tests",
        "Approve the deployment to production",
        "Deploy to production",
        "Monitor production",
        "Notify the stakeholders",
    ]


def test_what_is_missing_is_said_and_nothing_is_invented() -> None:
    ticket, *_, mail = filled("feature_launch", LOCAL)
    assert (ticket.execution_type, ticket.tool) == ("manual", None)
    assert (
        "jira_ticket, which is not connected (for whoever runs this Steward: Set jira_ticket up)" in ticket.description
    )
    assert (
        "context.resources.jira_project (in the form: under Resources, jira_project: …): the key" in ticket.description
    )
    assert mail.tool_input["to"] == ["pm@company.com"]  # the board is no address
    connected = filled("feature_launch", dict(BUILT_IN_TOOLS))[0]
    assert "Set jira_ticket up" not in connected.description
    assert "context.resources.jira_project" in connected.description
    wrong = filled("feature_launch", dict(BUILT_IN_TOOLS), resources={"jira_project": "not a key"})[0]
    assert "the input of jira_ticket is wrong: project" in wrong.description


def test_an_incident_tells_nobody_before_it_is_acknowledged_and_its_gate_does_not_wait_for_weeks() -> None:
    tasks = filled("incident_response", dict(BUILT_IN_TOOLS), resources=RESOURCES)
    at = {task.key: place for place, task in enumerate(tasks)}
    for key in ("on_call", "on_call_slack"):
        assert tasks[at[key]].depends_on == [at["acknowledge"]]
        said = str(tasks[at[key]].tool_input).casefold()
        assert "acknowledged" in said
        assert "worked on" not in said
        assert "gathered" not in said
    gate = tasks[at["gate"]].tool_input
    assert (gate["remind_after_seconds"], gate["expires_in_seconds"]) == (1800, 8 * 3600)


def test_outputs_chain_where_tools_give_them() -> None:
    tasks = {task.key: task for task in filled("feature_launch", dict(BUILT_IN_TOOLS), resources=RESOURCES)}
    assert tasks["verify"].tool_input == {
        "repository": "acme/shop",
        "pull_request": 17,
        "expect": ["checks", "approval"],
    }
    assert tasks["deploy_production"].tool_input["parameters"] == {
        "environment": "production",
        "ref": "{{ verify.sha }}",
    }
    assert "{{ ticket_team_1.key }}, {{ ticket_team_2.key }}" in tasks["notify"].tool_input["body"]
    smoke = [task for key, task in tasks.items() if key.startswith("smoke")]
    assert [task.tool_input["url"] for task in smoke] == ["https://staging.example/a", "https://staging.example/b"]
    assert tasks["settle"].tool_input == {"seconds": 300}
    without = {
        task.key: task for task in filled("feature_launch", dict(BUILT_IN_TOOLS), resources=["pipeline: deploy"])
    }
    assert without["deploy_staging"].tool_input["parameters"] == {"environment": "staging"}


def test_a_gate_ends_the_plan_where_no_model_can_plan_anew() -> None:
    launch = next(one for one in PLAYBOOKS if one.name == "feature_launch")
    alone = situation(OBJECTIVES["feature_launch"], LOCAL, constraints=["No downtime", "Only on a weekday"])
    gates = [task for task in fill(launch, alone) if task.tool == "approval_gate"]
    assert [gate.on_failure for gate in gates] == ["stop"]
    assert gates[0].acceptance_criteria[-2:] == ["Kept: No downtime", "Kept: Only on a weekday"]
    with_model = Situation(alone.objective, alone.context, LOCAL, has_model=True)
    assert next(task.on_failure for task in fill(launch, with_model) if task.tool == "approval_gate") == "replan"


@pytest.mark.parametrize(
    ("objective", "teams", "count"),
    [
        ("Launch feature X", None, 1),
        ("Launch feature X across 3 teams", None, 3),
        ("Launch feature X with all five product teams", None, 5),
        ("Funktion Suche für zwei Teams ausrollen", None, 2),
        ("Launch feature X across 500 teams", None, 1),
        ("Launch feature X across three teams", "Platform, Mobile , platform,", 2),
        ("Launch feature X", "A!;A?", 2),
    ],
)
def test_a_ticket_for_each_team(objective: str, teams: str | None, count: int) -> None:
    resources = {"jira_project": "OPS"} | ({"teams": teams} if teams else {})
    launch = next(one for one in PLAYBOOKS if one.name == "feature_launch")
    tasks = fill(launch, situation(objective, dict(BUILT_IN_TOOLS), resources=resources))
    tickets = [task for task in tasks if task.key.startswith("ticket")]
    assert len(tickets) == count
    assert len({task.key for task in tasks}) == len(tasks)


def test_what_a_person_wrote_is_no_template() -> None:
    objective = "Launch {{ verify.sha }} feature $pipeline"
    (ticket, *_) = fill(PLAYBOOKS[3], situation(objective, dict(BUILT_IN_TOOLS), resources={"jira_project": "OPS"}))
    assert ticket.tool_input["summary"] == "Launch \\{{ verify.sha }} feature $pipeline"
    plan = PlannedObjective(tasks=[ticket], confidence=1)
    assert problem_of_plan(plan, [], BUILT_IN_TOOLS) is None


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda one: one.name)
def test_every_playbook_is_whole(playbook: Playbook) -> None:
    keys = [step.key for step in playbook.steps]
    assert len(set(keys)) == len(keys)
    assert all(set(step.after) <= set(keys[:place]) for place, step in enumerate(playbook.steps))
    assert any(step.is_gate for step in playbook.steps)
    for step in playbook.steps:
        assert step.german
        assert {step.role, step.description, *step.criteria} <= set(GERMAN)


def test_an_objective_in_german_is_planned_in_german() -> None:
    tasks = fill(PLAYBOOKS[4], situation("Sommerfest für 80 Gäste planen", LOCAL, constraints=["höchstens 900 Euro"]))
    assert tasks[0].title == "Zweck, Datum und Zahl der Gäste festlegen"
    assert tasks[0].description.startswith("„Sommerfest für 80 Gäste planen“: wozu")
    gate = next(task for task in tasks if task.tool == "approval_gate")
    assert gate.acceptance_criteria[-1] == "Eingehalten: höchstens 900 Euro"
    mail = next(task for task in tasks if task.tool == "email_send")
    assert mail.tool_input["subject"] == "Gebucht: Sommerfest für 80 Gäste planen"


def test_without_a_playbook_the_plain_template_waits_for_a_person() -> None:
    plan = plan_by_rules(situation("Buy a new printer", LOCAL, constraints=["under 400 euros"]), None)
    assert [task.tool for task in plan.tasks].count("approval_gate") == 1
    assert problem_of_plan(plan, ["under 400 euros"], LOCAL) is None
    assert reason_to_wait(plan)


def test_a_context_is_read_as_far_as_it_means_something() -> None:
    context = PlanContext.of(
        {
            "context": {
                "stakeholders": ["a@b.example", "", "a@b.example"],
                "priority": "very",
                "deadline": "2030-01-01T10:00:00+01:00",
                "resources": ["Jira project: OPS", "two people"],
                "notes": {"text": "Mind the gap", "files": ["a.md"]},
            }
        }
    )
    assert (context.stakeholders, context.priority) == (("a@b.example",), "medium")
    assert context.resources == {"jira_project": "OPS", "others": ["two people"]}
    assert (context.notes, context.notes_files) == ("Mind the gap", ("a.md",))
    assert context.deadline is not None
    assert PlanContext.of({}) == PlanContext.of({"context": "words"}) == PlanContext()
