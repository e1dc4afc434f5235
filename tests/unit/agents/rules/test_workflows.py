"""What the built-in rules make of each kind of task: the words that are there, or an honest no."""

import pytest

from agents import checker
from agents.planner import problem_of
from agents.strategist import (
    Blocked,
    Decompose,
    DraftContent,
    Immediate,
)
from agents.workflows.catalog import WORKFLOWS
from tests.unit.agents.making import NOW, make_context
from tests.unit.agents.rules.deciding import decided, refused


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
