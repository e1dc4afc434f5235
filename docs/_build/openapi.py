"""The API reference: a page for each noun, made of the OpenAPI document. Every example is a request that is answered."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI

from app.openapi import METHODS, openapi_of
from app.router import build_router
from app.scopes import needed_scope
from docs._build.examples import BODIES, DAY, OTHERS, PARAMETERS, identifier
from docs._build.markdown import cell, code, joined

ROOT = Path(__file__).parents[2]
HOST = "http://127.0.0.1:8765"
INTRODUCTION = """# {title}

{count} operations below `{path}`. Requests carry `Authorization: Bearer $TOKEN`, where `TOKEN=$(steward token)`; more in [the API](index.md).
Errors are [problem objects](../problems.md); which of them each operation may answer with stands beside it.
"""


@dataclass(frozen=True)
class Operation:
    """One method of one path, as OpenAPI has it."""

    method: str
    path: str
    told: dict[str, Any]

    @property
    def tag(self) -> str:
        return str(self.told["tags"][0])

    @property
    def body(self) -> dict[str, Any] | None:
        content = self.told.get("requestBody", {}).get("content", {})
        return content.get("application/json", {}).get("schema")

    @property
    def is_open(self) -> bool:
        """Does it ask nobody who they are?"""
        return self.told.get("security") == []


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of all routes, without a house."""
    app = FastAPI(title="Steward", version="0")
    router = build_router(ROOT / "app", "app")
    app.include_router(router)
    app.state.routes = [*router.routes, *app.routes]
    return openapi_of(app)


def operations() -> list[Operation]:
    """Every operation, in the order of the document."""
    paths: dict[str, dict[str, Any]] = document()["paths"]
    return [
        Operation(m.upper(), path, told) for path, item in paths.items() for m, told in item.items() if m in METHODS
    ]


def pages() -> Iterator[tuple[str, str]]:
    """`(path of the page, Markdown)`: the overview, then one page for each noun."""
    by_tag: dict[str, list[Operation]] = {}
    for one in operations():
        by_tag.setdefault("health" if one.tag in {"healthz", "readyz"} else one.tag, []).append(one)
    yield "reference/api/index.md", _overview(by_tag)
    for tag, found in sorted(by_tag.items()):
        path = "/" if tag == "health" else f"/api/{tag}"
        head = INTRODUCTION.format(title=tag.capitalize(), count=len(found), path=path)
        yield f"reference/api/{tag}.md", head + "\n".join(_section(one) for one in found)


def _overview(by_tag: Mapping[str, list[Operation]]) -> str:
    lines = [(ROOT / "docs" / "_build" / "api.md").read_text(), "## Every operation", ""]
    lines += ["| | | | scope of a token |", "|---|---|---|---|"]
    for tag, found in sorted(by_tag.items()):
        for one in found:
            link = f"[{cell(one.told.get('summary', ''))}]({tag}.md#{anchor(one)})"
            lines.append(f"| {one.method} | {code(one.path)} | {link} | {_scope(one)} |")
    return "\n".join(lines) + "\n"


def anchor(one: Operation) -> str:
    """The id of the heading of an operation."""
    return str(one.told["operationId"]).replace("_", "-")


def _scope(one: Operation) -> str:
    if one.is_open:
        return "none: it has a secret or a signature of its own" if one.path.startswith("/api") else "none: open"
    if one.path.startswith("/api/agents/") and ("{agent_id}/" in one.path or one.path.endswith("/me")):
        own = "the agent's own token"
        scope = needed_scope(one.path, one.method)
        return f"{own}, or {code(scope)}" if scope else own
    scope = needed_scope(one.path, one.method)
    return code(scope) if scope else "no token is taken: a person's own"


def _section(one: Operation) -> str:
    told = one.told
    parts = [f"## {told.get('summary') or one.path} {{ #{anchor(one)} }}", f"`{one.method} {one.path}`"]
    if told.get("description"):
        parts.append(str(told["description"]))
    parts.append(f"Scope of a token: {_scope(one)}.")
    if told.get("parameters"):
        parts.append(_fields("Parameter", [_parameter(p) for p in told["parameters"]]))
    if one.body is not None:
        for name, schema in _shapes(one.body):
            rows = [_property(n, s, n in schema.get("required", [])) for n, s in schema.get("properties", {}).items()]
            title = f"Field of {name}" if name else "Field of the body"
            parts.append(_fields(title, rows) if rows else f"The body is {kind_of(schema)}.")
    parts.append("| Answer | |\n|---|---|\n" + "\n".join(_answers(told["responses"])))
    parts.append(f"```sh\n{curl(one)}\n```")
    return "\n\n".join(parts) + "\n"


def _fields(title: str, rows: list[tuple[str, str, str]]) -> str:
    lines = [f"| {title} | type | |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {code(name)} | {kind} | {cell(words)} |" for name, kind, words in rows)])


def _parameter(told: Mapping[str, Any]) -> tuple[str, str, str]:
    where = {"path": "in the path", "query": "", "header": "a header"}.get(told["in"], "")
    words = joined([where, told.get("description", ""), _default(told["schema"])])
    return told["name"], kind_of(told["schema"]), words


def _property(name: str, schema: Mapping[str, Any], required: bool) -> tuple[str, str, str]:
    needed = "required" if required else _default(schema)
    return name, kind_of(schema), joined([needed, str(schema.get("description", ""))])


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    return f"default {json.dumps(default)}" if default not in (None, [], {}) else ""


