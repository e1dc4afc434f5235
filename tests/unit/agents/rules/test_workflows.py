"""What the built-in rules make of each kind of task: the words that are there, or an honest no."""

import csv
from datetime import timedelta
from typing import Any

import pytest

from agents import checker
from agents.planner import problem_of
from agents.reviser import revise
from agents.strategist import (
    Blocked,
    Decompose,
    DraftContent,
    EarlierDraft,
    Immediate,
    TaskContext,
    decide,
)
from agents.thinking import Thinking
from agents.workflows.catalog import WORKFLOWS
from tests.unit.agents.making import NOW, mail_from_dana, make_context

RULES = Thinking()
NOTES = "Anna ships the API by Friday; Ben books the venue."
MEETING = """We decided to keep the launch on 12 March.
Anna will update the page by Monday.
Who tells legal?
The next sync is on 10 March.
Coffee was good."""


async def decided(context: TaskContext) -> Immediate | Decompose | Blocked:
    return await decide(context, now=NOW, thinking=RULES)


async def made(title: str, kind: str, execution_type: str = "fully_automated", **fields: Any) -> Immediate:
    result = await decided(make_context(title, kind, execution_type, **fields))
    assert isinstance(result, Immediate), result
    return result


async def drafted(title: str, kind: str = "email", **fields: Any) -> DraftContent:
    draft = (await made(title, kind, **fields)).draft
    assert draft is not None
    return draft


async def refused(title: str, kind: str, execution_type: str = "fully_automated", **fields: Any) -> Blocked:
    result = await decided(make_context(title, kind, execution_type, **fields))
    assert isinstance(result, Blocked), result
    assert result.reason
    assert result.unblocked_by
    return result


# Scenarios ------------------------------------------------------------------------------------------------------------


async def test_scenario_one_is_a_mail_ready_for_review() -> None:
    context = make_context("Draft email to john@example.com thanking him for the meeting")
    result = await decided(context)
    assert isinstance(result, Immediate)
    assert result.draft == DraftContent(
        to=["john@example.com"],
        subject="Thank you for the meeting",
        body="Hello John,\n\nThank you for the meeting. I appreciate the time you took.\n\nBest regards,\nRobin Vega\n",
    )
    assert checker.check(result, context, NOW) == []


async def test_scenario_two_is_four_parts_of_their_types() -> None:
    result = await decided(make_context("Plan Q4 marketing campaign", "project", "semi_automated"))
    assert isinstance(result, Decompose)
    assert [(s.title, s.execution_type) for s in result.subtasks] == [
        ("Research competitor campaigns", "manual"),
        ("Create budget spreadsheet", "semi_automated"),
        ("Draft campaign outline", "fully_automated"),
        ("Design mockups", "manual"),
    ]


async def test_scenario_three_is_blocked_on_a_shop() -> None:
    result = await refused("Order new office chairs", "purchase", "manual")
    assert result.reason == "Requires access to a procurement system or shop"
    assert not result.needs_model


