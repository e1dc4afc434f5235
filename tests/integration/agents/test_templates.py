"""Outputs feed inputs through the whole engine; names are checked by the database as a tree is made."""

from typing import Any

import pytest

from agents.equipment import Run
from agents.tools.tool import AnyInput, AnyTool, Done, Outcome, Tool
from app.house import House
from core.errors import Invalid
from tasks import functions, trees
from tasks.events import list_task_events
from tests.integration.agents.growing import at_work, is_state, node, root, started, until


class Gives:
    """A tool that gives what its input says, and remembers it."""

    def __init__(self) -> None:
        self.got: dict[str, Any] = {}

    async def use(self, run: Run, given: AnyInput) -> Outcome:
        self.got[run.task.title] = given.model_dump()
        return Done(given.model_dump().get("gives"))

    def tool(self, *, untrusted: bool = False) -> AnyTool:
        return Tool("gives", "gives", "read", self.use, AnyInput, brings_untrusted=untrusted)


def gives(key: str, output: Any, after: list[str] | None = None, **more: Any) -> dict[str, Any]:
    return node(key, "gives", after, tool_input={"gives": output}, **more)


async def test_an_output_feeds_the_next_task_and_its_origin_is_kept(house: House) -> None:
    bench = Gives()
    inner = {**node("inner", None), "children": [gives("deep", {"x": [1, "ü"]})]}
    use = {"gives": "{{ deep.x }}", "text": "a {{ first_task.n }}"}
    tree = root(
        gives("one", {"n": 1}, title="First task!"),
        {**inner, "depends_on": ["one"]},
        {**node("group", None, ["inner"]), "children": [node("use", "gives", tool_input=use)]},
        gives("last", "{{ use.output }}", ["group"]),
    )
    async with at_work(house, gives=bench.tool(untrusted=True)):
        made = await started(house, tree)
        await until(house, made.id, is_state("completed"))
    assert bench.got["use"] == {"gives": [1, "ü"], "text": "a 1"}
    assert bench.got["last"] == {"gives": [1, "ü"]}
    events = [e for e in await list_task_events(house.caller, made.keys["use"], limit=500) if e.kind == "input"]
    (event,) = [e for e in events if e.task_id == made.keys["use"]]
    assert event.data == {"from": {"gives": "deep", "text": "First task!"}, "untrusted": ["gives", "text"]}
    assert event.message.endswith("written by others: First task!, deep")


async def test_a_field_that_was_not_given_fails_the_task_by_name(house: House) -> None:
    bench = Gives()
    async with at_work(house, gives=bench.tool()):
        made = await started(
            house, root(gives("one", {"n": 1}), gives("two", "{{ one.m }}", ["one"], on_failure="stop"))
        )
        task = await until(house, made.keys["two"], is_state("failed"))
    assert task.failure_reason == "{{ one.m }}: one gave no field 'm': it has: n"
    assert "two" not in bench.got


async def test_a_replaced_task_goes_by_the_name_of_the_first(house: House) -> None:
    bench = Gives()
    async with at_work(house, gives=bench.tool()):
        tree = root(
            node("one", "gives", tool_input={"gives": "{{ zero.nosuch }}"}, after=["zero"], on_failure="escalate"),
            gives("zero", {"n": 1}),
            gives("two", "{{ one.output }}", ["one"]),
        )
        made = await started(house, tree)
        await until(house, made.keys["one"], lambda t: t.escalated_at is not None)
        await functions.retry_task(house.caller, made.keys["one"])
        task = await until(house, made.keys["one"], is_state("failed"))
        assert task.source_ref["key"] == "one"


@pytest.mark.parametrize(
    ("children", "words"),
    [
        (
            [gives("a", 1), gives("b", "{{ nowhere.x }}", ["a"])],
            "b uses {{ nowhere }}, and no task of the tree has that key or title",
        ),
        ([gives("a", 1), gives("b", "{{ a.x }}")], "b uses {{ a }}, and does not depend on that task"),
        ([gives("a", 1, ["b"]), gives("b", "{{ a.x }}")], "does not depend on"),
        ([gives("a", "{{ a.x }}")], "does not depend on"),
        ([gives("a", "{{ root.x }}")], "does not depend on"),
        (
            [gives("a", 1, title="Same"), gives("b", 2, title="same!"), gives("c", ["x {{ same.y }}"], ["a", "b"])],
            "several tasks are called that",
        ),
        ([gives("a", 1), gives("b", {"deep": [{"er": "x {{a.y}} {{ c.z }}"}]}, ["a"])], "{{ c }}"),
    ],
)
async def test_a_name_that_cannot_be_filled_in_is_refused_as_the_tree_is_made(
    house: House, children: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await trees.create_task_tree(house.caller, root(*children))
    assert words in caught.value.message
    assert (await functions.list_tasks(house.caller)).items == []


async def test_names_that_can_be_filled_in_pass(house: House) -> None:
    tree = root(
        gives("step-1", {"x": 1}, title="Schritt Ä 1"),
        gives("b", ["{{ step-1.x }}", "{{ step_1.x }}", "{{ schritt_Ä_1.x }}", r"\{{ nowhere.x }}"], ["step-1"]),
        gives("c", "{{ step-1.x }}", ["b"]),
    )
    made = await trees.create_task_tree(house.caller, tree)
    assert {child.source_ref["key"] for child in made.children} == {"step-1", "b", "c"}
