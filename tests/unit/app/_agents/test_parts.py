"""Parts as agents say them become rows; what is wrong is refused with its place, its value and what is allowed."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from agents.tools.built_in import BUILT_IN_TOOLS
from app._agents.parts import rows_of
from app._agents.subtasks import Subtask
from core.errors import Invalid

LARRY = UUID(int=7)
SUBTASKS = TypeAdapter(list[Subtask])


def rows(*given: dict[str, Any]) -> list[dict[str, Any]]:
    return rows_of(SUBTASKS.validate_python(list(given)), LARRY, BUILT_IN_TOOLS, "data.subtasks", delay_hours=48)


def test_each_part_is_done_by_whom_it_names() -> None:
    ask = {
        "action_request": {"action": "book", "args": {"at": "noon"}},
        "config": {"allow_accept": True, "allow_edit": False, "allow_respond": True, "allow_ignore": True},
        "description": "Book it?",
    }
    mine, other, any_one, person, asked, steward, mail, *_ = rows(
        {"key": "look", "title": " Look ", "instructions": "Be quick", "input": {"n": 1}, "timeout_seconds": 60},
        {"title": "Call", "who": "agent", "agent": "Mona", "depends_on": ["look", 0]},
        {
            "title": "Write",
            "who": "agent",
            "capabilities": ["E-Mail", "e-mail"],
            "input": {"to": "{{look.output}}"},
            "depends_on": [0],
        },
        {"title": "Sign", "who": "person", "priority": "high", "acceptance_criteria": ["signed"]},
        {"title": "Book", "who": "person", "interrupt": ask},
        {"title": "Think", "who": "steward", "estimated_duration_minutes": 5},
        {"title": "Wait", "who": "steward", "tool": "delay", "tool_input": {"seconds": 5}},
        *({"title": "Day", "who": "steward", "tool": "delay", "tool_input": {"seconds": 90_000}} for _ in "12"),
    )
    automated = {"execution_type": "fully_automated"}
    assert mine == {
        **automated,
        "key": "look",
        "title": "Look",
        "description": "",
        "priority": "medium",
        "acceptance_criteria": [],
        "timeout_seconds": 60,
        "tool": "outside_agent",
        "tool_input": {"whom": str(LARRY), "capabilities": [], "instructions": "Be quick", "input": {"n": 1}},
        "depends_on": [],
    }
    assert (other["tool_input"]["whom"], other["depends_on"]) == ("Mona", [0])
    assert any_one["tool_input"]["capabilities"] == ["e-mail"]
    assert (person["execution_type"], person.get("tool"), person["priority"]) == ("manual", None, "high")
    assert (asked["tool"], asked["tool_input"]) == ("agent_interrupt", ask)
    assert (steward["execution_type"], steward.get("tool")) == ("semi_automated", None)
    assert (mail["tool"], mail["tool_input"]) == ("delay", {"seconds": 5})


def part(**more: Any) -> dict[str, Any]:
    return {"title": "A", **more}


WRONG: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "delays that are too long together": (
        [
            part(who="steward", tool="delay", tool_input={"seconds": 90_000}, depends_on=needs)
            for needs in ([2], [], [1])
        ],
        "2.tool_input",
        "the delays of an agent's parts last at most 172800 seconds after one another",
    ),
    "a delay until some year": (
        [part(who="steward", tool="delay", tool_input={"until": "2999-01-01T00:00:00"})],
        "0.tool_input",
        "last at most 172800 seconds after one another",
    ),
    "a delay that is filled in later": (
        [part(), part(who="steward", tool="delay", tool_input={"seconds": "{{ a.output }}"}, depends_on=[0])],
        "1.tool_input",
        "an agent says how long a delay lasts",
    ),
    "no such tool": ([part(who="steward", tool="rm")], "0.tool", "there is no such tool; allowed: "),
    "a tool of the house": ([part(), part(who="steward", tool="plan_stage")], "1.tool", "it is not for parts"),
    "an interrupt by its tool": ([part(who="steward", tool="agent_interrupt")], "0.tool", "it is not for parts"),
    "past the review": (
        [part(who="steward", tool="email_send", tool_input={"draft_id": str(LARRY)})],
        "0.tool_input",
        "draft_id is set by the review of a draft alone",
    ),
    "a wrong input": ([part(who="steward", tool="delay", tool_input={"seconds": "soon"})], "0.tool_input", "seconds"),
    "an input without a tool": ([part(who="steward", tool_input={"a": 1})], "0.tool_input", "it needs a tool"),
    "a wrong interrupt": ([part(who="person", interrupt={"action": "x"})], "0.interrupt", "action_request"),
    "what means nothing": ([part(who="person", agent="Mona")], "0.agent", "it means nothing where who is person"),
    "a key twice": ([part(key="a"), part(key="a")], "1.key", "data.subtasks.0 has it already"),
    "an unknown key": ([part(key="a"), part(depends_on=["b"])], "1.depends_on.0", "keys: a; positions: 0 to 1"),
    "an unknown position": ([part(depends_on=[1])], "0.depends_on.0", "positions: 0 to 0"),
    "itself": ([part(key="a", depends_on=["a"])], "", "in a circle: a -> a"),
    "a circle": (
        [part(), part(key="b", depends_on=["c"]), part(key="c", depends_on=[1]), part(depends_on=["c"])],
        "",
        "in a circle: c -> b -> c",
    ),
    "a template too early": (
        [part(key="look"), part(input={"x": "{{look.output}}"})],
        "1",
        "input.x: {{look.output}} is not over before it",
    ),
    "a template that is not closed": ([part(input={"x": "{{look"})], "", "is not closed"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(name: str) -> None:
    given, field, said = WRONG[name]
    with pytest.raises(Invalid) as refused:
        rows(*given)
    [problem] = refused.value.errors
    assert problem["field"] == f"data.subtasks.{field}".rstrip(".")
    assert said in problem["message"], problem