# Mails ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "subject", "says"),
    [
        ("Draft email to sam@acme.com apologizing for the late delivery", "Apologies for the late delivery", "I apologise for the late delivery."),
        ("Email hr@acme.com confirming the appointment", "Confirmation: appointment", "I am writing to confirm the appointment."),
        ("Draft an email to mark@acme.com declining the invitation", "Regarding the invitation", "I have to decline the invitation."),
        ("Draft email to lisa@acme.com inviting her to the kickoff", "Invitation: kickoff", "I would like to invite you to the kickoff."),
        ("Write an email to ben@firm.io asking for the slides", "Request: slides", "I would like to ask you for the slides."),
        ("Write an email to ben@firm.io asking whether he can send his slides", "Question: whether you can send your slides", "ask whether you can send your slides."),
        ("Write email to paul@acme.com telling him that the budget was approved", "The budget was approved", "let you know that the budget was approved."),
        ("Email ana@firm.io that her order is delayed by two weeks", "Your order is delayed by two weeks", "that your order is delayed by two weeks."),
        ("Email sam@acme.com to remind him of the deadline", "Reminder: deadline", "a friendly reminder of the deadline."),
        ("Draft email to tom@acme.com congratulating him on the launch", "Congratulations on the launch", "Congratulations on the launch!"),
        ("Write a follow-up email to tom@acme.com about the offer", "Following up on the offer", "I am following up on the offer."),
        ("Draft a thank-you email to sarah@acme.com for the gift", "Thank you for the gift", "Thank you for the gift."),
        ("Draft an email to weber@klinik.de introducing myself", "Introduction", "my name is Robin Vega."),
        ("Draft email to info@acme.com about product delay", "Product delay", "about the product delay."),
        ("Schreib eine E-Mail an anna@firma.de und bedanke dich für das Treffen", "Vielen Dank für das Treffen", "Vielen Dank für das Treffen."),
        ("Schreib Max (max@firma.de) eine Mail, dass das Treffen ausfällt", "Kurze Information", "dass das Treffen ausfällt."),
        ("Schreibe eine E-Mail an kunde@firma.de wegen der Lieferverzögerung", "Wegen der Lieferverzögerung", "wegen der Lieferverzögerung."),
        ("Schreib eine Mail an info@hotel.de und bitte um eine Rechnung", "Anfrage: Rechnung", "Ich bitte um eine Rechnung."),
    ],
)  # fmt: skip
async def test_a_mail_says_what_the_request_says(title: str, subject: str, says: str) -> None:
    context = make_context(title)
    result = await decided(context)
    assert isinstance(result, Immediate), result
    assert result.draft is not None
    assert result.draft.subject == subject
    assert says in result.draft.body
    assert checker.check(result, context, NOW) == []


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("Invite Ben (ben@x.io) to lunch on Friday", "invite you to lunch on Friday."),
        ("Let tom@x.io know that we moved the call", "that we moved the call."),
        ("Email Ben (ben@x.io) saying we will be late", "let you know that we will be late."),
        ("Draft email to anna@x.io letting her know I will be 10 minutes late", "let you know that I will be 10 minutes late."),
        ("Draft email to tom@x.io telling him his contract ends and he must return his laptop", "that your contract ends and you must return your laptop."),
        ("Write to ana@x.io about the contract renewal and ask for a meeting", "I would like to arrange a meeting with you."),
        ("Draft email to peter@x.io to cancel our subscription", "I would like to cancel our subscription."),
        ("Draft email to peter@x.io cancelling the appointment", "Unfortunately, I have to cancel the appointment."),
        ("Ask sam@acme.com to send the invoice", "Could you please send the invoice?"),
        ("Write an email to kim@x.io: the meeting is at 3 instead of 2", "The meeting is at 3 instead of 2."),
        ("Write an email to lea@x.io asking whether she likes the offer", "whether you like the offer."),
        ("Write an email to lea@x.io asking when he goes home and whether he uses it", "when you go home and whether you use it."),
        ("Draft an email to mark@acme.com declining the invitation from Mark", "decline the invitation."),
        ("Email ana@x.io that people are waiting", "that people are waiting."),
        ("Schreib max@x.de eine Mail, dass alle warten", "dass alle warten."),
        ("Lade Anna (anna@x.de) per E-Mail zum Essen ein", "Einladung: Essen."),
        ("Schreib eine Mail an team@x.de über das neue Büro", "Ich schreibe über das neue Büro."),
    ],
)  # fmt: skip
async def test_other_ways_of_asking_for_a_mail(title: str, says: str) -> None:
    assert says in (await drafted(title)).body


@pytest.mark.parametrize(
    "title",
    [
        "Draft email to client@x.io explaining why the project is late",
        "Email ana@x.io to say how it went",
        "Frag max@x.de, ob er Zeit hat",
    ],
)
async def test_what_the_words_do_not_give_is_not_written(title: str) -> None:
    await refused(title, "email")


async def test_two_purposes_are_two_paragraphs() -> None:
    draft = await drafted("Write an email to ben@firm.io apologizing for missing the call and asking for a new date")
    assert "I apologise for missing the call." in draft.body
    assert "I would like to ask you for a new date." in draft.body


