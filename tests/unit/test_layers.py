"""Only `tasks/` calls the functions of the database, each in one place with its types; everybody else calls those."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
OTHERS = ("core", "agents", "integrations", "jobs", "app", "cli", "infra")
MADE = re.compile(r"\bcreate (?:or replace )?function public\.(\w+)")


def _functions() -> set[str]:
    return {
        name for file in (ROOT / "supabase" / "migrations").glob("*.sql") for name in MADE.findall(file.read_text())
    }


def _called(file: Path) -> list[str]:
    """The names that a file hands to `call` and `call_json`."""
    return [
        node.args[0].value
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"call", "call_json"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]


def test_nobody_but_tasks_calls_a_function_of_the_database() -> None:
    functions = _functions()
    found = [
        f"{file.relative_to(ROOT)}: {name}"
        for folder in OTHERS
        for file in sorted((ROOT / folder).rglob("*.py"))
        for name in _called(file)
        if name in functions
    ]
    assert found == []


def test_what_tasks_calls_is_there() -> None:
    called = {name for file in (ROOT / "tasks").rglob("*.py") for name in _called(file)}
    assert len(called) > 200
    assert called - _functions() == set()
