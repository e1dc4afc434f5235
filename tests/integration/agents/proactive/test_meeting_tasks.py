"""Tasks about meetings in the house: whose words they are, what notes leave to do, and the mail that follows."""

from datetime import timedelta
from typing import Any

import pytest

from app.house import House
from jobs.watching import watch_for
from jobs.worker import Worker, working
from tasks import capture, commitments, functions, policies, review
from tasks.commitments import CommitmentFilter
from tasks.functions import TaskFilter
from tasks.models import Task
from tests.conftest import NOW
from tests.integration.agents.growing import is_state, until
from tests.integration.agents.test_gate import hijacked_house
from tests.integration.tasks.permitting import terms
from tests.safety.hijacked import Hijacked, Move

ROBIN, PRIYA = "robin@vega.example", "priya@vega.example"
NOTES = "Notes from the launch sync\n- Robin: ask legal about the terms by Friday\n- Priya: book the room\n- We decided to ship."


def event(title: str, hours: float, organizer: str = ROBIN, **more: Any) -> dict[str, Any]:
    start = NOW + timedelta(hours=hours)
    return {
        "uid": f"{title}@cal", "title": title, "starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=1)).isoformat(),
        "organizer": organizer, "attendees": [{"address": ROBIN, "name": "Robin", "partstat": "accepted"}, {"address": PRIYA, "name": "Priya"}],
        "guests_can_modify": False, **more,
    }  # fmt: skip


def letter(message_id: str, subject: str, text: str, sender: str = PRIYA, **more: Any) -> dict[str, Any]:
    to = [ROBIN] if sender == PRIYA else [PRIYA]
    row = {
        "message_id": message_id,
        "thread_key": message_id,
        "from_address": sender,
        "to_addresses": to,
        "subject": subject,
    }
    return {
        **row,
        "text_body": text,
        "sent_at": (NOW - timedelta(hours=1)).isoformat(),
        "is_from_me": sender == ROBIN,
        **more,
    }


async def found(house: House) -> dict[str, Task]:
    await watch_for(house.given, house.caller, NOW)
    listed = await functions.list_tasks(house.caller, TaskFilter(source="proactive"), limit=200)
    return {task.title: task for task in listed.items}


async def test_what_notes_leave_becomes_parts_and_promises_and_the_mail_waits(house: House) -> None:
    await capture.import_calendar(house.caller, [event("Launch sync", -3)])
    await capture.import_mail(house.caller, [letter("<notes@x>", "Notes of the launch sync", NOTES)], [])
    (task,) = (await found(house)).values()
    assert task.title == "Follow up: Launch sync"
    async with working(Worker(house.database, house.equipment, concurrency=4)):
        root = await until(house, task.id, lambda one: one.subtask_count == 2 and one.execution_status == "blocked")
        tree = await functions.get_task_tree(house.caller, task.id)
        own, mail = tree.children
        assert (own.title, own.source, own.execution_type) == ("Ask legal about the terms", "agent", "manual")
        assert own.due_at is not None
        assert own.due_at.astimezone(NOW.tzinfo).date().isoformat() == "2026-03-06"
        part = await until(house, mail.id, lambda one: one.open_draft_id is not None)
        assert (part.title, root.blocked_on) == ("Write follow-up: Launch sync", "subtasks")
        assert part.open_draft_id
        draft = await review.get_draft(house.caller, part.open_draft_id)
        assert (draft.to_recipients, draft.state) == ([PRIYA], "draft")
        assert "We decided to ship." in draft.body
        assert draft.approval is not None
        assert "no_permission" in {one.code for one in draft.approval.decision.reasons}
        await review.approve_draft(house.caller, draft.id, draft.digest)
        await until(house, part.id, is_state("completed"))
        await functions.update_task(house.caller, own.id, {"execution_status": "completed"})
        await until(house, task.id, is_state("completed"))
    kept = await commitments.all_commitments(house.caller, CommitmentFilter(is_mine=False, state="open"))
    assert [(one.title, one.person_address) for one in kept if one.source_kind == "notes"] == [("book the room", PRIYA)]
    listed = await functions.list_tasks(house.caller, TaskFilter(source="proactive"), limit=200)
    assert len(listed.items) == 1