@pytest.mark.parametrize(
    ("title", "greeting"),
    [
        ("Draft email to Maria (m.k@acme.io) thanking her for the call", "Hello Maria,"),
        ("Draft email to Dr. Weber (weber@klinik.de) thanking him for the call", "Dear Dr. Weber,"),
        ("Draft email to jsmith@acme.io thanking him for the call", "Hello,"),
        ("Draft email to support@acme.io thanking them for the help", "Hello,"),
        ("Schreib Max (max@firma.de) eine Mail, dass das Treffen ausfällt", "Hallo Max,"),
        ("Schreib eine E-Mail an info@firma.de und bedanke dich für das Treffen", "Guten Tag,"),
    ],
)
async def test_a_greeting_uses_only_a_name_that_is_known(title: str, greeting: str) -> None:
    assert (await drafted(title)).body.startswith(f"{greeting}\n")


async def test_an_unknown_sender_signs_without_a_name() -> None:
    draft = await drafted("Draft email to john@example.com thanking him for the meeting", sender_name="")
    assert draft.body.endswith("Best regards\n")


async def test_a_missing_address_is_asked_for_not_made_up() -> None:
    context = make_context("Draft a thank-you email to Sarah for the gift", columns={"recipient": "Sarah"})
    result = await decided(context)
    assert isinstance(result, Immediate)
    assert result.draft is not None
    assert result.draft.to == []
    assert [finding.message for finding in checker.check(result, context, NOW)] == ["No address for Sarah"]


async def test_a_date_that_belongs_to_the_content_is_in_the_mail() -> None:
    said = "Draft email to lisa@acme.com inviting her to the kickoff on 12 March"
    draft = await drafted(
        said.removesuffix(" on 12 March"), columns={"due_at": NOW + timedelta(8)}, conversation=[("user", said)]
    )
    assert "invite you to the kickoff on 12 March." in draft.body


async def test_a_deadline_is_not_in_the_mail() -> None:
    said = "Draft email to lisa@acme.com inviting her to the kickoff by Friday"
    draft = await drafted(
        said.removesuffix(" by Friday"), columns={"due_at": NOW + timedelta(2)}, conversation=[("user", said)]
    )
    assert "Friday" not in draft.body


@pytest.mark.parametrize(
    "title", ["Email team@acme.com", "Write an email to Ana", "Draft an email", "Schreib eine E-Mail an anna@firma.de"]
)
async def test_a_mail_about_nothing_is_not_written(title: str) -> None:
    assert "does not say" in (await refused(title, "email")).reason


async def test_a_file_that_is_not_here_is_not_promised() -> None:
    assert "nothing can be attached" in (await refused("Send the signed contract to legal@corp.com", "email")).reason


# Replies and times ----------------------------------------------------------------------------------------------------


async def test_a_reply_without_a_thread_says_what_the_task_says() -> None:
    draft = await drafted("Reply to Maria (maria@acme.io) that we can deliver on 20 March", "reply")
    assert draft.to == ["maria@acme.io"]
    assert "that we can deliver on 20 March." in draft.body


async def test_a_reply_goes_to_the_last_other_writer_of_the_thread() -> None:
    thread = [mail_from_dana(), mail_from_dana("I look it up", from_address="robin@vega.example", is_from_me=True)]
    draft = await drafted("Reply to Dana that we renew in May", "reply", thread=thread)
    assert (draft.to, draft.subject) == (["dana@northwind.example"], "Re: Renewal date")
    assert draft.body.startswith("Hello Dana,")


BUSY_MAIL: dict[str, Any] = {
    "to_addresses": ["robin@vega.example", "bo@northwind.example"],
    "cc_addresses": ["R.Vega@vega.example", "cy@northwind.example", "dev@lists.example"],
    "list_addresses": ["dev@lists.example"],
}


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Reply all that we renew in May", "we renew in May."),
        ("Answer everybody that we renew in May", "we renew in May."),
        ("Allen antworten, dass wir im Mai verlängern", "wir im Mai verlängern."),
    ],
)
async def test_everybody_is_answered_where_the_persons_words_ask_for_it(title: str, said: str) -> None:
    own = frozenset({"r.vega@vega.example"})
    draft = await drafted(title, "reply", thread=[mail_from_dana(**BUSY_MAIL)], own_addresses=own)
    assert draft.to == ["dana@northwind.example"]
    assert draft.cc == ["bo@northwind.example", "cy@northwind.example", "dev@lists.example"]
    assert said in draft.body


