"""An expression computes, within its limits, and reaches nothing."""

import os
from typing import Any

import pytest

from agents.tools import transform
from agents.tools.tool import Done
from core.errors import Invalid
from tests.unit.agents.tools.running import run_of


@pytest.mark.parametrize(
    ("expression", "data", "value"),
    [
        ("orders[status='open'].id", {"orders": [{"id": 1, "status": "open"}, {"id": 2, "status": "done"}]}, 1),
        ("$sum(a)", {"a": [1, 2.5]}, 3.5),
        (
            "{'name': $uppercase(name), 'n': $count(list)}",
            {"name": "größe 😀", "list": [1, None]},
            {"name": "GRÖSSE 😀", "n": 2},
        ),
        ("nothing.here", {}, None),
        ("$", [1, [2], {"a": None}], [1, [2], {"a": None}]),
        ("$map([1..3], function($v){$v*2})", None, [2, 4, 6]),
        ("'{{ x }}'", None, "{{ x }}"),
    ],
)
async def test_it_computes(expression: str, data: Any, value: Any) -> None:
    outcome = await transform.transform(run_of(), transform.TransformInput(expression=expression, data=data))
    assert isinstance(outcome, Done)
    assert outcome.output == {"value": value}


@pytest.mark.parametrize(
    "expression",
    [
        "$eval('1+1')",
        "$now()",
        "$millis()",
        "$random()",
        "((",
        "$nosuch()",
        "1 + 'a'",
        "function($x){$x}",
        "$sum",
        "__import__('os').system('id')",
        "$error('no')",
        "1/0",
    ],
)
async def test_what_cannot_be_applied_is_said(expression: str) -> None:
    with pytest.raises(Invalid, match="cannot be applied"):
        await transform.evaluate(expression, {"a": 1})


@pytest.mark.parametrize(
    "expression",
    [
        "($f := function($x){$f($x + 1)}; $f(0))",
        "($f := function($x){$f($x) + 1}; $f(0))",
        "$match('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', /(a+)+$/)",
        "$sum($map([1..9999999], function($v){$v * $v}))",
        "$pad('', 900000000, 'x')",
        "$reduce([1..60], function($a, $b){$a & $a}, 'xxxxxxxx')",
    ],
)
async def test_what_never_ends_or_takes_all_memory_is_ended(expression: str) -> None:
    with pytest.raises(Invalid):
        await transform.evaluate(expression, None, seconds=0.5, memory_bytes=300_000_000)


async def test_a_huge_value_is_refused() -> None:
    with pytest.raises(Invalid, match="1000000 characters"):
        await transform.evaluate("$pad('', 1100000, 'x')", None)


async def test_data_nested_too_deep_is_said() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(Invalid, match="too deep"):
        await transform.evaluate("$", deep)


async def test_the_process_gets_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PYTHONSTARTUP", "/nowhere")
    monkeypatch.setitem(os.environ, "PYTHONPATH", "/nowhere")
    assert await transform.evaluate("$string({'a': 1})", None) == '{"a":1}'
