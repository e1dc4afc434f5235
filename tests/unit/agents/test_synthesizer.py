"""Reports of plans in any state: facts from what is stored, plain words by rules, narratives that may not invent."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from agents.reporting import linked, report_markdown
from agents.synthesizer import Narrative, facts_of, invented_in, report_of
from agents.times import with_times
from agents.tools.notify import message_of
from tasks.plans import PlanMetrics, PlanTree, StageMetrics
from tests.unit.agents.making import ID, NOW

PLAN, PERSON = UUID(int=1), UUID(int=77)


def row(number: int, state: str, **columns: Any) -> dict[str, Any]:
    times = {
        "id": UUID(int=number),
        "organization_id": ID,
        "created_at": NOW,
        "updated_at": NOW,
        "parent_task_id": PLAN,
    }
    return {"title": f"Task {number}", "execution_type": "manual", "execution_status": state, **times, **columns}


def plan_of(*tasks: dict[str, Any], state: str = "running", **more: Any) -> PlanTree:
    request = {"objective": "Bake *bread*", "context": {"constraints": ["no nuts"]}}
    plan = {"id": PLAN, "organization_id": ID, "kind": "objective", "title": "Bake <b>bread</b>", "request": request}
    plan |= {"state": state, "execution_status": "blocked", "created_at": NOW, "started_at": NOW}
    tree = {**row(1, "blocked"), "parent_task_id": None, "children": list(tasks)}
    return PlanTree.model_validate({"plan": plan, "tree": tree, **more})


def approval(**columns: Any) -> dict[str, Any]:
    row = {
        "id": ID,
        "organization_id": ID,
        "task_id": UUID(int=3),
        "title": "Sell it?",
        "digest": "d",
        "created_at": NOW,
    }
    return {
        **row,
        "state": "rejected",
        "decided_by": PERSON,
        "decided_how": "person",
        "decided_at": NOW,
        "notes": "too [dear]",
        **columns,
    }


WHOLE = plan_of(
    row(2, "completed", started_at=NOW, completed_at=NOW + timedelta(hours=2), retry_count=1, verification="verified", assignee_role="Baker"),
    row(3, "failed", failure_reason="Rejected: too dear", tool="approval_gate"),
    row(4, "failed", waived_at=NOW, waived_reason="Nobody eats it"),
    row(5, "failed", failure_reason="The oven broke", superseded_at=NOW),
    row(6, "blocked", blocked_reason="Waits for flour", open_draft_id=UUID(int=8)),
    row(7, "cancelled"),
    row(8, "pending", tool="plan_report"),
    changes=[{"id": ID, "task_id": PLAN, "root_task_id": PLAN, "failed_task_id": UUID(int=5), "decision": "another_approach", "reason": "A pan does it", "created_at": NOW}],
    approvals=[approval()],
    state="failed",
)  # fmt: skip


def test_a_report_says_what_became_of_every_task() -> None:
    report = report_of(
        WHOLE, PlanMetrics(plan_id=PLAN, tasks=[], cost_usd=0.5, model_calls=3, seconds=7500), people={PERSON: "Ana"}
    )
    facts = report.facts
    assert facts.counts == {"completed": 1, "failed": 1, "skipped": 1, "blocked": 1, "cancelled": 1}
    assert [
        len(one) for one in (facts.done, facts.failed, facts.skipped, facts.replaced, facts.waiting, facts.cancelled)
    ] == [1] * 6
    assert facts.waiting[0].page == f"/review/{UUID(int=8)}"
    for said in (
        "The plan failed.", "Bake \\<b\\>bread", "(Baker, worked 2 hours, 2 tries, verified)", "Verified: it was looked up afterwards.", "Rejected: too dear", "Nobody eats it",
        "Waits for flour", "rejected by Ana on 2026-03-04 09:30", "“too \\[dear\\]”", "another way was taken", "A pan does it",
        "2 hours 5 minutes", "0.5000 US dollars", "no nuts", "“Task 3” got a no: mend what it was about", "“Task 2” took 2 hours",
    ):  # fmt: skip
        assert said in report.markdown


def test_the_last_part_of_a_plan_tells_of_it_as_done_and_leaves_itself_out() -> None:
    own = UUID(int=8)
    done = row(2, "completed", started_at=NOW, completed_at=NOW + timedelta(seconds=5), verification="claimed")
    facts = facts_of(plan_of(done, row(8, "in_progress", tool="plan_report")), without=own)
    assert (facts.outcome, facts.percent, facts.counts) == ("completed", 100, {"completed": 1})
    assert facts.ended_at == NOW + timedelta(seconds=5)
    assert facts.recommendations == [
        "Nothing but decisions was verified by looking: spot-check the results before relying on them."
    ]


@pytest.mark.parametrize(
    "state", ["planning", "ready", "running", "waiting", "paused", "completed", "failed", "cancelled"]
)
def test_a_plan_without_tasks_has_a_report_in_every_state(state: str) -> None:
    report = report_of(plan_of(state=state))
    assert report.facts.outcome == state
    assert "Objective: Bake" in report.markdown


def test_a_decision_nobody_has_made_is_open_and_recommended() -> None:
    open_one = approval(state="open", decided_by=None, decided_how=None, decided_at=None, notes=None)
    report = report_of(plan_of(approvals=[open_one, approval(state="used", decided_by=None, decided_how="permission")]))
    assert "“Sell it?” waits for a decision." in report.facts.recommendations
    assert "approved by a standing permission" in report.markdown


def test_a_narrative_cites_no_number_that_is_not_there() -> None:
    told = report_markdown(facts_of(WHOLE))
    assert invented_in(Narrative(summary="Task 2 took 2 hours."), told) is None
    assert "93" in (invented_in(Narrative(summary="Fine", insights=["93 percent were happy"]), told) or "")
    report = report_of(
        WHOLE, narrative=Narrative(summary="It *failed*.", insights=["One no"], recommendations=["Ask sooner"])
    )
    assert "It \\*failed\\*." in report.markdown
    assert "- Ask sooner\n- “Task 3” got a no" in report.markdown


def log(*entries: tuple[str, int] | tuple[str, int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines of a log: what, how many seconds after now, and what else."""
    return [
        {"event": one[0], "timestamp": NOW + timedelta(seconds=one[1]), **(one[2] if len(one) > 2 else {})}
        for one in entries
    ]