def _answers(responses: Mapping[str, Any]) -> Iterator[str]:
    for status, answer in responses.items():
        content: dict[str, Any] = answer.get("content", {})
        if status.startswith("2"):
            kinds = [_media(media, one.get("schema", {})) for media, one in content.items()]
            yield f"| {status} | {', '.join(kinds) or 'nothing'} |"
    problems = [status for status in responses if not status.startswith("2")]
    common = [status for status in problems if status != "404"]
    if "404" in problems:
        yield "| 404 | there is no such thing, or it is somebody else's |"
    yield f"| {', '.join(common)} | a [problem](../problems.md) |"


def _media(media: str, schema: Mapping[str, Any]) -> str:
    return kind_of(schema) if media == "application/json" else f"`{media}`"


# Section: shapes in words


def resolve(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that a reference names."""
    name = schema.get("$ref")
    return document()["components"]["schemas"][str(name).rpartition("/")[2]] if name else dict(schema)


def _shapes(schema: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects that a body may be, each with its name; the plain one has none."""
    branches = cast("list[dict[str, Any]]", schema.get("anyOf") or schema.get("oneOf") or [])
    if branches:
        for branch in branches:
            if branch.get("type") != "null":
                yield from ((_name(branch) or name, shape) for name, shape in _shapes(branch))
        return
    if schema.get("type") == "array":
        yield from ((f"each {name or 'item'}", shape) for name, shape in _shapes(schema["items"]))
        return
    yield "", resolve(schema)


def _name(schema: Mapping[str, Any]) -> str:
    return f"`{str(schema['$ref']).rpartition('__')[2].rpartition('/')[2]}`" if "$ref" in schema else ""


def kind_of(schema: Mapping[str, Any]) -> str:
    """The type of a value in a few words, with what is allowed."""
    if "$ref" in schema:
        below = resolve(schema)
        return kind_of(below) if "enum" in below else _name(schema)
    branches = cast("list[dict[str, Any]]", schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf") or [])
    if branches:
        return " or ".join(dict.fromkeys(kind_of(b) for b in branches if b.get("type") != "null"))
    if "enum" in schema:
        return ", ".join(code(str(value)) for value in schema["enum"])
    if "const" in schema:
        return code(str(schema["const"]))
    if schema.get("type") == "array":
        return f"list of {kind_of(schema.get('items', {}))}{_limits(schema)}"
    kind = str(schema.get("format") or schema.get("type") or "any JSON")
    return f"{kind}{_limits(schema)}"


def _limits(schema: Mapping[str, Any]) -> str:
    words = {
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "minItems": "at least {}",
        "maxItems": "at most {}",
        "minimum": "from {}",
        "maximum": "to {}",
        "exclusiveMinimum": "above {}",
        "exclusiveMaximum": "below {}",
    }
    found = [text.format(schema[name]) for name, text in words.items() if name in schema]
    return f" ({', '.join(found)})" if found else ""


# Section: examples


def example_body(one: Operation) -> Any:
    """A body that is taken; None where there is none, or it is somebody else's to write."""
    if one.body is None:
        return None
    key = f"{one.method} {one.path}"
    return BODIES[key] if key in BODIES else smallest(one.body)


def smallest(schema: Mapping[str, Any], name: str = "") -> Any:
    """The smallest value that a schema takes: what is required, and nothing else."""
    told = resolve(schema)
    branches = cast("list[dict[str, Any]]", told.get("anyOf") or told.get("oneOf") or told.get("allOf") or [])
    if branches:
        return smallest(branches[0], name)
    for given in ("default", "const"):
        if told.get(given) is not None:
            return told[given]
    if "enum" in told:
        return told["enum"][0]
    by_format = {
        "uuid": identifier(name),
        "date-time": f"{DAY}T09:00:00+01:00",
        "date": f"{DAY}",
        "email": "ana@example.com",
    }
    match told.get("type"):
        case "object":
            required: list[str] = told.get("required", [])
            return {field: smallest(told["properties"][field], field) for field in required}
        case "array":
            return [smallest(told["items"], name)] * int(told.get("minItems", 0))
        case "integer" | "number":
            return told.get("minimum", 1)
        case "boolean":
            return True
        case "string":
            return by_format.get(str(told.get("format")), "ana@example.com" if "email" in name else name or "text")
        case _:
            return {}


def example_path(one: Operation) -> str:
    """The path with values in place of its parameters, and the query that cannot be left out."""
    path = one.path
    query: list[str] = []
    for parameter in one.told.get("parameters", []):
        name = parameter["name"]
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", PARAMETERS.get(name) or identifier(name))
        elif parameter["in"] == "query" and parameter.get("required"):
            query.append(f"{name}={OTHERS.get(name) or identifier(name)}")
    return f"{path}?{'&'.join(query)}" if query else path


def example_headers(one: Operation) -> dict[str, str]:
    """The headers that cannot be left out."""
    told = one.told.get("parameters", [])
    return {p["name"]: OTHERS[p["name"]] for p in told if p["in"] == "header" and p.get("required")}


def curl(one: Operation) -> str:
    """The operation as a command for a terminal."""
    words = ["curl -s"]
    if one.method not in {"GET", "POST"} or (one.method == "POST" and one.body is None):
        words.append(f"-X {one.method}")
    if not one.is_open:
        words.append('-H "Authorization: Bearer $TOKEN"')
    words += [f"-H '{name}: {value}'" for name, value in example_headers(one).items()]
    address = f"{HOST}{example_path(one)}"
    body = example_body(one)
    if body is None:
        return " ".join([*words, shlex.quote(address)])
    data = shlex.quote(json.dumps(body, ensure_ascii=False))
    return " ".join(words) + f" -H 'Content-Type: application/json' \\\n  -d {data} \\\n  {shlex.quote(address)}"
