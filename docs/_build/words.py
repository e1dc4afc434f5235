"""Pages of the words that the code knows: problem types, tools."""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.tools.built_in import BUILT_IN_TOOLS
from agents.tools.tool import AnyTool
from docs._build.markdown import cell, code, joined, table
from docs._build.openapi import kind_of

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "tasks", "agents", "integrations", "jobs", "app", "cli")
PROBLEMS = """# Problems

Every error leaves as one shape, `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), from every address below `/api`:

```json
{
  "type": "urn:steward:problem:invalid",
  "title": "A value is wrong",
  "status": 422,
  "detail": "priority: Input should be 'critical', 'high', 'medium' or 'low' (it is \\"urgent\\")",
  "errors": [{"field": "priority", "message": "Input should be 'critical', 'high', 'medium' or 'low'", "value": "\\"urgent\\""}]
}
```

| field | |
|---|---|
| `type` | which kind: one of those below |
| `title` | the kind in a few words, always the same |
| `status` | the HTTP status |
| `detail` | what went wrong this time |
| `hint` | what would help, where there is something |
| `errors` | for bad input: each `field`, what is allowed (`message`), and the `value` that came |

`X-Request-Id` of the answer stands in the log beside everything that was logged about the request. A command of the terminal with `--json`
prints the same object and exits with 1. The database raises the same refusals as `PT` and the status: `PT409`.

## The types
"""
TOOLS = """# Tools

The tools that come with Steward; tools of [MCP servers](../guide/mcp.md) join them. What they are for, and which settings they need, is in
[the tools of a plan](../guide/tools.md); `steward tools NAME` shows one with what is missing.

A tool that *reads* runs by itself. One that *acts* asks first, with exactly what it will do. One that *steers* only moves its task.
"""


def pages() -> Iterator[tuple[str, str]]:
    """The page of problems, and that of tools."""
    yield "reference/problems.md", PROBLEMS + "\n" + _problems()
    yield (
        "reference/tools.md",
        TOOLS + "\n" + "\n\n".join(_tool(BUILT_IN_TOOLS[name]) for name in sorted(BUILT_IN_TOOLS)) + "\n",
    )


@dataclass(frozen=True)
class Problem:
    """A class of errors, as its source says it."""

    type: str
    status: int
    title: str
    words: str


def problems() -> list[Problem]:
    """Every class of errors that has a type of its own, by status and type. Read from the sources: nothing is imported."""
    classes: dict[str, ast.ClassDef] = {}
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            text = file.read_text()
            if 'type = "' in text or file.name == "errors.py":
                classes |= {node.name: node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)}
    found = [_problem(node, classes) for node in classes.values() if "type" in _own(node)]
    return sorted([one for one in found if one], key=lambda one: (one.status, one.type))


def _problem(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> Problem | None:
    """None where it is no error: some models have a field of that name."""
    own: dict[str, object] = {}
    above: ast.ClassDef | None = node
    while above:
        own = {**_own(above), **own}
        above = next((classes[one.id] for one in above.bases if isinstance(one, ast.Name) and one.id in classes), None)
    if not own.keys() >= {"status", "title"}:
        return None
    return Problem(str(own["type"]), int(str(own["status"])), str(own["title"]), ast.get_docstring(node) or "")


def _own(node: ast.ClassDef) -> dict[str, object]:
    """What a class sets by itself: constants by name."""
    found: dict[str, object] = {}
    for one in node.body:
        target = (
            one.targets[0] if isinstance(one, ast.Assign) else one.target if isinstance(one, ast.AnnAssign) else None
        )
        if (
            isinstance(target, ast.Name)
            and isinstance(one, ast.Assign | ast.AnnAssign)
            and isinstance(one.value, ast.Constant)
        ):
            found[target.id] = one.value.value
    return found


def _problems() -> str:
    rows: list[tuple[str, str, str, str]] = []
    for one in problems():
        again = "look first" if one.type == "outcome-unknown" else "yes" if one.status in {429, 502, 503, 504} else "no"
        words = one.words.split("\n\n")[0]
        told = one.title if words.rstrip(".") == one.title or not words else f"{one.title}. {cell(words)}"
        rows.append((code(f"urn:steward:problem:{one.type}"), str(one.status), told, again))
    rows.append((code("urn:steward:problem:http-404"), "404", "Nothing is served at this address", "no"))
    rows.append(
        (
            code("urn:steward:problem:http-405"),
            "405",
            "This method is not served here; `Allow` names those that are",
            "no",
        )
    )
    return table(["type", "status", "", "does trying again help?"], rows) + "\n"


def _tool(tool: AnyTool) -> str:
    schema: dict[str, Any] = tool.input.model_json_schema()
    manner = "acts, asks first" if tool.asks_first else {"read": "reads", "act": "acts", "control": "steers"}[tool.kind]
    parts = [f"## {code(tool.name)} {{ #{tool.name.replace('_', '-')} }}", cell(tool.description), f"It {manner}."]
    defs: dict[str, Any] = schema.get("$defs", {})
    rows = [
        (code(name), _kind(one, defs), cell(joined([_needed(name, one, schema), str(one.get("description", ""))])))
        for name, one in schema.get("properties", {}).items()
    ]
    if rows:
        parts.append(table(["`tool_input`", "type", ""], rows))
    return "\n\n".join(parts)


def _needed(name: str, one: dict[str, Any], schema: dict[str, Any]) -> str:
    if name in schema.get("required", []):
        return "required"
    default = one.get("default")
    return f"default {json.dumps(default)}" if default not in (None, "", [], {}) else ""


def _kind(one: dict[str, Any], defs: dict[str, Any]) -> str:
    """The type in words; an inner object is only called one."""
    if "$ref" in one:
        inner = defs[str(one["$ref"]).rpartition("/")[2]]
        return kind_of(inner) if "enum" in inner else "object"
    branches: list[dict[str, Any]] = one.get("anyOf") or one.get("oneOf") or one.get("allOf") or []
    if branches:
        return " or ".join(dict.fromkeys(_kind(branch, defs) for branch in branches if branch.get("type") != "null"))
    if one.get("type") == "array":
        return f"list of {_kind(one.get('items', {}), defs)}"
    return kind_of(one)