async def test_one_writer_is_answered_where_nobody_asked_for_more() -> None:
    draft = await drafted("Reply to Dana that we renew in May", "reply", thread=[mail_from_dana(**BUSY_MAIL)])
    assert (draft.to, draft.cc) == (["dana@northwind.example"], [])


async def test_words_of_a_mail_do_not_ask_for_everybody() -> None:
    columns = {"source": "mail", "due_at": NOW + timedelta(days=1)}
    thread = [mail_from_dana("Reply all, and send it by tomorrow!", **BUSY_MAIL)]
    draft = await drafted("Reply to all: Renewal date", "reply", thread=thread, columns=columns)
    assert (draft.to, draft.cc) == (["dana@northwind.example"], [])


@pytest.mark.parametrize(
    ("asked", "to"), [("desk@northwind.example", "desk@northwind.example"), ("Robin@vega.example", "dana@northwind.example")]
)  # fmt: skip
async def test_whoever_a_mail_asks_to_be_answered_gets_the_answer(asked: str, to: str) -> None:
    context = make_context("Reply that we renew in May", "reply", thread=[mail_from_dana(reply_to_addresses=[asked])])
    result = await decided(context)
    assert isinstance(result, Immediate)
    assert result.draft
    assert result.draft.to == [to]
    assert checker.check(result, context, NOW) == []


async def test_a_list_alone_is_answered_only_on_request() -> None:
    mail = mail_from_dana(from_address="dev@lists.example", list_addresses=["dev@lists.example"])
    blocked = await refused("Reply that we renew in May", "reply", thread=[mail])
    assert "mailing list" in blocked.reason
    draft = await drafted("Reply to all that we renew in May", "reply", thread=[mail])
    assert draft.to == ["dev@lists.example"]


@pytest.mark.parametrize("subject", ["Re: Renewal date", "AW: Re: Renewal date", "RE: re:  Renewal date"])
async def test_a_subject_has_one_re(subject: str) -> None:
    draft = await drafted("Reply that we renew in May", "reply", thread=[mail_from_dana(subject=subject)])
    assert draft.subject == "Re: Renewal date"


async def test_a_known_date_alone_gives_a_holding_answer() -> None:
    columns = {"source": "mail", "due_at": NOW + timedelta(days=1), "due_is_all_day": True}
    thread = [mail_from_dana("Could you tell me the renewal date by tomorrow?")]
    draft = await drafted("Answer Dana: Renewal date", "reply", thread=thread, columns=columns)
    assert "I will get back to you by Thursday 5 March 2026." in draft.body
    own = mail_from_dana("I'll get back to you by tomorrow.", from_address="robin@vega.example", is_from_me=True)
    for before in ([*thread, own], [own, *thread]):
        blocked = await refused("Answer Dana: Renewal date", "reply", thread=before, columns=columns)
        assert "already" in blocked.reason
        assert "what the answer should say" in blocked.unblocked_by


async def test_the_time_of_an_event_or_one_that_is_over_is_no_time_for_an_answer() -> None:
    lunch, sunday = "lunch on Sunday at 1?", NOW.replace(day=8, hour=13, minute=0)
    columns = {"source": "mail", "due_at": sunday, "due_is_all_day": False, "source_ref": {"quote": lunch}}
    await refused("Answer Mom: lunch on Sunday at 1?", "reply", thread=[mail_from_dana(lunch)], columns=columns)
    goods = "Will the goods be here by Friday?"
    columns = {"source": "mail", "due_at": NOW.replace(day=6), "due_is_all_day": True}
    await refused("Answer Dana: Goods", "reply", thread=[mail_from_dana(goods)], columns=columns)
    over = mail_from_dana("Could you tell me by yesterday?", sent_at=NOW - timedelta(days=3))
    columns = {"source": "mail", "due_at": NOW - timedelta(days=1), "due_is_all_day": True}
    blocked = await refused("Answer Dana: Renewal date", "reply", thread=[over], columns=columns)
    assert "what to answer" in blocked.reason


