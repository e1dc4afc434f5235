"""What the built-in rules make of feedback: followed to the letter, or said that it is not understood."""

import pytest

from agents.reviser import revise
from agents.strategist import (
    Blocked,
    EarlierDraft,
    Immediate,
)
from tests.unit.agents.making import NOW, make_context
from tests.unit.agents.rules.deciding import RULES, refused


async def test_feedback_is_not_pretended_to_be_understood() -> None:
    blocked = await refused("Write an outline on birds", "outline", feedback="more about owls")
    assert blocked.needs_model
    assert "more about owls" in blocked.reason


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
