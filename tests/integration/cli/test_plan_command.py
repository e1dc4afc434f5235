"""steward plan, through the real program and the built-in rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Steward


def test_an_objective_is_planned_shown_and_cancelled(steward: Steward) -> None:
    asked = ("plan", "Launch feature X across three teams", "--stakeholder", "pm@company.com", "--priority", "high")
    done = steward(*asked, "--deadline", "2026-04-01", "--no-start", "--wait")
    assert done.returncode == 0, done.stderr
    assert "ready to start" in done.stdout
    assert "Deploy to staging" in done.stdout
    assert "steward plan start" in done.stderr
    made = steward.json("plan", "list", "--kind", "objective")["items"][0]
    assert (made["state"], made["request"]["context"]["stakeholders"]) == ("ready", ["pm@company.com"])
    short = made["id"][:8]
    shown = steward.json("plan", "show", short)
    assert shown["estimate"]["minutes"] > 0
    place = steward.folder / "papers" / "report.html"
    assert steward("plan", "report", short, "--out", str(place)).returncode == 0
    assert place.read_text().startswith("<!doctype html>")
    assert steward.json("plan", "cancel", short)["plan"]["state"] == "cancelled"


def test_the_planner_is_given_resources_notes_and_an_address(steward: Steward) -> None:
    (steward.folder / "brief.md").write_text("The blue teams ship first.", encoding="utf-8")
    asked = ("plan", "Launch feature X", "--domain", "feature-launch", "--no-start", "--notes", "brief.md")
    more = (
        "--resource",
        "teams: Blue, Red",
        "--resource",
        "monitor_minutes: 20",
        "--callback",
        "https://example.com/hook",
    )
    made = steward.json(*asked, *more, "--wait")
    context = made["plan"]["request"]["context"]
    assert context["resources"] == {"teams": "Blue, Red", "monitor_minutes": 20}
    assert context["notes"] == "# brief.md\n\nThe blue teams ship first."
    assert made["callbackSecret"].startswith("whsec_")
    assert "Create a Jira ticket: Red" in steward("plan", "show", made["plan"]["id"][:8]).stdout
    for wrong, word in (
        (("--resource", "teams"), "--resource: 'teams' is no name, colon and value"),
        (("--notes", "missing.md"), "--notes: 'missing.md' cannot be read"),
        (("--callback", "nowhere"), "--callback: "),
    ):
        refused = steward("plan", "Launch feature X", *wrong)
        assert (refused.returncode, word in refused.stderr) == (2, True), refused.stderr


def test_a_document_waits_for_a_model_and_its_files_are_written(steward: Steward) -> None:
    waited = steward.json("plan", "--document", "Open a workshop", "--level", "ping_llm", "--wait")
    assert waited["plan"]["state"] == "waiting"
    assert waited["plan"]["counts"]["completed"] == 2
    short = waited["plan"]["id"][:8]
    written = steward.json("plan", "files", short, "--out", "papers")
    assert "plan.zip" in written["files"]
    assert all((steward.folder / "papers" / name).stat().st_size for name in written["files"])
    again = steward("plan", "files", short, "--out", "papers")
    assert (again.returncode, "is there already" in again.stderr) == (2, True)
    no_stage = steward("plan", "rerun", short, "poem")
    assert (no_stage.returncode, "no such stage" in no_stage.stderr) == (1, True)
