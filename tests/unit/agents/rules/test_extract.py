"""Tasks in sentences, by rules. Seen from Wednesday 4 March 2026, 09:30 in Berlin."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.rules.extract import MOST_TASKS, extract_tasks
from tasks.models import ExtractedTask

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=BERLIN)


def tasks(message: str) -> list[ExtractedTask]:
    return extract_tasks(message, NOW).tasks


def titles(message: str) -> list[str]:
    return [task.title for task in tasks(message)]


# fmt: off
KINDS = [
    ("Draft an email to john@example.com about the offer", "email", "fully_automated"), ("Email Laura the price list", "email", "semi_automated"),
    ("Reply to Maria that we agree", "reply", "semi_automated"), ("Draft a response to Mr. Novak", "reply", "semi_automated"), ("Ping @lena on Slack", "message", "semi_automated"),
    ("Tell Marcus that the server is back", "message", "semi_automated"), ("Summarise the report", "summary", "fully_automated"), ("Summarise the meeting", "meeting_summary", "fully_automated"),
    ("Pull out the action points from the notes", "action_items", "fully_automated"), ("Prepare the weekly sales report", "report", "fully_automated"),
    ("Write an outline for the talk", "outline", "fully_automated"), ("Write a blog post about tea", "document", "fully_automated"), ("Create a presentation", "document", "semi_automated"),
    ("Translate the letter into Spanish", "translation", "fully_automated"), ("Proofread my essay", "rewriting", "fully_automated"), ("Create a budget spreadsheet", "spreadsheet", "semi_automated"),
    ("Set up a call with Priya", "schedule", "semi_automated"), ("Book a dentist appointment", "errand", "manual"), ("Book flights to Lisbon", "errand", "manual"),
    ("Research competitors", "research", "manual"), ("Order new chairs", "purchase", "manual"), ("Get the car inspected", "errand", "manual"), ("Pay the rent", "payment", "manual"),
    ("Call the plumber", "call", "manual"), ("Plan the product launch", "project", "semi_automated"), ("Defrost the freezer", "errand", "manual"), ("Take the bins out", "errand", "manual"),
    ("Post the parcel", "errand", "manual"), ("Post the summary in #product on Slack", "message", "semi_automated"),
    ("Schreib eine E-Mail an anna@example.com", "email", "fully_automated"), ("Ruf die Werkstatt an", "call", "manual"), ("Miete überweisen", "payment", "manual"),
    ("Fass die Besprechung zusammen", "meeting_summary", "fully_automated"), ("Statusbericht vorbereiten", "report", "fully_automated"), ("Lade Jonas zum Grillen ein", "email", "semi_automated"),
    ("Vereinbare ein Gespräch mit Jana", "schedule", "semi_automated"), ("Bring den Müll raus", "errand", "manual"), ("Plane den Umzug", "project", "semi_automated"),
    ("Schicken Sie bitte den Vertrag an recht@firma.de", "email", "semi_automated"), ("Recherchiere Anbieter für Solaranlagen", "research", "manual"),
]
NO_TASK = [
    "", "   ", "😀", "...", "\x00\x07", "how are you today?", "Thanks, that was helpful!", "lol ok", "Yes", "I had a great weekend", "What's the weather in Berlin?", "We had a meeting about the budget.",
    "I went to the gym yesterday", "you don't need to call Ana", "Never mind, I already did it", "Don't send the contract yet", "Should I bring an umbrella?", "Can you swim?", "tell me a joke",
    "I'll be in Paris next week", "The meeting is on Friday at 3pm", "Our flight leaves at 9am tomorrow", "Mark will send the report on Monday", "See you tomorrow!", "Take care!", "Sorry, I'm late",
    "I have a question about the report", "Good luck tomorrow!", "Please find attached the report", "I'm so tired today", "Hope you're doing well", "Sent the contract yesterday", "1 2 3",
    "Wie geht es dir?", "Danke, das hat geholfen!", "Gestern war ich im Kino.", "Ich habe die Rechnung bezahlt.", "Du brauchst Anna nicht anzurufen.", "Guten Morgen!", "Bis morgen!", "Weißt du, wann der Zug fährt?",
    "Ich freue mich auf das Wochenende", "Kannst du schwimmen?", "Alles klar", "They asked me to send the report, which I did", "Nice weather by Friday", "Ana needs the report by Friday",
]
SPLITS = [
    ("buy milk and eggs", ["Buy milk and eggs"]), ("Buy paper, toner and envelopes", ["Buy paper, toner and envelopes"]),
    ("I should buy milk and eggs, and also book a dentist appointment", ["Buy milk and eggs", "Book a dentist appointment"]),
    ("call Ana, pay the rent and water the plants", ["Call Ana", "Pay the rent", "Water the plants"]), ("Review and sign the contract", ["Review and sign the contract"]),
    ("Draft an email to Bob and thank him for the gift", ["Draft an email to Bob and thank him for the gift"]), ("Call the vet and ask about vaccines", ["Call the vet and ask about vaccines"]),
    ("Print the form and sign it", ["Print the form", "Sign the form"]), ("Pay rent, water bill and internet", ["Pay rent, water bill and internet"]),
    ("Go to the shop and get bread", ["Go to the shop and get bread"]), ("When you get home, call mom", ["Call mom"]), ("Two things: call Ana, and pay Bob", ["Call Ana", "Pay Bob"]),
    ("- call the landlord\n- [x] done already\n2. pay the deposit", ["Call the landlord", "Pay the deposit"]), ("Call Mark and Bill", ["Call Mark and Bill"]),
    ("Milch und Brot kaufen, Paket abholen", ["Milch und Brot kaufen", "Paket abholen"]), ("Die Miete überweisen und den Müll rausbringen", ["Die Miete überweisen", "Den Müll rausbringen"]),
    ("Schreib Anna eine Mail und bedanke dich", ["Schreib Anna eine Mail und bedanke dich"]), ("Bring den Müll raus und gieß die Blumen", ["Bring den Müll raus", "Gieß die Blumen"]),
]
WORDED = [
    ("Could you please fix the sink?", "Fix the sink"), ("I need to renew my passport", "Renew my passport"), ("Remind me to take a break", "Take a break"), ("Don't forget the charger", "Charger"),
    ("todo: clean the windows", "Clean the windows"), ("The invoice must be paid", "Pay the invoice"), ("Hey, can you help me plan the trip?", "Plan the trip"), ("Let's schedule a sync", "Schedule a sync"),
    ("Bob asked me to review the plan", "Review the plan"), ("gonna order pizza", "Order pizza"), ("Would you mind sending the agenda?", "Send the agenda"), ("Someone needs to clean the fridge", "Clean the fridge"), ("Ich muss noch Oma anrufen", "Oma anrufen"), ("Kannst du bitte den Text kürzen?", "Den Text kürzen"), ("Vergiss nicht, Lisa anzurufen", "Lisa anrufen"),
    ("Die Rechnung muss bezahlt werden", "Die Rechnung bezahlen"), ("Nicht vergessen: Reisepass verlängern", "Reisepass verlängern"),
]
DUE = [
    ("Tax return is due 31 May", "2026-05-31"), ("The library books are due back on 20 March", "2026-03-20"), ("The deadline for the application is 15 April", "2026-04-15"),
    ("Reply to Maria that we can deliver on 20 March", None), ("Reply to Maria that we can deliver on 20 March by Friday", "2026-03-06"), ("Translate this: see you on Friday", None),
    ('Translate "see you on Friday"', None), ("Prepare slides for Friday's review", "2026-03-06"), ("Vergiss nicht: die Miete ist am 1. April fällig", "2026-04-01"),
    ("Denk daran, dass die Steuer am 31. Mai fällig ist", "2026-05-31"), ("Antworte Jan, dass wir am 20. März liefern", None),
]
PRIORITIES = [
    ("URGENT: send the contract", "critical"), ("fix the sink asap", "critical"), ("pay the rent!!!", "critical"), ("p1 fix the login", "critical"), ("Important: call the bank", "high"), ("file taxes, high priority", "high"),
    ("clean the garage, low priority", "low"), ("When you have time, compare laptops", "low"), ("call Bob, not urgent", "low"), ("p3 call Bob", "medium"), ("Read the important letter", "medium"), ("Call the critical care unit", "medium"),
    ("Dringend: Vertrag schicken", "critical"), ("Visitenkarten bestellen, wichtig!", "high"), ("Keller aufräumen, eilt nicht", "low"),
]
RECIPIENTS = [
    ("Reply to Maria (maria@acme.io) that we agree", "maria@acme.io"), ("Ping @lena on slack", "@lena"), ("Schedule a call with Priya next Tuesday", "Priya"), ("Send Bob the slides", "Bob"), ("Thank Mr. Novak", "Mr. Novak"),
    ("Schick Tom die Präsentation", "Tom"), ("Vereinbare ein Gespräch mit Frau Keller", "Frau Keller"), ("Email the team", None), ("Buy a gift for Mark", None),
]
# fmt: on


@pytest.mark.parametrize(("message", "kind", "execution_type"), KINDS)
def test_a_verb_and_its_object_say_what_kind_of_task_it_is(message: str, kind: str, execution_type: str) -> None:
    assert [(task.kind, task.execution_type) for task in tasks(message)] == [(kind, execution_type)]


@pytest.mark.parametrize("message", NO_TASK)
def test_nothing_is_made_of_talk(message: str) -> None:
    extraction = extract_tasks(message, NOW)
    assert extraction.tasks == []
    assert extraction.reply


@pytest.mark.parametrize(("message", "expected"), SPLITS)
def test_a_new_request_is_a_new_task_and_a_list_of_things_is_not(message: str, expected: list[str]) -> None:
    assert titles(message) == expected


@pytest.mark.parametrize(("message", "expected"), WORDED)
def test_a_title_is_what_is_to_be_done(message: str, expected: str) -> None:
    assert titles(message) == [expected]


@pytest.mark.parametrize(("message", "day"), DUE)
def test_a_date_counts_unless_it_is_part_of_what_is_said(message: str, day: str | None) -> None:
    (task,) = tasks(message)
    assert (task.due_date.isoformat() if task.due_date else None) == day


@pytest.mark.parametrize(("message", "priority"), PRIORITIES)
def test_priority(message: str, priority: str) -> None:
    assert [task.priority for task in tasks(message)] == [priority]


@pytest.mark.parametrize(("message", "recipient"), RECIPIENTS)
def test_recipient(message: str, recipient: str | None) -> None:
    assert [task.recipient for task in tasks(message)] == [recipient]


def test_material_behind_a_colon_is_kept_word_for_word() -> None:
    (task,) = tasks("Extract action items from these meeting notes: Anna ships the API by Friday; Ben books the venue.")
    assert task.description == "Anna ships the API by Friday; Ben books the venue."
    assert (task.kind, task.due_at) == ("action_items", None)


def test_material_may_stand_in_the_lines_below() -> None:
    (task,) = tasks("Hi!\nPlease summarise the following text:\n\nCall Ana.\n- Pay Bob by Friday.")
    assert task.description == "Call Ana.\n- Pay Bob by Friday."


def test_material_goes_to_the_request_that_works_on_it() -> None:
    translate, send = tasks("Translate this into Spanish and send it to pablo@corp.es: We open on Monday.")
    assert (translate.description, send.description) == ("We open on Monday.", "")


def test_a_heading_dates_its_list() -> None:
    found = tasks("Tomorrow:\n- call Ana\n- pay the rent\n\nLater\n- buy milk")
    assert [str(task.due_date) for task in found] == ["2026-03-05", "2026-03-05", "None"]


def test_a_day_at_the_head_holds_for_all_that_follows() -> None:
    found = tasks("Tomorrow I have to sign the lease and hand over the keys")
    assert [str(task.due_date) for task in found] == ["2026-03-05", "2026-03-05"]


def test_a_time_without_a_day_is_on_the_day_just_named() -> None:
    found = tasks("Meet Anna on Friday at 3 and call Bob at 5")
    assert [f"{task.due_at:%d %H:%M}" for task in found] == ["06 15:00", "06 17:00"]


def test_a_rule_gives_its_first_time() -> None:
    (task,) = tasks("Every Friday at 4pm prepare a status report for the team")
    assert task.recurrence == "FREQ=WEEKLY;BYDAY=FR"
    assert task.due_at == datetime(2026, 3, 6, 16, tzinfo=BERLIN)
    assert not task.due_is_all_day


def test_an_all_day_date_is_due_at_the_end_of_the_day() -> None:
    (task,) = tasks("Pay the rent on Friday")
    assert (task.due_at, task.due_is_all_day) == (datetime(2026, 3, 6, 23, 59, 59, tzinfo=BERLIN), True)


def test_labels_are_taken_and_channels_are_not() -> None:
    assert [(task.title, task.labels) for task in tasks("Water the plants #home #Garden")] == [
        ("Water the plants", ["home", "garden"])
    ]
    assert [task.labels for task in tasks("Post the summary in #product on Slack")] == [[]]


def test_how_long_it_takes() -> None:
    assert [task.estimated_duration_minutes for task in tasks("Schedule a 30 minute call with Priya")] == [30]


def test_a_known_verb_is_surer_than_a_guess() -> None:
    sure, guess = tasks("Pay the rent")[0], tasks("Recalibrate the sensors")[0]
    assert sure.confidence > guess.confidence
    assert sure.why
    assert guess.why


def test_the_quote_is_what_was_said() -> None:
    assert [task.quote for task in tasks("Hello. Please call Ana tomorrow!")] == ["Please call Ana tomorrow!"]


def test_the_same_task_twice_is_one() -> None:
    assert titles("Call Ana. Call Ana.") == ["Call Ana"]


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        (
            "Call Ana tomorrow at 3pm",
            "Noted: Call Ana (Thursday 5 March at 15:00). This one is yours; I keep track of it.",
        ),
        ("Summarise the report and call Ana", "I found 2 tasks; 1 I can do or prepare, 1 is yours."),
        ("Thanks!", "You're welcome. Tell me when something needs doing."),
        (
            "Ruf morgen die Werkstatt an",
            "Notiert: Ruf die Werkstatt an (5.3.2026). Das machst du selbst; ich behalte es im Blick.",
        ),
    ],
)
def test_the_reply_says_what_was_understood(message: str, reply: str) -> None:
    assert extract_tasks(message, NOW).reply == reply


def test_a_question_is_answered_honestly() -> None:
    reply = extract_tasks("What's the weather in Berlin?", NOW).reply
    assert "can't answer questions without a language model" in reply
    assert "for example" in reply


@pytest.mark.parametrize(
    "message",
    [
        "a" * 100_000,
        " " * 100_000,
        "call Ana and " * 8_000,
        "@" * 100_000,
        '"a' * 50_000,
        "“" * 100_000,
        "tomorrow at 3pm " * 7_000,
        "(" * 100_000,
        "a.b@" * 25_000,
        "\n" * 100_000,
        "the a must be " * 7_000,
        "\ud800 x",
    ],
)
def test_huge_and_odd_input_is_read_to_its_end(message: str) -> None:
    assert len(extract_tasks(message, NOW).tasks) <= MOST_TASKS


def test_no_more_than_fifty_tasks() -> None:
    assert len(tasks("\n".join(f"- call number {n}" for n in range(500)))) == MOST_TASKS


PIECES = st.sampled_from([m for m, *_ in [*KINDS, *SPLITS, *WORDED, *DUE, *PRIORITIES, *RECIPIENTS]] + NO_TASK)


@settings(deadline=None)
@given(message=st.lists(st.one_of(PIECES, st.text(max_size=20))).map(" ".join))
def test_any_text_gives_sound_tasks(message: str) -> None:
    for task in tasks(message):
        assert task.title == task.title.strip()
        assert task.due_at is None or task.due_at.tzinfo is BERLIN
        assert task.recurrence is None or task.due_at is not None