def test_times_are_those_of_work_and_a_tick_is_told_as_one() -> None:
    lost = {"reason": "The worker went away; the task is taken up again"}
    killed = row(2, "completed", verification="claimed", execution_log=log(
        ("created", 0), ("queued", 0), ("started", 1), ("retry_queued", 33, lost), ("started", 34), ("blocked", 36), ("resumed", 96), ("completed", 97)
    ))  # fmt: skip
    by_ana = {"actor_type": "user", "actor_id": str(PERSON)}
    ticked = row(3, "completed", verification="claimed", evidence=[{"kind": "word", "what": "so"}], execution_log=log(
        ("created", 0), ("started", 5), ("completed", 5, by_ana)
    ))  # fmt: skip
    plan_tree = plan_of(killed, ticked)
    measured = StageMetrics(task_id=UUID(int=2), title="x", seconds_working=96)
    numbers = with_times(PlanMetrics(plan_id=PLAN, tasks=[measured]), plan_tree.tree)
    assert [one.seconds_working for one in numbers.tasks] == [3]
    report = report_of(plan_tree, people={PERSON: "Ana"})
    assert "(worked 3 seconds, waited 1 minute, claimed)" in report.markdown
    assert "(ticked off by Ana on 2026-03-04 09:30" in report.markdown
    assert report.markdown.count("claimed: whoever") + report.markdown.count("Claimed: whoever") == 1


def test_what_the_end_of_a_plan_cut_off_did_not_fail_and_what_was_tried_again_is_no_replacement() -> None:
    ended = {"failure_reason": "What it was part of has ended"}
    again = plan_of(
        row(2, "failed", title="Approve it", failure_reason="Rejected", tool="approval_gate", superseded_at=NOW),
        row(3, "cancelled", superseded_at=NOW, started_at=NOW, **ended),
        row(4, "failed", title="Approve it", failure_reason="Rejected: too soon", tool="approval_gate"),
        row(5, "cancelled", started_at=NOW, **ended),
        {**row(6, "cancelled", superseded_at=NOW), "children": [row(7, "completed", parent_task_id=UUID(int=6))]},
        state="failed",
    )
    again = again.model_copy(
        update={"plan": again.plan.model_copy(update={"reason": "Approve it failed: Rejected: too soon"})}
    )
    facts = facts_of(again)
    assert (facts.reason, facts.retries) == ("“Approve it” got a no: too soon", 1)
    assert [one.title for one in facts.tried_again] == ["Approve it", "Task 3", "Task 7"]
    assert (facts.replaced, facts.counts) == ([], {"failed": 1, "cancelled": 1})
    under_way = again.plan.model_copy(update={"state": "waiting", "failed_at": NOW})
    assert facts_of(again.model_copy(update={"plan": under_way})).ended_at is None
    told = report_markdown(facts)
    assert "Failed and replaced" not in told
    assert "it had begun; cancelled because the plan ended; it did not fail" in told
    assert "“Task 5” was under way when the plan ended" in told


def test_links_of_a_report_lead_somewhere_or_are_none() -> None:
    told = report_of(plan_of(row(2, "completed", title="A [b](/tasks/c) \\ d"))).markdown
    page = f"/tasks/{UUID(int=2)}"
    assert f"({page})" in told
    assert f"](https://steward.example{page})" in linked(told, "https://steward.example/")
    assert page not in linked(told, None)
    assert "\n- A \\[b" in linked(told, None)


def test_a_failure_is_told_with_why_and_what_is_needed() -> None:
    waiting = row(9, "pending", depends_on=[UUID(int=3)])
    plan_tree = plan_of(row(3, "failed", failure_reason="No\nflour", retry_count=2), waiting)
    subject, body = message_of(plan_tree, plan_tree.tree.children[0])
    assert subject == "Failed: Task 3 (Bake <b>bread</b>)"
    for said in (
        "Why: No flour",
        "It was tried 3 times.",
        "What waits for it: Task 9.",
        "try it again, do it another way",
    ):
        assert said in body
    _, over = message_of(plan_of(row(3, "completed")), plan_of(row(3, "completed")).tree.children[0])
    assert "nothing any more; the task is completed by now" in over
