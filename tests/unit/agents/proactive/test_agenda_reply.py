"""Which answers to an agenda that was sent make a new version."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from agents.proactive import agenda_reply
from agents.proactive.situation import Person
from tasks.models import Task
from tests.unit.agents.making import make_task
from tests.unit.agents.proactive.looking import DANA, NOW, PRIYA, ROBIN, at, mail, meeting, situation

DRAFT = "ff91c59b-4309-428b-84fb-715d869c6d1b"
AGENDA_ID = UUID("00000000-0000-4000-8000-00000000000b")
REPLY = mail("Could we add hiring?", at(4, "09:00"), DANA, message_id="<r@x>", thread_key=f"<{DRAFT}@vega.example>")


def sent(starts_at: str = at(5).isoformat(), state: str = "completed") -> list[Task]:
    """An agenda and the task that sent it."""
    ref = {
        "event": {"calendar": "local", "uid": "Quarterly review", "title": "Quarterly review", "starts_at": starts_at}
    }
    made = make_task("Draft meeting agenda: Quarterly review", "agenda", source="proactive", source_ref=ref)
    sending: dict[str, Any] = {
        "id": uuid4(),
        "parent_task_id": AGENDA_ID,
        "tool": "email_send",
        "tool_input": {"draft_id": DRAFT},
    }
    return [
        made.model_copy(update={"id": AGENDA_ID, "created_at": NOW - timedelta(days=1)}),
        make_task("Send agenda", "email_send").model_copy(update=sending | {"execution_status": state}),
    ]


def test_an_answer_with_something_in_it_makes_one_for_the_newest() -> None:
    newer = replace(REPLY, message_id="<s@x>", sent_at=at(4, "09:10"), text="And the budget")
    (found,) = agenda_reply.find(situation(meeting(), tasks=sent(), mails=[REPLY, newer]))
    assert (found.key, found.title) == (
        f"agenda_reply:{AGENDA_ID}:2026-03-04:dana@northwind.example",
        "Update agenda: Quarterly review",
    )
    assert (found.source_ref["agenda_task_id"], found.source_ref["message_id"]) == (str(AGENDA_ID), "<s@x>")
    assert found.expires_at == at(5)


def test_each_who_was_asked_makes_one_and_nobody_else_any() -> None:
    theirs = replace(REPLY, message_id="<p@x>", sender=PRIYA)
    stranger = replace(REPLY, message_id="<e@x>", sender=Person("eve@evil.example"))
    found = agenda_reply.find(situation(meeting(), tasks=sent(), mails=[REPLY, stranger, theirs]))
    assert [one.source_ref["message_id"] for one in found] == ["<r@x>", "<p@x>"]


def test_a_thread_that_the_provider_named_otherwise_is_found_by_the_mail_that_began_it() -> None:
    own = mail(
        "1. Numbers",
        at(4, "08:00"),
        ROBIN,
        to=(DANA,),
        subject="Agenda: Quarterly review, Thursday",
        message_id="<g@x>",
        thread_key="<g@x>",
    )
    (found,) = agenda_reply.find(situation(tasks=sent(), mails=[own, replace(REPLY, thread_key="<g@x>")]))
    assert found.person == "dana@northwind.example"


@pytest.mark.parametrize(
    "text", ["Thanks!", "Danke dir, passt so", "Ok\n\nDana", "> 1. Where we stand", "", "Looks good to me"]
)
def test_thanks_make_none(text: str) -> None:
    assert list(agenda_reply.find(situation(meeting(), tasks=sent(), mails=[replace(REPLY, text=text)]))) == []


def test_none_after_the_meeting_before_it_is_sent_of_machines_and_of_other_threads() -> None:
    assert list(agenda_reply.find(situation(meeting(), tasks=sent(at(4, "08:00").isoformat()), mails=[REPLY]))) == []
    assert list(agenda_reply.find(situation(meeting(), tasks=sent("no time"), mails=[REPLY]))) == []
    assert list(agenda_reply.find(situation(meeting(), tasks=sent(state="failed"), mails=[REPLY]))) == []
    assert (
        list(
            agenda_reply.find(situation(meeting(), tasks=sent(), mails=[replace(REPLY, auto_submitted="auto-replied")]))
        )
        == []
    )
    assert list(agenda_reply.find(situation(meeting(), tasks=sent(), mails=[replace(REPLY, thread_key="<x@y>")]))) == []
    assert (
        list(agenda_reply.find(situation(meeting(), tasks=sent(), mails=[replace(REPLY, suspicious="orders")]))) == []
    )