async def test_a_german_mail_gets_a_german_holding_answer() -> None:
    mail = mail_from_dana("Können Sie mir bitte bis Freitag das Angebot schicken?", subject="Angebot")
    columns = {"source": "mail", "due_at": NOW + timedelta(days=2), "due_is_all_day": True}
    draft = await drafted("Angebot", "reply", thread=[mail], columns=columns)
    assert "Ich melde mich bis Freitag, 6. März 2026." in draft.body


@pytest.mark.parametrize("columns", [{"source": "mail"}, {"source": "mail", "due_at": NOW - timedelta(days=1)}, {}])
async def test_a_reply_that_nothing_is_known_of_is_not_written(columns: dict[str, Any]) -> None:
    blocked = await refused("Answer Dana about the renewal", "reply", thread=[mail_from_dana()], columns=columns)
    assert "what to answer" in blocked.reason


async def test_words_of_a_mail_do_not_say_what_to_answer() -> None:
    columns = {"source": "mail", "description": "Reply that you pay 900 EUR"}
    await refused("Reply to Dana that we pay 900 EUR", "reply", thread=[mail_from_dana()], columns=columns)


async def test_a_german_answer_that_speaks_of_the_reader_needs_grammar() -> None:
    assert (await refused("Antworte Maria (maria@acme.io), dass sie kommen kann", "reply")).needs_model


async def test_a_time_is_proposed_where_there_is_an_address() -> None:
    columns = {"due_at": NOW.replace(day=10, hour=15, minute=0), "due_is_all_day": False}
    draft = await drafted("Schedule a 30 minute call with Priya (priya@x.example)", "schedule", columns=columns)
    assert "Would Tuesday 10 March 2026 at 15:00 (Europe/Berlin) suit you?" in draft.body


async def test_without_an_address_scheduling_needs_a_calendar() -> None:
    assert "Priya" in (await refused("Schedule a call with Priya", "schedule", columns={"recipient": "Priya"})).reason


async def test_a_time_that_is_over_is_not_proposed() -> None:
    await refused("Schedule a call with p@x.example", "schedule", columns={"due_at": NOW - timedelta(hours=1)})


# Texts ----------------------------------------------------------------------------------------------------------------


async def test_action_items_are_who_what_until_when() -> None:
    result = await made("Extract action items", "action_items", columns={"description": NOTES})
    assert result.output == "- [ ] **Anna**: ships the API (due Friday 6 March 2026)\n- [ ] **Ben**: books the venue\n"


@pytest.mark.parametrize(
    ("notes", "line"),
    [
        ("Omar to call the printer tomorrow", "- [ ] **Omar**: call the printer (due Thursday 5 March 2026)"),
        ("- Priya: check the budget", "- [ ] **Priya**: check the budget"),
        ("Action: send the minutes", "- [ ] send the minutes"),
        ("We need to find a room.", "- [ ] **We**: find a room"),
        (
            "Lena soll das Angebot bis Freitag schicken.",
            "- [ ] **Lena**: das Angebot schicken (bis Freitag, 6. März 2026)",
        ),
    ],
)
async def test_ways_of_saying_who_does_what(notes: str, line: str) -> None:
    assert (await made("Action items", "action_items", columns={"description": notes})).output.strip() == line


@pytest.mark.parametrize(
    "notes", ["The weather was nice.", "Anna was late.", "Ben said the API is slow.", "It rains. Nobody came."]
)
async def test_no_action_item_is_made_out_of_talk(notes: str) -> None:
    assert (await refused("Action items", "action_items", columns={"description": notes})).needs_model


async def test_a_meeting_summary_sorts_the_notes_own_lines() -> None:
    result = await made("Summarise the meeting", "meeting_summary", columns={"description": MEETING})
    assert result.output.split("\n\n") == [
        "## Decisions\n- We decided to keep the launch on 12 March.",
        "## Action items\n- [ ] **Anna**: update the page (due Monday 9 March 2026)",
        "## Dates\n- The next sync is on 10 March.",
        "## Open questions\n- Who tells legal?\n",
    ]


async def test_a_long_text_is_no_matter_of_tokens() -> None:
    draft = await drafted("Write to ana@x.io about it", columns={"description": "word " * 60_000})
    assert len(draft.body) > 250_000