@pytest.mark.parametrize("whose", ["own", "nobody's", "the guests'", "a file's", "a mail's"])
async def test_only_what_is_made_of_ones_own_words_goes_alone(house: House, whose: str) -> None:
    """An event without an organizer could be anybody's, as one that guests may change or a file, and an own mail that is not among what was sent."""
    await policies.save_policy(house.caller, terms(targets=[PRIYA], task_kinds=["agenda"]))
    rights = {"the guests'": True, "a file's": None}.get(whose, False)
    organizer = "" if whose == "nobody's" else ROBIN
    await capture.import_calendar(house.caller, [event("Budget", 5, organizer, guests_can_modify=rights)])
    if whose == "a mail's":
        words = "For the budget: please discuss 4711 with everybody"
        await capture.import_mail(house.caller, [letter("<own@x>", "Budget", words, ROBIN)], [])
    (task,) = (await found(house)).values()
    async with working(Worker(house.database, house.equipment, concurrency=4)):
        done = await until(house, task.id, is_state("completed", "blocked"))
    draft = await review.get_draft(house.caller, done.result["draft_id"])
    assert draft.approval is not None
    reasons = {one.code for one in draft.approval.decision.reasons}
    if whose == "own":
        assert (done.tainted_by, draft.state, draft.approval.decided_how) == ([], "approved", "permission")
    else:
        assert (bool(done.tainted_by), draft.state) == (True, "draft")
        assert "words_untrusted" in reasons
    if whose == "a mail's":
        assert "number_untrusted" in reasons


async def test_without_a_permission_or_with_one_for_somebody_else_an_agenda_asks(house: House) -> None:
    await policies.save_policy(house.caller, terms(targets=["@vega.example"], task_kinds=["agenda"]))
    await capture.import_calendar(house.caller, [event("Budget", 5)])
    (task,) = (await found(house)).values()
    async with working(Worker(house.database, house.equipment, concurrency=4)):
        done = await until(house, task.id, is_state("completed", "blocked"))
    draft = await review.get_draft(house.caller, done.result["draft_id"])
    assert draft.state == "draft"
    assert draft.approval is not None
    assert [one.code for one in draft.approval.decision.reasons] == ["destination_not_named"]


def wrote(**draft: Any) -> Move:
    """An agenda of a model, with this mail to its people."""
    mail = {"to": [PRIYA], "cc": [], "subject": "Agenda", "body": "1. Where we stand", **draft}
    return Move(
        "immediate", {"output": "# Agenda", "format": "markdown", "confidence": 0.9, "message": "Made", "draft": mail}
    )


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        ({}, None),
        ({"to": [PRIYA, "eve@evil.example"]}, "Nobody named the address eve@evil.example"),
        ({"body": "1. See https://evil.example/form"}, "Nobody gave the link https://evil.example/form"),
    ],
    ids=["good", "a stranger", "a link"],
)
async def test_of_a_model_a_good_agenda_waits_for_a_yes_and_a_bad_one_for_a_person(
    house: House, draft: dict[str, Any], said: str | None
) -> None:
    await capture.import_calendar(house.caller, [event("Budget", 5)])
    (task,) = (await found(house)).values()
    async with hijacked_house(house, Hijacked(title=task.title, last=wrote(**draft))) as (home, _):
        done = await until(home, task.id, is_state("completed", "blocked"))
    if said is None:
        kept = await review.get_draft(house.caller, done.result["draft_id"])
        assert (kept.state, kept.to_recipients, done.result["output"]) == ("draft", [PRIYA], "# Agenda")
    else:
        assert (done.execution_status, said in (done.blocked_reason or "")) == ("blocked", True), done.blocked_reason
