"""What Google's discovery document says of a service's methods: which there are, what they take, and errors in Google's form.

The document is the one in the installed `googleapiclient`; what it does not know is refused with 400, as Google does.
"""

import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Json = dict[str, Any]
PREFIX = "/calendar/v3/"


@cache
def discovery() -> Json:
    """The discovery document of Google Calendar v3 that comes with the client."""
    folder = files("googleapiclient") / "discovery_cache" / "documents"
    return json.loads((folder / "calendar.v3.json").read_text())


class Refusal(Exception):
    """An error in Google's form."""

    def __init__(self, status: int, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        self.status, self.reason = status, reason


@dataclass
class Fault:
    """What goes wrong with the next calls of a method: a status, or (None) a line that is cut; before or after the work."""

    method: str
    status: int | None
    after: bool = False
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    reason: str = "backendError"


def resolve(verb: str, target: str) -> tuple[str, Json, Json]:
    """The method of a request, and its parameters by name and type. Raises Refusal for what the document does not know."""
    split = urlsplit(target)
    path = split.path.removeprefix(PREFIX)
    for method_id, pattern, method in _routes():
        named = pattern.fullmatch(path)
        if method["httpMethod"] != verb or not named:
            continue
        known = method.get("parameters", {}) | discovery()["parameters"]
        params: Json = {name: unquote(value) for name, value in named.groupdict().items()}
        for name, values in parse_qs(split.query, keep_blank_values=True).items():
            if name not in known:
                raise Refusal(400, "badRequest", f"Unknown parameter {name}")
            if "enum" in known[name] and values[0] not in known[name]["enum"]:
                raise Refusal(400, "badRequest", f"Invalid value {values[0]} for {name}")
            params[name] = values[0] == "true" if known[name]["type"] == "boolean" else values[0]
        return method_id, method, params
    raise Refusal(404, "notFound", f"There is no {verb} {path}")


@cache
def _routes() -> list[tuple[str, re.Pattern[str], Json]]:
    return [
        (f"{resource}.{name}", re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", method["path"])), method)
        for resource, parts in discovery()["resources"].items()
        for name, method in parts.get("methods", {}).items()
    ]


def check_body(value: Any, schema: str, where: str) -> None:
    """Fields and their types against the discovery document."""
    known = discovery()["schemas"].get(schema, {}).get("properties", {})
    for name, one in value.items():
        if name not in known:
            raise Refusal(400, "badRequest", f'Invalid JSON payload received. Unknown name "{name}" at {where}')
        _check_field(one, known[name], f"{where}.{name}")


def _check_field(value: Any, form: Json, where: str) -> None:
    kinds: dict[str, type | tuple[type, ...]] = {
        "string": str, "boolean": bool, "integer": int, "array": list, "object": dict, "number": (int, float),
    }  # fmt: skip
    if value is None:
        return
    if "$ref" in form:
        check_body(value, form["$ref"], where)
    elif not isinstance(value, kinds.get(form.get("type", "any"), object)):
        raise Refusal(400, "invalid", f"{where} is no {form['type']}")
    elif form.get("type") == "array":
        for one in value:
            _check_field(one, form["items"], where)


def error_of(refusal: Refusal) -> tuple[int, dict[str, str], bytes]:
    error = {
        "code": refusal.status,
        "message": str(refusal),
        "errors": [{"domain": "global", "reason": refusal.reason}],
    }
    return refusal.status, {"content-type": "application/json; charset=UTF-8"}, json.dumps({"error": error}).encode()


def answer_of(fault: Fault) -> tuple[int | None, dict[str, str], bytes]:
    if fault.status is None or fault.body is not None:
        return fault.status, {"content-type": "application/json", **fault.headers}, fault.body or b""
    status, headers, body = error_of(Refusal(fault.status, fault.reason, "This went wrong on purpose"))
    return status, headers | fault.headers, body