async def test_a_summary_is_an_extract() -> None:
    text = " ".join(f"Sentence {n} says {'what was decided' if n == 7 else 'little'}." for n in range(12))
    result = await made("Summarise this", "summary", columns={"description": text})
    lines = [line[2:] for line in result.output.splitlines() if line.startswith("- ")]
    assert 2 <= len(lines) <= 5
    assert all(line in text for line in lines)
    assert any("decided" in line for line in lines)


@pytest.mark.parametrize("kind", ["summary", "meeting_summary", "action_items"])
async def test_without_text_there_is_nothing_to_work_on(kind: str) -> None:
    blocked = await refused("Summarize the attached report", kind)
    assert blocked.reason.startswith("There is no text to")
    assert not blocked.needs_model


async def test_finished_work_is_material() -> None:
    result = await made("Extract action items", "action_items", outputs=[("Notes", NOTES)])
    assert "Anna" in result.output


async def test_an_outline_is_a_skeleton_and_says_so() -> None:
    result = await made("Write an outline for the blog post on durable workflows", "outline")
    assert result.output.startswith("# Blog post on durable workflows\n")
    assert "A skeleton" in result.output
    assert result.confidence <= 0.5


async def test_a_status_report_is_made_of_the_known_tasks() -> None:
    recent = [
        {"title": "Pay rent", "execution_status": "completed", "completed_at": (NOW - timedelta(days=1)).isoformat()},
        {"title": "Old thing", "execution_status": "completed", "completed_at": (NOW - timedelta(days=30)).isoformat()},
        {"title": "Tax return", "execution_status": "pending", "due_at": (NOW - timedelta(days=2)).isoformat()},
        {"title": "Call Ana", "execution_status": "pending", "due_at": None, "completed_at": None},
        {"title": "Dropped", "execution_status": "cancelled"},
    ]
    output = (await made("Prepare a status report for the team", "report", recent_tasks=recent)).output
    assert "## Done in the last 7 days\n- Pay rent" in output
    assert "## Overdue\n- Tax return (due 2026-03-02)" in output
    assert "## Open\n- Call Ana" in output
    assert "Old thing" not in output
    assert "Dropped" not in output


async def test_a_status_report_without_tasks_is_not_made() -> None:
    assert not (await refused("Prepare a status report", "report")).needs_model


@pytest.mark.parametrize(
    ("title", "kind"),
    [("Prepare a report on the market", "report"), ("Translate this", "translation"), ("Rewrite this", "rewriting"),
     ("Write a proposal", "document"), ("Make a spreadsheet of birds", "spreadsheet")],
)  # fmt: skip
async def test_what_needs_a_model_names_the_setting(title: str, kind: str) -> None:
    blocked = await refused(title, kind)
    assert blocked.needs_model
    assert "OPENAI_API_KEY" in blocked.unblocked_by


async def test_a_budget_is_a_template_with_empty_amounts() -> None:
    result = await made("Create budget spreadsheet", "spreadsheet", parent_title="Plan Q4 marketing campaign")
    rows = list(csv.reader(result.output.splitlines()))
    assert result.format == "csv"
    assert rows[0] == ["Category", "Planned", "Actual", "Note"]
    assert "Advertising" in [row[0] for row in rows]
    assert all(row[1] == row[2] == "" for row in rows[1:])


# Plans, people, feedback ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "title",
    ["Plan the summer party", "Launch the new website", "Plan a trip to Lisbon", "Plan the office move", "Hire a designer",
     "Plan something nobody heard of", "Organisiere das Sommerfest", "Plane den Umzug"],
)  # fmt: skip
async def test_every_plan_is_in_order_and_bounded(title: str) -> None:
    result = await decided(make_context(title, "project", "semi_automated"))
    assert isinstance(result, Decompose)
    assert 2 <= len(result.subtasks) <= 12
    assert problem_of(result.subtasks) is None
    assert len({subtask.title for subtask in result.subtasks}) == len(result.subtasks)


async def test_a_part_of_a_plan_is_not_broken_down_again() -> None:
    await refused("Plan the launch", "project", "semi_automated", parent_title="Plan the year")


@pytest.mark.parametrize("kind", sorted(WORKFLOWS))
async def test_a_manual_task_is_always_a_persons(kind: str) -> None:
    assert not (await refused("Do it for ana@firm.example about the plan", kind, "manual")).needs_model


