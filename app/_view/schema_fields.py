"""A JSON Schema's object as labelled fields of a form, and back: simple values as they are, all others as JSON."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

Kind = Literal["line", "text", "lines", "number", "whole", "flag", "choice", "json"]
JsonObject: TypeAlias = Mapping[str, Any]
LONGEST_LINE = 90
LONG = {
    "body",
    "text",
    "text_body",
    "sql",
    "description",
    "why",
    "goal",
    "comment",
    "expression",
    "markdown",
}  # by their names
LONGEST = 200_000
FLAGS = {"yes": True, "no": False}


@dataclass(frozen=True)
class FormField:
    """One field: `text` is what stands in it, `error` what is wrong with that, `options` what a choice offers."""

    name: str
    label: str
    kind: Kind
    text: str
    hint: str = ""
    options: tuple[str, ...] = ()
    is_required: bool = False
    error: str = ""

    @property
    def choices(self) -> list[tuple[str, str]]:
        """What a choice offers, each with its words; nothing where something is needed is not among them."""
        offered = [(one, one.replace("_", " ")) for one in self.options]
        return offered if self.is_required and self.text else [("", "not said"), *offered]

    @property
    def rows(self) -> int:
        """How high its text area is."""
        return min(16, max(2, self.text.count("\n") + 1 + len(self.text) // 90))


def fields_of(schema: JsonObject, values: JsonObject, typed: Mapping[str, str] | None = None) -> list[FormField]:
    """The fields of an object's schema, filled with its values; `typed` is what a person wrote, by name."""
    required = set(cast("list[str]", schema.get("required", [])))
    properties = cast("dict[str, JsonObject]", schema.get("properties", {}))
    found = [_field(name, one, schema, values.get(name), name in required) for name, one in properties.items()]
    if schema.get("additionalProperties") is not False:
        others = {name: value for name, value in values.items() if name not in properties}
        if others:
            found.append(FormField(OTHERS, "Anything else, as JSON", "json", _json(others)))
    if typed is None:
        return found
    return [with_text(one, typed.get(one.name, one.text)) for one in found]


OTHERS = "*"


def with_text(one: FormField, text: str, error: str = "") -> FormField:
    """The field with another text in it, and what is wrong with that."""
    return FormField(one.name, one.label, one.kind, text, one.hint, one.options, one.is_required, error)


def read_fields(fields: list[FormField]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that stand in the fields, and by name what is wrong. An empty field that may be empty has no value."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for one in fields:
        try:
            value = _value(one)
        except ValueError as error:
            errors[one.name] = str(error)
            continue
        if one.name == OTHERS:
            values |= cast("dict[str, Any]", value or {})
        elif value is not None:
            values[one.name] = value
    return values, errors


def with_errors(fields: list[FormField], errors: Mapping[str, str]) -> list[FormField]:
    """The fields with what is wrong beside each."""
    return [with_text(one, one.text, errors.get(one.name, one.error)) for one in fields]


def _field(name: str, schema: JsonObject, root: JsonObject, value: Any, is_required: bool) -> FormField:
    plain, may_be_none = _resolved(schema, root)
    kind, options = _kind(plain, root, value)
    if kind == "line" and name in LONG:
        kind = "text"
    label = name.replace("_", " ").strip() or name
    hint = str(schema.get("description") or plain.get("description") or "")
    needed = is_required and not may_be_none
    return FormField(name, label[:1].upper() + label[1:], kind, _text(kind, value), hint, options, needed)


def _resolved(schema: JsonObject, root: JsonObject) -> tuple[JsonObject, bool]:
    """The schema without references and without its null, and whether it had one."""
    for _ in range(8):
        if "$ref" not in schema:
            break
        name = str(schema["$ref"]).rpartition("/")[2]
        schema = cast("dict[str, JsonObject]", root.get("$defs", {})).get(name, {})
    branches = cast("list[JsonObject]", schema.get("anyOf", []))
    others = [one for one in branches if one.get("type") != "null"]
    if branches and len(others) == 1:
        return _resolved(others[0], root)[0], len(branches) > 1
    return schema, any(one.get("type") == "null" for one in branches)


def _kind(schema: JsonObject, root: JsonObject, value: Any) -> tuple[Kind, tuple[str, ...]]:
    """How a value is best written; one that does not fit its schema, like a template, as a text."""
    options = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if options and all(isinstance(one, str) for one in options) and (value is None or value in options):
        return "choice", tuple(options)
    match schema.get("type"):
        case "string" if value is None or isinstance(value, str):
            is_long = isinstance(value, str) and (len(value) > LONGEST_LINE or "\n" in value)
            return ("text" if is_long else "line"), ()
        case "integer" | "number" as name if value is None or _is_number(value) or isinstance(value, str):
            return ("whole" if name == "integer" else "number"), ()
        case "boolean" if value is None or isinstance(value, bool):
            return "flag", ()
        case "array":
            items, _ = _resolved(cast("JsonObject", schema.get("items", {})), root)
            entries = cast("list[Any]", value) if isinstance(value, list) else []
            is_plain = items.get("type") == "string" and not items.get("enum")
            fits = value is None or isinstance(value, list)
            if is_plain and fits and all(isinstance(one, str) and "\n" not in one for one in entries):
                return "lines", ()
        case _:
            pass
    return "json", ()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    match kind:
        case "lines":
            return "\n".join(str(one) for one in value)
        case "flag":
            return "yes" if value else "no"
        case "json":
            return _json(value)
        case _:
            return str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _value(one: FormField) -> Any:
    """What stands in a field. Raises ValueError that says what is allowed."""
    text = one.text.replace("\r\n", "\n")
    if len(text) > LONGEST:
        raise ValueError(f"it is too long: {LONGEST:,} characters at most")
    if not text.strip():
        if one.is_required:
            if one.kind == "lines":
                return []
            if one.kind in {"line", "text"}:
                return ""
            raise ValueError("it is empty")
        return None
    match one.kind:
        case "line" | "text":
            return text.strip() if one.kind == "line" else text
        case "lines":
            return [line.strip() for line in text.split("\n") if line.strip()]
        case "number" | "whole":
            return _number(text.strip(), is_whole=one.kind == "whole")
        case "flag":
            if text not in FLAGS:
                raise ValueError("it is yes or no")
            return FLAGS[text]
        case "choice":
            if text not in one.options:
                raise ValueError(f"allowed: {', '.join(one.options)}")
            return text
        case "json":
            return _from_json(text, must_be_object=one.name == OTHERS)


def _number(text: str, *, is_whole: bool) -> int | float | str:
    if text.startswith("{{"):
        return text  # an earlier task's result fills it in
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if is_whole or not math.isfinite(value):
        raise ValueError(f"it is a {'whole ' if is_whole else ''}number, not {text[:40]!r}")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _from_json(text: str, *, must_be_object: bool) -> Any:
    try:
        value: Any = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"this is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("this is nested too deep") from None
    if must_be_object and not isinstance(value, dict):
        raise ValueError('it is an object, like {"name": "value"}')
    return cast("Any", value)
