"""Tickets through the engine: shown, made once, found again, changed and moved."""

from typing import Any

import pytest

from app.house import House
from tasks import review
from tests.emulators.served import Answer
from tests.integration.agents.growing import at_work, is_state, node, root, started, until
from tests.integration.agents.tools.conftest import (
    Outside,
    approve,
    asked,
    killed_in_the_middle,
    refuses,
    rewired,
    run_tool,
)

TICKET: dict[str, Any] = {
    "project": "OPS",
    "summary": "Größe prüfen",
    "description": "Zeile\n\nAbsatz",
    "labels": ["ops"],
}


async def ticket(house: House, **given: Any) -> Any:
    """A yes to what is asked; the task when it has ended."""
    async with at_work(house):
        made = await started(house, root(node("it", "jira_ticket", tool_input=given, on_failure="escalate")))
        approval = await asked(house, made.keys["it"])
        await review.decide_approval(house.caller, approval.id, approved=True)
        task = await until(house, made.keys["it"], is_state("completed", "failed"))
    return task, dict(map(tuple, approval.payload["facts"])), approval


async def test_a_ticket_is_made_changed_and_moved(wired: House, outside: Outside) -> None:
    task, facts, approval = await ticket(wired, **TICKET)
    assert (approval.title, approval.payload["text"]) == ("Create a ticket in OPS: Größe prüfen", "Zeile\n\nAbsatz")
    assert facts["labels"] == ["ops"]
    assert task.result["output"]["key"] == "OPS-1"
    assert f"steward-{task.id}-1" in outside.jira.issues["OPS-1"]["fields"]["labels"]
    task, facts, _ = await ticket(wired, action="update", key="OPS-1", summary="Neu", priority="High")
    assert (facts["summary"], facts["priority"]) == ("'Größe prüfen' → 'Neu'", "None → 'High'")
    assert (task.result["output"]["summary"], task.verification) == ("Neu", "verified")
    task, facts, _ = await ticket(wired, action="transition", key="OPS-1", status="in progress")
    assert (facts["status"], task.result["output"]["status"]) == ("To Do → In Progress", "In Progress")
    task, _, _ = await ticket(wired, action="transition", key="OPS-1", status="In Progress")
    assert len([got for got in outside.jira.changes() if got.path.endswith("/transitions")]) == 1


@pytest.mark.parametrize(
    "given",
    [
        TICKET,
        {"action": "update", "key": "OPS-1", "summary": "Neu"},
        {"action": "transition", "key": "OPS-1", "status": "In Progress"},
    ],
)
async def test_what_broke_off_is_looked_for_and_done_once(
    wired: House, outside: Outside, given: dict[str, Any]
) -> None:
    if "key" in given:
        outside.jira.issues["OPS-1"] = {
            "key": "OPS-1",
            "fields": {"status": {"name": "To Do"}, "summary": "Alt", "labels": []},
        }
    task = await killed_in_the_middle(wired, outside.jira.served, "jira_ticket", **given)
    assert (task.execution_status, len(outside.jira.changes())) == ("completed", 1)
    assert task.result["output"]["key"] == "OPS-1"
    assert len(outside.jira.issues) == 1


async def test_an_answer_that_went_wrong(wired: House, outside: Outside) -> None:
    async with at_work(wired):
        made = await started(
            wired, root(node("it", "jira_ticket", tool_input=TICKET, on_failure="escalate", max_retries=1))
        )
        it = made.keys["it"]
        outside.jira.served.once = [Answer(429, headers={"Retry-After": "0"})]
        await approve(wired, it)
        await until(wired, it, is_state("completed"))
        assert len(outside.jira.issues) == 1
        made = await started(wired, root(node("it", "jira_ticket", tool_input=TICKET, on_failure="escalate")))
        outside.jira.served.once = [Answer(500)]
        await approve(wired, made.keys["it"])
        task = await until(wired, made.keys["it"], lambda t: t.blocked_on == "person")
        assert "not known" in (task.blocked_reason or "")


async def test_a_sign_in_that_is_not_taken_waits_for_the_account(wired: House, outside: Outside) -> None:
    wrong = rewired(wired, jira_token="wrong")
    async with at_work(wrong):
        made = await started(
            wrong, root(node("it", "jira_ticket", tool_input={"action": "update", "key": "OPS-1", "summary": "x"}))
        )
        task = await until(wrong, made.keys["it"], is_state("blocked"))
    assert (task.blocked_on, "STEWARD_JIRA_TOKEN" in (task.unblocked_by or "")) == ("account", True)
    assert "wrong" not in f"{task.blocked_reason}"


WHAT_MAKES_NO_SENSE_ASKS_NOBODY: list[tuple[dict[str, Any], str]] = [
    ({"project": "OPS"}, "create takes project and summary"),
    ({"action": "update", "key": "OPS-1"}, "at least one field"),
    ({"action": "transition", "key": "OPS-1"}, "key and status"),
    ({"action": "delete", "key": "OPS-1"}, "action"),
    ({"project": "ops", "summary": "x"}, "project"),
    ({"project": "OPS", "summary": "a\nb"}, "one line"),
    ({"project": "OPS", "summary": "x", "labels": ["a b"]}, "no spaces"),
    ({"project": "OPS", "summary": "x", "due_on": "soon"}, "due_on"),
    ({"action": "update", "key": "OPS-9", "summary": "x"}, "no such thing"),
    ({"action": "update", "key": "OPS-1/../x", "summary": "x"}, "key"),
]


async def test_what_makes_no_sense_asks_nobody(wired: House) -> None:
    await refuses(wired, "jira_ticket", WHAT_MAKES_NO_SENSE_ASKS_NOBODY)


async def test_a_way_that_is_not_there_names_those_that_are(wired: House, outside: Outside) -> None:
    outside.jira.issues["OPS-1"] = {"key": "OPS-1", "fields": {"status": {"name": "In Progress"}, "summary": "x"}}
    task = await run_tool(wired, "jira_ticket", state="failed", action="transition", key="OPS-1", status="Nowhere")
    assert task.failure_reason == "OPS-1 has no way to 'Nowhere': allowed now: Finish (Done), Stop (To Do)"
