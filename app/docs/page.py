"""`/docs`: the API as a readable page, out of the same OpenAPI document that programs read at `/openapi.json`."""

from dataclasses import dataclass
from typing import Any, cast

from fastapi import Request
from starlette.responses import Response

from app.cookies import own_cookies
from app.person_session import COOKIE
from app.templating import render

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class _Field:
    """A parameter, or a field of a body: its type and limits in words."""

    name: str
    kind: str
    is_required: bool
    description: str


@dataclass(frozen=True)
class _Operation:
    """One method of one URL."""

    id: str
    method: str
    path: str
    summary: str
    parameters: list[_Field]
    body: list[tuple[str, list[_Field]]]
    answers: list[tuple[str, str, str]]


async def get(request: Request) -> Response:
    document = request.app.openapi()
    schemas = document["components"]["schemas"]
    groups: dict[str, list[_Operation]] = {}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                operation = _operation(method, path, methods[method], schemas)
                groups.setdefault(methods[method]["tags"][0], []).append(operation)
    signed_in = COOKIE in own_cookies(request)
    return render(request, "docs/page.html", groups=groups, document=document, signed_in=signed_in)


def _operation(method: str, path: str, told: dict[str, Any], schemas: dict[str, Any]) -> _Operation:
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return _Operation(
        id=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told.get("summary", ""),
        parameters=[
            _field(parameter["name"], parameter["schema"], parameter.get("required", False), parameter)
            for parameter in told.get("parameters", [])
        ],
        body=[(name, _fields(schemas[name])) for name in _names(body or {})],
        answers=[
            (status, answer["description"], _words(_first_schema(answer)))
            for status, answer in sorted(told["responses"].items())
        ],
    )


def _first_schema(answer: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, dict[str, Any]] = answer.get("content", {})
    for media in content.values():
        return media["schema"]
    return {}


def _names(schema: dict[str, Any]) -> list[str]:
    """The models that a schema refers to: itself, or the branches of a union."""
    if "$ref" in schema:
        return [schema["$ref"].rpartition("/")[2]]
    return [name for branch in schema.get("anyOf", []) for name in _names(branch)]


def _fields(schema: dict[str, Any]) -> list[_Field]:
    required = schema.get("required", [])
    return [_field(name, inner, name in required, inner) for name, inner in schema.get("properties", {}).items()]


def _field(name: str, schema: dict[str, Any], is_required: bool, described: dict[str, Any]) -> _Field:
    description = described.get("description") or schema.get("description", "")
    return _Field(name, _words(schema), is_required, description)


def _words(schema: dict[str, Any]) -> str:
    """A schema in a few words: `integer, 1 to 200`, `one of high, low`, `list of Task`."""
    if names := _names(schema):
        return " or ".join(names)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_words(branch) for branch in schema["anyOf"]))
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in cast("list[object]", schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_words(schema.get('items', {}))}"
    words = str(schema.get("format") or schema.get("const") or schema.get("type", "anything"))
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None or most is not None:
        words += f", {least if least is not None else ''} to {most if most is not None else ''}".rstrip()
    if "maxLength" in schema:
        words += f", up to {schema['maxLength']} characters"
    return words
