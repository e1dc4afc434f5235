"""Somebody owes an answer."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from agents.proactive import unanswered
from agents.proactive.situation import Meeting, Person, SeenMail, Situation
from tasks.commitments import Commitment
from tests.unit.agents.proactive.looking import DANA, PRIYA, ROBIN, at, mail, meeting, situation

ASKED = "Hi Dana,\n\ncan you send me the new price list?\n\nRobin"


def theirs(**more: Any) -> Commitment:
    """Dana's, due on Friday 6 March."""
    given: dict[str, Any] = {
        "id": UUID(int=1), "is_mine": False, "person_address": DANA.address, "person_name": "Dana", "quote": "I will send the contract on Friday.",
        "title": "Send the contract", "message_id": "<1@x>", "thread_key": "<1@x>", "said_at": at(3), "due_at": at(6, "23:59"), "created_at": at(3),
        "subject": "Contract", "is_answered": True,
    }  # fmt: skip
    return Commitment.model_validate(given | more)


def asked(text: str = ASKED, to: Person = DANA, sent_at: datetime | None = None, **more: Any) -> SeenMail:
    return mail(
        text,
        sent_at or at(3, "10:00"),
        ROBIN,
        **{"to": (to,), "subject": "Prices", "thread_key": "<q@x>", "message_id": "<q@x>", **more},
    )


def from_dana(text: str = "Hello", sent_at: datetime | None = None, **more: Any) -> SeenMail:
    return mail(text, sent_at or at(9, "08:00"), DANA, **{"message_id": "<d@x>", "thread_key": "<d@x>", **more})


def looked(promise: Commitment, more: dict[str, Any]) -> Situation:
    given: dict[str, Any] = {"now": at(9, "14:00"), "commitments": [promise], **more}
    return situation(**given)


def test_a_promise_that_is_over_for_half_a_working_day() -> None:
    assert list(unanswered.find(situation(now=at(9, "12:59"), commitments=[theirs()]))) == []
    (found,) = unanswered.find(situation(now=at(9, "13:00"), commitments=[theirs()]))
    assert (found.key, found.kind, found.title) == (
        f"unanswered:promise:{UUID(int=1)}",
        "unanswered",
        "Remind Dana: Contract",
    )
    assert found.executes
    assert found.task
    assert found.task["kind"] == "reply"
    assert found.task["source_ref"]["reminder"] == {
        "of": "promise", "quote": "I will send the contract on Friday.", "at": "2026-03-03", "address": DANA.address, "name": "Dana",
    }  # fmt: skip
    assert found.task["source_ref"]["message_id"] == "<1@x>"


@pytest.mark.parametrize(
    ("promise", "more"),
    [
        (theirs(is_mine=True), {}),
        (theirs(source_kind="notes"), {}),
        (theirs(due_at=None), {}),
        (theirs(person_address=""), {}),
        (theirs(), {"mails": [from_dana("The contract is with our lawyers.")]}),
        (theirs(), {"mails": [asked("Any news?", thread_key="<1@x>", sent_at=at(9, "09:30"))]}),
        (theirs(due_at=at(1), said_at=datetime(2026, 1, 20, tzinfo=at(1).tzinfo)), {"now": at(25)}),
        (theirs(away_until=at(16, "09:00")), {}),
        (theirs(is_answered=False), {}),
    ],
    ids=["own", "notes", "no day", "no address", "wrote since", "asked already", "long ago", "away", "a stranger"],
)
def test_where_nobody_is_reminded(promise: Commitment, more: dict[str, Any]) -> None:
    assert list(unanswered.find(looked(promise, more))) == []


def test_a_meeting_since_is_answer_enough() -> None:
    met = meeting("Catch-up", at(9, "10:00"), people=(DANA,))
    assert list(unanswered.find(situation(met, now=at(9, "14:00"), commitments=[theirs()]))) == []
    crowd = meeting("All hands", at(9, "10:00"))
    assert len(list(unanswered.find(situation(crowd, now=at(9, "14:00"), commitments=[theirs()])))) == 1
    about = meeting("The contract", at(9, "10:00"))
    assert list(unanswered.find(situation(about, now=at(9, "14:00"), commitments=[theirs()]))) == []
    before = meeting("Catch-up", at(5, "10:00"), people=(DANA,))
    assert len(list(unanswered.find(situation(before, now=at(9, "14:00"), commitments=[theirs()])))) == 1


def test_after_they_are_back_it_is_time() -> None:
    away = from_dana(
        "I am away until 13 March.", at(6, "10:00"), subject="Automatic reply", auto_submitted="auto-replied"
    )
    for more in ({"mails": [away]}, {"commitments": [theirs(away_until=at(14, "09:00"))]}):
        given: dict[str, Any] = {"commitments": [theirs()], **more}
        assert list(unanswered.find(situation(now=at(13), **given))) == []
        (found,) = unanswered.find(situation(now=at(16, "13:00"), **given))
        assert found.tell_at == at(16, "13:00")


