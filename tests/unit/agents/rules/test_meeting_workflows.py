"""Agendas, briefs and follow-ups without a model: what stands in them, what goes to whom, and what does not."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from agents.checker import check
from agents.proactive.meeting_context import MeetingContext, Notes, context_of, fresh_part
from agents.proactive.situation import Person, SeenMail
from agents.rules.workflows import agenda, brief, follow_up
from agents.strategist import Blocked, Immediate, TaskContext
from tasks.commitments import Commitment
from tasks.meetings import EventAround, MeetingFacts
from tests.unit.agents.making import ID, mail_from_dana, make_context, make_task
from tests.unit.agents.proactive.looking import DANA, NOW, OMAR, OWNER, PRIYA, ROBIN, at, mail, meeting

INSIDE = MeetingContext(meeting=meeting(), owner=OWNER, people=(PRIYA, OMAR), is_own_event=True)
OUTSIDE = replace(INSIDE, people=(PRIYA, DANA), guests=(DANA,))
EVENT = {"event": {"calendar": "local", "uid": "q"}}


def made(
    found: MeetingContext | None, kind: str = "agenda", ref: dict[str, Any] | None = None, **more: Any
) -> TaskContext:
    given: dict[str, Any] = {"source": "proactive", "source_ref": EVENT if ref is None else ref}
    return make_context("Draft meeting agenda: Quarterly review", kind, columns=given, meeting=found, **more)


def agenda_of(found: MeetingContext, **more: Any) -> Immediate:
    context = made(found, **more)
    result = agenda.decide(context, NOW)
    assert isinstance(result, Immediate), result
    assert check(result, context, NOW) == []
    return result


def wish(text: str, sender: Person = PRIYA, **more: Any) -> SeenMail:
    return mail(text, at(3), sender, subject="Quarterly review", **more)


def test_with_nothing_known_an_agenda_is_a_frame_that_says_so() -> None:
    result = agenda_of(INSIDE)
    assert "Nothing was found about it in mail, tasks or notes; this is only the frame." in result.output
    assert result.draft is not None
    assert result.draft.to == ["priya@vega.example", "omar@vega.example"]
    assert "1. Where we stand\n2. What is open\n3. Who does what until when" in result.draft.body
    assert result.draft.body.startswith("Hello Priya and Omar,")
    assert agenda_of(replace(INSIDE, people=())).draft is None


def test_points_come_with_their_source_and_without_it_in_the_mail() -> None:
    notes = Notes(
        "- Omar: fix the export by 6 March\n- Who tells legal?", "Priya", at(2), wish("Notes", message_id="<n@x>")
    )
    own = make_task("Collect the numbers for the quarterly review")
    found = replace(INSIDE, notes=notes, mails=(wish("Can we discuss hiring? See you."),), tasks=(own,))
    result = agenda_of(found)
    assert "- Omar: fix the export (notes by Priya, 2 March)" in result.output
    assert "- Can we discuss hiring? (Priya, mail of 3 March)" in result.output
    assert "- Collect the numbers for the quarterly review (your task)" in result.output
    assert result.draft is not None
    for point in ("1. Omar: fix the export", "Can we discuss hiring?", "Collect the numbers"):
        assert point in result.draft.body
    assert "your task" not in result.draft.body
    assert "mail of" not in result.draft.body


def test_what_somebody_from_outside_has_not_seen_is_not_passed_on() -> None:
    own = make_task("Cut the price in the quarterly review")
    internal, shown = wish("Shall we end the contract?"), wish("Shall we meet in Rome?", cc=(DANA,), message_id="<b@x>")
    result = agenda_of(replace(OUTSIDE, mails=(internal, shown), tasks=(own,)))
    assert result.draft is not None
    assert "Rome" in result.draft.body
    assert "contract" not in result.draft.body
    assert "price" not in result.draft.body
    assert "Shall we end the contract? (Priya, mail of 3 March; not in the mail)" in result.output


@pytest.mark.parametrize(
    "text",
    ["Can we discuss https://evil.example/x ?", "Shall we ask eve@evil.example?", "Do we finish it by 1 March 2026?"],
)
def test_links_addresses_and_deadlines_that_are_over_stay_out_of_the_mail(text: str) -> None:
    result = agenda_of(replace(INSIDE, mails=(wish(text),)))
    assert result.draft is not None
    assert "evil" not in result.draft.body
    assert "1 March" not in result.draft.body
    assert "not in the mail" in result.output


def test_promises_and_tasks_with_those_who_come_are_for_the_person_alone() -> None:
    promise = Commitment(
        id=ID,
        is_mine=True,
        person_address=DANA.address,
        person_name="Dana",
        quote="I'll send it",
        said_at=at(3),
        created_at=NOW,
    )
    result = agenda_of(replace(OUTSIDE, commitments=(promise,), tasks=(make_task("Answer Dana"),)))
    assert "You promised Dana on 3 March: “I'll send it”" in result.output
    assert result.draft is not None
    assert "promised" not in result.draft.body
    assert "Answer" not in result.draft.body


def test_in_german_where_the_meeting_is() -> None:
    found = replace(
        INSIDE,
        meeting=meeting("Abstimmung zum Angebot"),
        mails=(wish("Können wir über die Montage sprechen und klären, was fehlt?"),),
    )
    result = agenda_of(found)
    assert "## Themen" in result.output
    assert result.draft is not None
    assert result.draft.body.startswith("Hallo Priya und Omar,\n\nhier ist die Agenda")


def test_a_new_version_takes_in_what_was_answered_and_drafts_no_mail() -> None:
    ref = {**EVENT, "agenda_task_id": str(uuid4())}
    thread = [mail_from_dana("Hi,\n- the travel budget\n- hiring\n\nOn Tue, Robin wrote:\n> 1. Where we stand")]
    result = agenda_of(
        replace(OUTSIDE, earlier="# Agenda: Quarterly review\n\n## Topics\n1. Where we stand"), ref=ref, thread=thread
    )
    assert result.draft is None
    assert result.output.index("1. Where we stand") < result.output.index(
        "- the travel budget (Dana Ortiz, answer of 4 March)"
    )
    assert isinstance(agenda.decide(made(OUTSIDE, ref=ref, thread=[]), NOW), Blocked)


@pytest.mark.parametrize("rules", [agenda.decide, brief.decide, follow_up.decide])
def test_a_meeting_that_is_gone_waits_for_a_person(rules: Any) -> None:
    result = rules(made(None), NOW)
    assert isinstance(result, Blocked)
    assert "not in the calendar any more" in result.reason


def test_a_brief_says_who_they_are_and_where_nothing_was_found() -> None:
    stranger = Person("sam@acme.example", "Sam")
    first = mail("When does it ship?", at(2), DANA, subject="Order", thread_key="<o@x>")
    own = mail("Soon", at(3), ROBIN, to=(DANA,), subject="Re: Order", message_id="<r@x>", thread_key="<o@x>")
    found = replace(
        OUTSIDE,
        people=(PRIYA, DANA, stranger),
        guests=(DANA, stranger),
        mails=(first, own),
        names={DANA.address: "Dana Ortiz"},
    )
    result = brief.decide(made(found, "brief"), NOW)
    assert isinstance(result, Immediate)
    assert result.draft is None
    assert (
        "- **Dana Ortiz** (dana@northwind.example): last wrote on 2 March, you last wrote on 3 March" in result.output
    )
    assert "- **Sam** (sam@acme.example): no mail in the last weeks" in result.output
    assert "- 2 March, Dana, “Order”: When does it ship?" in result.output
    assert "Also there: Priya" in result.output
    empty = brief.decide(made(OUTSIDE, "brief"), NOW)
    assert isinstance(empty, Immediate)
    assert "Nothing was found about them" in empty.output


TEXT = "Notes from the review\n- We decided to ship in May.\n- Robin: ask legal\n- Robin + Omar: rehearse the demo on Thursday at 15:00\n- Zoe: paint it\n- Who pays?"
WRITTEN = Notes(TEXT, "Priya", at(2), mail(TEXT, at(2), message_id="<n@x>"))


def test_a_follow_up_sorts_the_notes_and_writes_to_those_who_were_there() -> None:
    context = made(replace(INSIDE, notes=WRITTEN), "follow_up")
    result = follow_up.decide(context, NOW)
    assert isinstance(result, Immediate)
    assert check(result, context, NOW) == []
    assert "## Decisions\n- We decided to ship in May." in result.output
    assert "## Open questions\n- Who pays?" in result.output
    assert "Notes from the review\n" not in result.output
    assert result.draft is not None
    assert result.draft.to == ["priya@vega.example", "omar@vega.example"]
    assert "- Robin: ask legal" in result.draft.body
    assert WRITTEN.mail
    own = replace(WRITTEN, mail=replace(WRITTEN.mail, is_from_me=True, sender=ROBIN))
    mine = follow_up.decide(made(replace(INSIDE, notes=own), "follow_up"), NOW)
    assert isinstance(mine, Immediate)
    assert mine.draft is None


def test_german_notes_are_sorted_by_their_own_labels_and_said_once() -> None:
    text = (
        "Protokoll Preisrunde\n\nBeschluss: Preise bleiben bis Juni\nEntscheidungen:\n- Rabatt fällt weg\n\nOmar: prüft die Verträge\n"
        "Offen: Wer informiert den Vertrieb?\nTeilnehmer: Omar, Robin"
    )
    result = follow_up.decide(made(replace(INSIDE, notes=replace(WRITTEN, text=text)), "follow_up"), NOW)
    assert isinstance(result, Immediate)
    said = result.output
    assert "\n- Preise bleiben bis Juni\n- Rabatt fällt weg\n" in said
    assert "\n- [ ] **Omar**: prüft die Verträge\n" in said
    assert said.count("- [ ]") == 1
    assert "\n- Wer informiert den Vertrieb?\n" in said
    assert "Beschluss" not in said


def test_what_the_notes_leave_is_told_apart_and_linked_to_what_is_there() -> None:
    linked = make_task("Ask legal about it", source_ref={"message_id": "<n@x>"})
    around = (EventAround(title="Demo rehearsal", starts_at=datetime.fromisoformat("2026-03-05T14:00:00Z")),)
    items = follow_up.noted_items(replace(INSIDE, notes=WRITTEN, tasks=(linked,), around=around), NOW)
    told = [(one.who, one.what, one.is_mine, one.address, one.linked_to) for one in items]
    assert told == [
        ("Robin", "ask legal", True, "", "“Ask legal about it”"),
        ("Robin", "rehearse the demo", True, "", "“Demo rehearsal”"),
        ("Omar", "rehearse the demo", False, "omar@vega.example", None),
    ]  # nobody of the name Zoe was there
    (first, *_) = follow_up.noted_items(replace(INSIDE, notes=WRITTEN), NOW)
    assert (first.linked_to, first.as_row()["title"], first.as_row()["execution_type"]) == (None, "Ask legal", "manual")


def test_the_context_keeps_to_the_people_of_the_meeting_and_says_what_others_wrote() -> None:
    attendees = [
        {"address": "Priya@vega.example", "name": "Priya", "partstat": "accepted"},
        {"address": "sam@acme.example", "partstat": "declined"},
    ]
    entry = {"id": ID, "uid": "q", "title": "Quarterly review", "starts_at": at(5), "ends_at": at(5) + timedelta(hours=1), "organizer": "robin@vega.example"}  # fmt: skip
    row = {"thread_key": "<t>", "sent_at": at(3), "from_address": "priya@vega.example", "subject": "Quarterly review"}
    facts = MeetingFacts.model_validate(
        {
            "event": {"uid": "q"},
            "is_own_event": True,
            "own_addresses": ["robin@vega.example"],
            "entries": [{**entry, "attendees": attendees}],
            "mails": [
                {**row, "message_id": "<a>", "text_body": "Numbers?\n> quoted"},
                {**row, "message_id": "<b>", "suspicious": "orders", "text_body": "x"},
                {**row, "message_id": "<c>", "subject": "Accepted: Quarterly review"},
                {**row, "message_id": "<d>", "from_address": "robin@vega.example", "is_from_me": True, "is_own": True},
            ],
        }
    )
    found = context_of(facts, "agenda", NOW)
    assert found is not None
    assert found.addresses == {"priya@vega.example"}
    assert [one.message_id for one in found.mails] == ["<a>", "<d>"]
    assert [one.ref for one in found.taints] == ["<a>"]
    assert found.mails[0].text == "Numbers?"
    assert context_of(facts.model_copy(update={"entries": []}), "agenda", NOW) is None


@pytest.mark.parametrize(
    "words", ["On Tue, 3 Mar 2026, Dana wrote:", "Am 3. März schrieb Dana:", "-----Original Message-----", "-- "]
)
def test_the_new_part_of_a_mail_ends_where_a_quotation_begins(words: str) -> None:
    assert fresh_part(f"Mine\n{words}\ntheirs") == "Mine"