async def test_a_chat_message_needs_a_chat() -> None:
    assert (await refused("Ping @lena about the build", "message", "semi_automated")).reason == "Slack is not connected"


async def test_a_kind_nobody_knows_is_a_persons() -> None:
    await refused("Do something", "sorcery", "semi_automated")


async def test_feedback_is_not_pretended_to_be_understood() -> None:
    blocked = await refused("Write an outline on birds", "outline", feedback="more about owls")
    assert blocked.needs_model
    assert "more about owls" in blocked.reason


@pytest.mark.parametrize("kind", sorted(WORKFLOWS))
@pytest.mark.parametrize(
    "title",
    [
        "x",
        " " * 300 + "x",
        "Email " + "a " * 140,
        "[Name]",
        "🙂" * 300,
        "a" * 300,
        "{{x}} \\1 (?P<",
        "שלום",
        "to about that for",
    ],
)
async def test_odd_titles_end_in_one_of_the_three(title: str, kind: str) -> None:
    assert isinstance(await decided(make_context(title, kind)), Immediate | Decompose | Blocked)


# Revisions ------------------------------------------------------------------------------------------------------------

BODY = "Hello John,\n\nThank you for the meeting. I appreciate the time you took.\n\nBest regards,\nRobin Vega\n"
EARLIER = EarlierDraft(["john@example.com"], ["cc@example.com"], "Thank you for the meeting", BODY)


async def revised(feedback: str) -> Immediate | Blocked:
    return await revise(make_context("Mail john@example.com"), EARLIER, feedback=feedback, now=NOW, thinking=RULES)


@pytest.mark.parametrize(
    ("feedback", "subject", "body"),
    [
        ("shorter", None, "Hello John,\n\nThank you for the meeting.\n\nBest regards,\nRobin Vega\n"),
        ("Make it shorter, please.", None, None),
        ("more informal", None, BODY.replace("Hello", "Hi").replace("Best regards,", "Best,")),
        ("more formal", None, BODY.replace("Hello", "Dear").replace("Best regards", "Kind regards")),
        ("subject: Our meeting", "Our meeting", BODY),
        ('Change the subject to "Our meeting"', "Our meeting", BODY),
        ("change meeting to call", "Thank you for the call", BODY.replace("meeting", "call")),
        ("sign as Robin", None, BODY.replace("Robin Vega", "Robin")),
        ("add: see you in May", None, BODY.replace("took.\n\n", "took.\n\nSee you in May.\n\n")),
        ("mention that we meet in May", None, BODY.replace("took.\n\n", "took.\n\nWe meet in May.\n\n")),
        ("don't mention the time", None, BODY.replace(" I appreciate the time you took.", "")),
        ("shorter; sign as Robin", None, "Hello John,\n\nThank you for the meeting.\n\nBest regards,\nRobin\n"),
    ],
)
async def test_feedback_is_followed_to_the_letter(feedback: str, subject: str | None, body: str | None) -> None:
    if feedback == "Make it shorter, please.":
        feedback, body = (
            "make it shorter please",
            "Hello John,\n\nThank you for the meeting.\n\nBest regards,\nRobin Vega\n",
        )
    result = await revised(feedback)
    assert isinstance(result, Immediate), result
    assert result.draft is not None
    assert (result.draft.subject, result.draft.body) == (subject or EARLIER.subject, body)
    assert (result.draft.to, result.draft.cc) == (EARLIER.to, EARLIER.cc)


@pytest.mark.parametrize(
    "feedback",
    ["in German", "auf Deutsch", "warmer", "change lunch to dinner", "don't mention the budget", "remove the meeting",
     "sign as Robin; warmer", "sign as Robin Vega", "change meeting to meeting", "add:", "🙂"],
)  # fmt: skip
async def test_what_is_not_understood_or_changes_nothing_is_said(feedback: str) -> None:
    result = await revised(feedback)
    assert isinstance(result, Blocked), result
    assert result.needs_model


@pytest.mark.parametrize("feedback", ["", " \n;; "])
async def test_empty_feedback_is_said(feedback: str) -> None:
    result = await revised(feedback)
    assert isinstance(result, Blocked)
    assert not result.needs_model