@pytest.mark.parametrize(("to", "told"), [(DANA, at(10, "10:00")), (PRIYA, at(6, "10:00"))], ids=["outside", "inside"])
def test_a_question_without_an_answer(to: Person, told: datetime) -> None:
    mails = [asked(to=to)]
    assert list(unanswered.find(situation(now=told - timedelta(minutes=1), mails=mails))) == []
    (found,) = unanswered.find(situation(now=told, mails=mails))
    assert (found.key, found.thread_key, found.tell_at) == ("unanswered:<q@x>", "<q@x>", told)
    assert "“can you send me the new price list?”" in found.why.replace("Can", "can")
    again = [*mails, asked("Any news?", to, told - timedelta(hours=1), message_id="<q2@x>")]
    assert list(unanswered.find(situation(now=told, mails=again))) == []


def test_what_others_write_in_a_thread_answers_nothing() -> None:
    eve = Person("eve@evil.example", "Eve")
    owed = theirs(is_answered=False)
    said = mail("Ok.", at(9, "10:00"), eve, thread_key="<1@x>", account_id=None)
    mine = mail("Thanks.", at(3), ROBIN, thread_key="<3@x>", message_id="<3@x>", to=(DANA,), account_id="a1")
    (broken,) = unanswered.find(situation(now=at(9, "14:00"), commitments=[owed], mails=[mine, said]))
    assert "account_id" not in broken.source_ref  # nothing of its thread lies in an account
    thread = [asked(account_id="a2"), mail("Me too!", at(4), eve, thread_key="<q@x>", message_id="<e@x>")]
    (found,) = unanswered.find(situation(now=at(10, "10:00"), mails=thread))
    assert (found.person, found.source_ref["account_id"]) == (DANA.address, "a2")
    both = [asked(to=DANA, cc=()), mail("Here it is.", at(4), PRIYA, thread_key="<q@x>")]
    both[0] = replace(both[0], to=(DANA, PRIYA))
    assert list(unanswered.find(situation(now=at(10, "10:00"), mails=both))) == []


MET: list[Meeting] = [meeting("Call", at(5, "10:00"), people=(DANA,))]


@pytest.mark.parametrize(
    ("mails", "meetings"),
    [
        ([asked("Here is the list."), ], []),
        ([asked(f"{ASKED}\n\nNo need to reply if it is unchanged.")], []),
        ([asked(), from_dana("Sure.", at(4), thread_key="<q@x>")], []),
        ([asked(), from_dana("About the prices: they stay.", at(4))], []),
        ([asked()], MET),
        ([asked(to=Person("news@vega.example"))], []),
        ([asked(to=Person("no-reply@shop.example"))], []),
        ([asked(cc=tuple(Person(f"p{n}@x.example") for n in range(5)))], []),
        ([asked(to=ROBIN)], []),
        ([asked("How are you?")], []),
        ([from_dana("Can you send me the list?", at(3))], []),
    ],
    ids=["tells", "none needed", "answered", "wrote elsewhere", "met", "list", "machine", "many", "to oneself", "courtesy", "asked by others"],
)  # fmt: skip
def test_where_no_answer_is_owed(mails: list[SeenMail], meetings: list[Meeting]) -> None:
    assert list(unanswered.find(situation(*meetings, now=at(11, "14:00"), mails=mails))) == []


def test_one_nudge_for_a_thread() -> None:
    promise = theirs(
        thread_key="<q@x>", message_id="<q1@x>", due_at=at(2), said_at=datetime(2026, 2, 27, 9, tzinfo=at(1).tzinfo)
    )
    twice = [promise, theirs(id=UUID(int=2), thread_key="<q@x>", due_at=at(2))]
    assert len(list(unanswered.find(situation(now=at(3, "16:00"), commitments=twice)))) == 1


def test_who_only_joins_in_answers_nothing() -> None:
    question = asked(to=DANA)
    question = replace(question, to=(DANA, PRIYA))

    def said(text: str, who: Person) -> list[str]:
        answer = mail(text, at(4, "09:00"), who, thread_key="<q@x>", message_id="<j@x>", subject="Re: Prices")
        looked_at = situation(now=at(10, "11:00"), mails=[question, answer])
        return [one.key for one in unanswered.find(looked_at)]

    for text in ("I would like to know that as well.", "Das würde mich auch interessieren.", "+1"):
        assert said(text, PRIYA) == ["unanswered:<q@x>"]
    assert said("The new price list is on the share.", PRIYA) == []
    assert said("Dana is looking for it.", Person("eve@evil.example", "Eve")) == ["unanswered:<q@x>"]
