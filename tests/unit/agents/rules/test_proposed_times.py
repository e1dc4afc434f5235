"""Times that a mail proposes: what is read, what is none, and which of them are free."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agents.rules.free_times import OwnTime, weigh_times
from agents.rules.proposed_times import read_proposal
from agents.rules.workflows import moving, reply
from agents.rules.workflows.times_answer import answer_times
from agents.strategist import Immediate, describe
from core.outside.calendar import Busy, WorkingHours
from tests.unit.agents.making import mail_from_dana, make_context

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=BERLIN)
OWN = OwnTime(
    WorkingHours("Europe/Berlin"),
    (Busy(datetime(2026, 3, 10, 15, tzinfo=BERLIN), datetime(2026, 3, 10, 16, tzinfo=BERLIN)),),
)

READ = [
    ("Would Tuesday 10 March at 15:00 or Wednesday 11 March at 11:00 (Berlin time) work for a 30 minute intro call?", "30 10/15:00 11/11:00"),
    ("Could we talk between 2 and 4 on Thursday?", "30 5/14:00-16:00"),
    ("Could we meet on 10 March from 9 to 11 for half an hour?", "30 10/09:00-11:00"),
    ("Would Tuesday 10 March, 2-4pm work for a 60 min workshop?", "60 10/14:00-16:00"),
    ("Are you free any time next week for a call?", "30 9/00:00-00:00"),
    ("How about Thursday afternoon?", "30 5/12:00-17:00"),
    ("Does Tuesday or Wednesday at 11 work for you?", "30 10/11:00 11/11:00"),
    ("Would Tuesday at 15:00 or 16:30 work for a call?", "30 10/15:00 10/16:30"),
    ("Would Tuesday at 3pm London time work for an hour?", "60 10/15:00"),
    ("I'm free Tuesday 10 March at 15:00 CET / 9:00 ET for a chat.", "30 10/15:00"),
    ("I can't do Tuesday at 3, but Thursday at 11 works for me.", "30 5/11:00"),
    ("Can we move our sync from Tuesday 10:00 to Thursday 11:00?", "30 5/11:00"),
    ("Which of these would suit you for a call?\n- Mon 9 March, 10:00\n- Tue 10 March, 14:00-15:00", "60 9/10:00 10/14:00"),
    ("Passt Ihnen Dienstag, 10. März um 15 Uhr oder Mittwoch um 11 Uhr für ein 45-minütiges Gespräch?", "45 10/15:00 11/11:00"),
    ("Hätten Sie am Donnerstag zwischen 14 und 16 Uhr Zeit für ein Telefonat?", "30 5/14:00-16:00"),
    ("Können wir am 12.3. um 10 Uhr eine Stunde sprechen?", "60 12/10:00"),
    ("Wann passt es dir für ein Gespräch?", "30"),
    ("Please answer by Friday: would Tuesday 10 March at 9:00 suit you for a meeting?", "30 10/09:00"),
    ("When would you be free for a call?", "30"),
    ("Would 5 March at 10:00 (UTC+2) work for a call?", "30 5/10:00"),
]  # fmt: skip
NONE = [
    "", "x" * 20_000, "The launch is on Friday at 10:00.", "Can you send me the report by Thursday 3pm?",
    "Are you coming for lunch on Sunday at 1?", "Does the meeting on Tuesday at 15:00 still work for you?",
    "Would Friday work as delivery date?", "See you on Tuesday at 15:00!", "How about a new logo?",
    "Would 15:00 my time on Tuesday work for a call?", "Please let me know by Friday whether that works.",
    "Can you tell me today whether that still holds, and if not, what the new date is?",
    "Can you send me a two-line bio until tomorrow evening? They print on Friday.",
    "On Tue, 3 Mar 2026 at 10:00 Robin wrote:\n> Would Tuesday 15:00 work?", "We will be busy on Tuesday at 15:00.",
    "Der Versand geht am Dienstag um 15 Uhr raus.", "Bis Freitag brauche ich die Unterlagen, geht das?",
    "Our offer is valid for 2 to 4 weeks.", "Call me maybe.", "The meeting is confirmed: Tuesday at 15:00 works for everyone.",
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), READ, ids=range(len(READ)))
def test_proposed_times_are_read(text: str, expected: str) -> None:
    found = read_proposal(f"Hi Robin,\n{text}\n\nBest, Sam", NOW)
    assert found is not None
    options = [
        f"{one.start.day}/{one.start:%H:%M}" + (f"-{one.until:%H:%M}" if one.until else "") for one in found.options
    ]
    assert " ".join([str(found.minutes), *options]) == expected


@pytest.mark.parametrize("text", NONE, ids=range(len(NONE)))
def test_what_proposes_no_time_is_none(text: str) -> None:
    assert read_proposal(text, NOW) is None


ANSWERED = [
    ("Would Monday 9 March at 15:00 work for a call?", NOW, "Monday 9 March at 15:00 works for me (Berlin time)."),
    ("Would Tuesday 10 March at 15:00 or Wednesday 11 March at 11:00 work for a call?", NOW, "Wednesday 11 March at 11:00 works for me"),
    ("Would Tuesday 10 March at 10:00 EST work for a call?", NOW, "do not work for me"),  # 15:00 in Berlin
    ("Would Tuesday 10 March at 9:00 London time work for a call?", NOW, "Tuesday 10 March at 09:00 works for me (London time)."),
    ("Would Tuesday at 14:45 work for a 30 minute call?", NOW, "do not work for me"),  # runs into what stands at 15:00
    ("Would Tuesday at 14:30 work for a 30 minute call?", NOW, "Tuesday 10 March at 14:30 works for me"),
    ("Could we talk between 3 and 4:30 on Tuesday?", NOW, "Tuesday 10 March at 16:00 works for me"),
    ("Would Saturday at 10:00 work for a call?", NOW, "do not work for me"),
    ("Would Thursday at 20:00 work for a call?", NOW, "do not work for me"),
    ("Would Thursday at 10:00 work for a call?", NOW + timedelta(days=2), "- Friday 6 March at 11:30"),  # it is over
    ("Are you free any time next week for a call?", NOW, "These times would suit me (Berlin time):\n- Monday 9 March at 09:00"),
    ("Passt Ihnen Montag, 9. März um 15 Uhr für ein Gespräch?", NOW, "Montag, 9. März um 15:00 Uhr passt mir gut (Ortszeit Berlin)."),
    ("Passt Ihnen Dienstag, 10. März um 15 Uhr für ein Gespräch?", NOW, "zu den vorgeschlagenen Zeiten kann ich leider nicht"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "now", "expected"), ANSWERED, ids=range(len(ANSWERED)))
def test_a_free_time_is_accepted_else_others_are_proposed(text: str, now: datetime, expected: str) -> None:
    found = read_proposal(text, NOW)
    assert found is not None
    times = weigh_times(found, OWN, now)
    said = answer_times(times, german="Passt" in text)
    assert said is not None
    assert expected in said[0][0]
    assert bool(times.free) != bool(times.instead)
    assert times.in_words()


def test_others_lie_in_the_days_that_were_asked_for_and_beside_lunch_else_it_says_that_none_does() -> None:
    found = read_proposal("Would Thursday at 10:00 or Friday at 10:00 work for a call?", NOW)
    assert found is not None

    def free(*busy: tuple[int, int, int]) -> OwnTime:
        hours = [
            (datetime(2026, 3, day, start, tzinfo=BERLIN), datetime(2026, 3, day, end, tzinfo=BERLIN))
            for day, start, end in busy
        ]
        return OwnTime(WorkingHours("Europe/Berlin"), tuple(Busy(start, end) for start, end in hours))

    times = weigh_times(found, free((5, 9, 12), (6, 9, 12)), NOW)
    assert [f"{at:%d %H:%M}" for at in times.instead] == ["05 13:00", "05 13:30", "06 13:00"]
    full = weigh_times(found, free((5, 0, 23), (6, 0, 23)), NOW)
    said = answer_times(full, german=False)
    assert said is not None
    assert "nothing else is free on those days" in said[0][0]
    assert all(at.day >= 9 for at in full.instead)
    week = read_proposal("When can we meet this week, Thursday or Friday, for a call?", NOW)
    assert week is not None
    assert [at.day for at in weigh_times(week, free(), NOW).free] == [5, 6]
    lunch = read_proposal("Could we talk between 12 and 1 on Thursday?", NOW)
    assert lunch is not None
    assert [at.hour for at in weigh_times(lunch, free(), NOW).free] == [12]
    today = read_proposal("Are you free today for a call?", NOW)
    assert today is not None
    assert all(at > NOW for at in weigh_times(today, free(), NOW).free)


def test_who_is_asked_for_another_time_is_greeted_by_name() -> None:
    move = {"title": "Planning", "from": str(NOW + timedelta(days=1)), "to": str(NOW + timedelta(days=2))}
    for people, expected in (("omar@x.example", "Hello Omar,"), ("omar@x.example, pri@x.example", "Hello everyone,")):
        names = {"omar@x.example": "Omar Haddad"}
        asked = moving.decide(
            make_context("Propose", "schedule", columns={"recipient": people}, known_names=names), move, NOW
        )
        assert isinstance(asked, Immediate)
        assert asked.output.startswith(expected)
    both = make_context(
        "Propose", "schedule", columns={"recipient": people}, known_names={**names, "pri@x.example": "Pri"}
    )
    asked = moving.decide(both, move, NOW)
    assert isinstance(asked, Immediate)
    assert asked.output.startswith("Hello Omar and Pri,")


def test_who_works_at_no_time_has_none_to_propose() -> None:
    found = read_proposal("Would Tuesday at 15:00 work for a call?", NOW)
    assert found is not None
    assert answer_times(weigh_times(found, OwnTime(WorkingHours("Europe/Berlin", {})), NOW), german=False) is None


def test_the_answer_says_what_it_leaves_out_and_a_model_is_shown_what_is_free() -> None:
    mail = mail_from_dana(
        "Would Tuesday at 15:00 or Thursday at 11:00 work for a call? And could you send the contract?"
    )
    found = read_proposal(mail.text, NOW)
    assert found is not None
    context = make_context(
        "Answer Dana", "reply", thread=[mail], columns={"source": "mail"}, times=weigh_times(found, OWN, NOW)
    )
    answer = reply.decide(context, NOW)
    assert isinstance(answer, Immediate)
    assert (answer.confidence, answer.draft and answer.draft.to) == (0.5, ["dana@northwind.example"])
    assert "leaves out" in answer.message
    shown = describe(context, NOW)
    assert "Free by your calendar: Thu 05 Mar 2026 11:00" in shown
    assert "Not free: Tue 10 Mar 15:00: busy" in shown
