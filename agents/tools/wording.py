"""What is wrong with the input of a tool, in words."""

import json
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

LONGEST_VALUE = 100


def in_words(error: ValidationError, fields: list[str]) -> str:
    """The first problem: field, what is allowed, and what was given. `fields` are those that there are."""
    first = error.errors(include_url=False)[0]
    return one_in_words(first, ".".join(str(part) for part in first["loc"]), fields)


def one_in_words(problem: ErrorDetails, where: str, fields: list[str]) -> str:
    """One problem of several; `where` is how its field is called ("" for the whole, "it" beside the field itself)."""
    value = json.dumps(problem["input"], default=str, ensure_ascii=False)[:LONGEST_VALUE]
    allowed = _allowed(problem["type"], dict(problem.get("ctx") or {}), fields)
    if allowed is None:
        said = problem["msg"].removeprefix("Value error, ")
        return f"{where}: {said}" if where not in {"", "it"} else said
    shown = "" if problem["type"] in {"missing", "extra_forbidden"} else f", not {value}"
    return f"{where or 'it'} {allowed}{shown}"


def _allowed(kind: str, limits: dict[str, Any], fields: list[str]) -> str | None:
    """What is allowed where Pydantic found an error of this kind; None where its own words are as good."""
    match kind:
        case "missing":
            return "is missing"
        case "greater_than_equal":
            return f"is {limits['ge']:g} or more"
        case "greater_than":
            return f"is more than {limits['gt']:g}"
        case "less_than_equal":
            return f"is {limits['le']:.0f} at most"
        case "less_than":
            return f"is less than {limits['lt']:g}"
        case "float_type" | "float_parsing" | "finite_number":
            return "is a number"
        case "int_type" | "int_parsing" | "int_from_float":
            return "is a whole number"
        case "bool_type" | "bool_parsing":
            return "is true or false"
        case "string_type":
            return "is a text"
        case "string_too_short":
            return "is not empty" if limits["min_length"] == 1 else f"has {limits['min_length']} characters at least"
        case "string_pattern_mismatch":
            return "is not of the right form"
        case "string_too_long":
            return f"has {limits['max_length']:,} characters at most"
        case "list_type":
            return "is a list"
        case "too_short":
            return f"has {limits['min_length']} entries at least"
        case "too_long":
            return f"has {limits['max_length']} entries at most"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "is an object"
        case "literal_error":
            return f"is {limits['expected']}"
        case "extra_forbidden":
            return f"is no part of it; there is {', '.join(fields) or 'nothing'}"
        case _ if kind.startswith("uuid"):
            return "is an id"
        case _ if kind.startswith("date_"):
            return "is a day like 2026-03-05"
        case _ if kind.startswith("datetime") or kind == "timezone_aware":
            return "is a time like 2026-03-05T15:00 (by your clock) or 2026-03-05T15:00:00+01:00"
        case _:
            return None
