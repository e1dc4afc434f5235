"""The strategist and the reviser on a real HTTP server with authored answers, on both interfaces."""

import pytest

from agents import checker
from agents.reviser import revise
from agents.strategist import Blocked, Decompose, EarlierDraft, Immediate, TaskContext, decide
from agents.thinking import ModelMalformed, Prompt
from tests.integration.agents.conftest import Asked
from tests.unit.agents.making import NOW, mail_from_dana, make_context


async def ask(asked: Asked, context: TaskContext) -> Immediate | Decompose | Blocked:
    return await decide(context, now=NOW, thinking=asked.thinking)


async def test_a_simple_mail_is_made_at_once_and_passes_the_check(asked: Asked) -> None:
    context = make_context("Draft email to john@example.com thanking him for the meeting")
    result = await ask(asked, context)
    assert isinstance(result, Immediate)
    assert result.draft is not None
    assert result.output == f"Subject: Thank you for the meeting\n\n{result.draft.body}"
    assert checker.check(result, context, NOW) == []


async def test_the_prompt_of_the_workflow_is_recorded(asked: Asked) -> None:
    await ask(asked, make_context("Draft email to john@example.com thanking him for the meeting"))
    assert asked.calls[0].prompt_version == "strategist/2+email/1"


async def test_a_project_is_broken_down(asked: Asked) -> None:
    result = await ask(asked, make_context("Plan Q4 marketing campaign", "project", "semi_automated"))
    assert isinstance(result, Decompose)
    assert [subtask.execution_type for subtask in result.subtasks] == [
        "manual", "semi_automated", "fully_automated", "manual",
    ]  # fmt: skip


async def test_a_purchase_is_blocked(asked: Asked) -> None:
    result = await ask(asked, make_context("Order new office chairs", "purchase", "manual"))
    assert isinstance(result, Blocked)
    assert "procurement" in result.reason


@pytest.mark.parametrize(
    ("title", "kind", "says"),
    [
        ("Extract action items", "action_items", "Anna"),
        ("Summarise the launch meeting", "meeting_summary", "12 March"),
        ("Summarise the report", "summary", "Sales"),
        ("Prepare a status report", "report", "Status"),
        ("Write an outline", "outline", "Durable"),
        ("Write a proposal", "document", "pilot"),
        ("Translate this paragraph into German", "translation", "Besprechung"),
        ("Rewrite this paragraph", "rewriting", "Friday"),
    ],
)
async def test_each_workflow_gives_its_result(asked: Asked, title: str, kind: str, says: str) -> None:
    context = make_context(title, kind)
    result = await ask(asked, context)
    assert isinstance(result, Immediate)
    assert says in result.output
    assert checker.check(result, context, NOW) == []


async def test_a_reply_goes_to_the_writer_of_the_thread(asked: Asked) -> None:
    context = make_context("Answer Dana about the renewal", "reply", "semi_automated", thread=[mail_from_dana()])
    result = await ask(asked, context)
    assert isinstance(result, Immediate)
    assert checker.check(result, context, NOW) == []


async def test_a_model_never_says_that_it_needs_a_model(asked: Asked) -> None:
    result = await ask(asked, make_context("Ping @lena", "message", "semi_automated"))
    assert isinstance(result, Blocked)
    assert not result.needs_model


async def test_a_cycle_is_named_and_goes_back(asked: Asked) -> None:
    result = await ask(asked, make_context("Plan in a circle, then straight", "project", "semi_automated"))
    assert isinstance(result, Decompose)
    assert [subtask.depends_on for subtask in result.subtasks] == [[], [0]]
    assert len(asked.calls) == 2


@pytest.mark.parametrize("title", ["Plan in a circle for ever", "Plan out of range", "Plan one part"])
async def test_a_plan_that_cannot_be_done_is_malformed(asked: Asked, title: str) -> None:
    with pytest.raises(ModelMalformed):
        await ask(asked, make_context(title, "project", "semi_automated"))
    assert len(asked.calls) == 3


async def test_a_model_cannot_do_what_is_a_persons(asked: Asked) -> None:
    result = await ask(asked, make_context("Call the customer", "call", "manual"))
    assert isinstance(result, Blocked)
    assert len(asked.calls) == 2


async def test_a_mail_without_a_draft_goes_back(asked: Asked) -> None:
    result = await ask(asked, make_context("Mail without draft to ana@firm.example"))
    assert isinstance(result, Immediate)
    assert result.draft is not None


async def test_a_stranger_as_recipient_does_not_pass_the_check(asked: Asked) -> None:
    context = make_context("Mail to a stranger")
    result = await ask(asked, context)
    assert isinstance(result, Immediate)
    assert [finding.code for finding in checker.check(result, context, NOW)] == ["invented-recipient"]


async def test_a_draft_is_written_again_as_the_reviewer_wished(asked: Asked) -> None:
    earlier = EarlierDraft(["john@example.com"], [], "Thank you", "Hello John,\n\nThank you.\n")
    result = await revise(
        make_context("Thank john@example.com"), earlier, feedback="make it warmer", now=NOW, thinking=asked.thinking
    )
    assert isinstance(result, Immediate)
    assert "joy" in result.output
    assert asked.calls[0].purpose == "revision"


async def test_own_instructions_go_with_a_new_version_too(asked: Asked) -> None:
    earlier = EarlierDraft(["john@example.com"], [], "Thank you", "Hello John,\n\nThank you.\n")
    context = make_context("Thank john@example.com", own_words=Prompt("own/1", "Three sentences at most"))
    await revise(context, earlier, feedback="make it warmer", now=NOW, thinking=asked.thinking)
    assert asked.calls[0].prompt_version.endswith("+own/1")
