"""A preference as a person writes it: checked, and put into words where they gave none."""

import re
from collections.abc import Mapping
from typing import Any

from agents.learning.rules import ADDRESS, Instruction, as_row, in_words, rule_of
from core.errors import Invalid

SCOPES = ("everyone", "person", "kind")
KIND = re.compile(r"[a-z][a-z_]{0,59}")
LONGEST = 500


def as_written(
    statement: str | None, rule: Mapping[str, Any] | None, scope_type: str = "everyone", scope_value: str = ""
) -> dict[str, Any]:
    """The fields that `save_preference` takes. Raises Invalid that names the field, the value and what is allowed."""
    value = _checked_scope(scope_type, scope_value)
    words = " ".join((statement or "").split())
    if len(words) > LONGEST:
        raise _wrong("statement", f"at most {LONGEST} characters, this has {len(words)}")
    if rule is None and not words:
        raise _wrong("statement", "say what you like, or give a rule")
    typed = rule_of(rule) if rule is not None else Instruction(text=words.ljust(3, "."))
    if isinstance(typed, Instruction):
        return {"statement": words or typed.text, "rule": None, "scope_type": scope_type, "scope_value": value}
    said = words or in_words(typed, scope_type, value)
    return {"statement": said, "rule": as_row(typed), "scope_type": scope_type, "scope_value": value}


def _checked_scope(scope_type: str, scope_value: str) -> str:
    value = scope_value.strip()
    if scope_type not in SCOPES:
        raise _wrong("scope_type", f"{scope_type[:40]!r} is none; allowed: {', '.join(SCOPES)}")
    if scope_type == "everyone":
        if value:
            raise _wrong("scope_value", f"{value[:80]!r}: a preference for everyone names nobody")
        return ""
    if scope_type == "person":
        if not ADDRESS.fullmatch(value):
            raise _wrong("scope_value", f"{value[:80]!r} is no address; one like ana@example.com is allowed")
        return value.casefold()
    if not KIND.fullmatch(value):
        raise _wrong("scope_value", f"{value[:80]!r} is no kind of task; one like email, reply or agenda is allowed")
    return value


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", errors=[{"field": field, "message": message}])
